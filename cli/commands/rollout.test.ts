import { RunDouble } from "../../test/double/run-double";
import { sampleFleet } from "../../test/double/samples";
import { runForTest } from "../cli-under-test";

let run: RunDouble;
beforeAll(async () => {
  run = await RunDouble.start(["only"]);
});
afterAll(() => run.close());
beforeEach(() => run.reset());

const rolloutOf = (...args: readonly string[]) => runForTest(["rollout", ...args], { cwd: run.folder });

it.each([
  [["arena@2", "--canary", "10%"], { version: "2", canary: 0.1 }],
  [["arena@2"], { version: "2" }],
  [["arena", "--promote"], { rollout: "promote" }],
  [["arena", "--canary", "0.5"], { canary: 0.5 }],
])("%j", async (args, change) => {
  expect(await rolloutOf(...args)).toMatchObject({ code: 0 });
  const asked = run.region("only").backend.asked.map(({ command }) => command);
  expect(asked).toContainEqual({ type: "putFleet", experienceId: "arena", ...change });
});

it("says how far it is", async () => {
  const { code, out } = await rolloutOf("arena");
  expect([code, out]).toEqual([0, expect.stringContaining("no version is being taken in")]);
});

it("says what servers of a version run that forge.toml need not know, and how to take it back", async () => {
  const rollout = {
    fromVersion: "1.0.0",
    toVersion: "9",
    state: "rolling" as const,
    share: 1,
    servers: { "1.0.0": 2 },
    failures: 0,
    paused: false,
    startedAt: "2026-01-01T00:00:00.000Z",
    reason: "asked for",
  };
  run.region("only").backend.when("putFleet", () => ({ ok: true, value: sampleFleet({ region: "only", rollout }) }));
  const { code, out } = await rolloutOf("arena@9");
  expect([code, out]).toEqual([0, expect.stringContaining("forge.toml's entry with FORGE_VERSION=9,")]);
  expect(out).toContain("forge rollout arena --rollback --region only");
});

it.each([
  [["arena", "--pause", "--resume"], "--pause and --resume at once"],
  [["arena@2", "--rollback"], "--rollback beside a version or a share"],
  [["arena@2", "--canary", "120%"], "--canary 120% is no share of a fleet"],
])("refuses %j", async (args, problem) => {
  const { code, err } = await rolloutOf(...args);
  expect([code, err]).toEqual([2, expect.stringContaining(problem)]);
});
