import { deployment, migrateText, onlyJob } from "../for-test";
import { jobJson } from "../emit/job-json";
import type { Json } from "../verify/finding";
import { brokenRules } from "../verify/rules";

describe("a deployment's deadline has room", () => {
  const pod = (graceSecs: number): string => `apiVersion: v1
kind: Pod
metadata: { name: one }
spec: { terminationGracePeriodSeconds: ${graceSecs}, containers: [{ name: game, image: a }] }
`;
  const problems = (text: string): readonly string[] =>
    brokenRules((jobJson(onlyJob(migrateText(text))) as { readonly Job: Json }).Job);

  it("for the stop of a single pod that takes longer than Nomad's own", () => {
    expect(onlyJob(migrateText(pod(3600))).group.update).toMatchObject({ progressDeadline: 3600 });
    expect(onlyJob(migrateText(pod(600))).group.update).toBeUndefined();
    expect(problems(pod(3600))).toEqual([]);
  });

  it("for a DaemonSet whose pods have to be well for longer", () => {
    const text = deployment({ spec: "minReadySeconds: 900" }).replace("kind: Deployment", "kind: DaemonSet");
    const { update } = onlyJob(migrateText(text)).group;
    expect(update).toMatchObject({ minHealthyTime: 900, healthyDeadline: 960, progressDeadline: 1020 });
    expect(problems(text)).toEqual([]);
  });
});
