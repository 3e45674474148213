import { deployment, entryAt, migrateText, onlyJob } from "../for-test";
import type { NomadTask } from "../model/nomad-job";

function taskOf(text: string): NomadTask {
  const [task] = onlyJob(migrateText(text)).group.tasks;
  if (task === undefined) throw new Error("no task");
  return task;
}

/** `env` that reads these fields, in order A, B, C … */
function fields(...paths: readonly string[]): string {
  const items = paths.map((path, at) => {
    const name = String.fromCharCode(65 + at);
    return `{ name: ${name}, valueFrom: { fieldRef: { fieldPath: "${path}" } } }`;
  });
  return `env: [${items.join(", ")}]`;
}

const label = (key: string): string => `metadata.labels['${key}']`;
const ENV = "/spec/template/spec/containers/0/env";

describe("what a pod reads of itself", () => {
  it("is the name and place of a StatefulSet's pod, which programs take their number from", () => {
    const keys = ["apps.kubernetes.io/pod-index", "statefulset.kubernetes.io/pod-name", "none"];
    const text = deployment({ container: fields("metadata.name", ...keys.map(label)) });
    const stateful = text.replace("kind: Deployment", "kind: StatefulSet");
    expect(taskOf(stateful).env).toEqual({
      A: "web-${NOMAD_ALLOC_INDEX}",
      B: "${NOMAD_ALLOC_INDEX}",
      C: "web-${NOMAD_ALLOC_INDEX}",
      D: "",
    });
    expect(taskOf(text).env).toEqual({ A: "${NOMAD_JOB_NAME}-${NOMAD_SHORT_ALLOC_ID}", B: "", C: "", D: "" });
  });

  it("is a single pod's own name, and the account as written", () => {
    const text = `apiVersion: v1
kind: Pod
metadata: { name: one }
spec:
  serviceAccountName: robot
  containers: [{ name: c, image: a, ${fields("metadata.name", "spec.serviceAccountName", "status.hostIPs")} }]
`;
    expect(taskOf(text).env).toEqual({ A: "one", B: "robot", C: "${attr.unique.network.ip-address}" });
  });

  it("is no empty text for a label that the cluster gives and Nomad does not know", () => {
    const text = deployment({ container: fields(label("pod-template-hash")) });
    expect(taskOf(text).env).toEqual({});
    expect(entryAt(migrateText(text), `${ENV}/0/valueFrom/fieldRef/fieldPath`).code).toBe("unknownSource");
  });

  it("is the index of an indexed Job, by its variable and by its annotation", () => {
    const annotation = "metadata.annotations['batch.kubernetes.io/job-completion-index']";
    const job = (mode: string): string => `apiVersion: batch/v1
kind: Job
metadata: { name: work }
spec:
  completionMode: ${mode}
  template:
    spec:
      restartPolicy: Never
      containers: [{ name: c, image: a, args: ["--part=$(JOB_COMPLETION_INDEX)"], ${fields(annotation, label("job-name"))} }]
`;
    const indexed = taskOf(job("Indexed"));
    expect(indexed.env).toEqual({
      A: "${NOMAD_ALLOC_INDEX}",
      B: "work",
      JOB_COMPLETION_INDEX: "${NOMAD_ALLOC_INDEX}",
    });
    expect(indexed.config["args"]).toEqual(["--part=${JOB_COMPLETION_INDEX}"]);
    expect(taskOf(job("NonIndexed")).env).toEqual({ A: "", B: "work" });
  });
});

describe("resources that a container reads", () => {
  const ask = (name: string, what: string): string => `{ name: ${name}, valueFrom: { resourceFieldRef: { ${what} } } }`;

  it("are those of the container that is named, and a limit where nothing is requested", () => {
    const env = [
      ask("OTHER", "containerName: side, resource: limits.cpu, divisor: 1m"),
      ask("REQUEST", "resource: requests.memory, divisor: 1Mi"),
      ask("NONE", "resource: limits.cpu"),
    ];
    const side = "- { name: side, image: b, resources: { limits: { cpu: 1100m } } }";
    const text = deployment({
      container: `resources: { limits: { memory: 1Gi } }\n          env: [${env.join(", ")}]\n        ${side}`,
    });
    expect(taskOf(text).env).toEqual({ OTHER: "1100", REQUEST: "1024" });
    expect(entryAt(migrateText(text), `${ENV}/2/valueFrom/resourceFieldRef/resource`).code).toBe("unknownSource");
  });

  it.each(["9m", "51m", "1100m", "4.03", "0.1"])("keep %s of CPU what it is, in whole MHz", (cpu) => {
    const text = deployment({ container: `resources: { requests: { cpu: ${cpu} } }` });
    const milli = cpu.endsWith("m") ? Number(cpu.slice(0, -1)) : Math.round(Number(cpu) * 1000);
    expect(taskOf(text).resources.cpu).toBe(milli * 2);
  });
});

it("says where a program reads what Kubernetes sets for a Service", () => {
  const container = `command: [sh, -c, "ping $REDIS_SERVICE_HOST"]
          args: ["$(REDIS_SERVICE_PORT_HTTP)", "$(MY_SERVICE_HOST)", "$SERVICE_HOST"]
          env: [{ name: MY_SERVICE_HOST, value: redis }, { name: URL, value: "redis://$(REDIS_SERVICE_HOST)" }]`;
  const migration = migrateText(deployment({ container }));
  const codes = ["command/2", "args/0", "args/1", "args/2", "env/1/value"].map(
    (at) => entryAt(migration, `/spec/template/spec/containers/0/${at}`).code,
  );
  expect(codes).toEqual(["serviceVariable", "serviceVariable", "argumentVariable", "converted", "serviceVariable"]);
});
