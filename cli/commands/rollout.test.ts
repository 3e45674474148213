import { RunDouble } from "../../test/double/run-double";
import { runForTest } from "../cli-under-test";

let run: RunDouble;
beforeAll(async () => {
  run = await RunDouble.start(["only"]);
});
afterAll(() => run.close());
beforeEach(() => run.reset());

const rollout = (...args: readonly string[]) => runForTest(["rollout", ...args], { cwd: run.folder });

it.each([
  [["arena@2", "--canary", "10%"], { version: "2", canary: 0.1 }],
  [["arena@2"], { version: "2" }],
  [["arena", "--promote"], { rollout: "promote" }],
  [["arena", "--canary", "0.5"], { canary: 0.5 }],
])("%j", async (args, change) => {
  expect(await rollout(...args)).toMatchObject({ code: 0 });
  const asked = run.region("only").backend.asked.map(({ command }) => command);
  expect(asked).toContainEqual({ type: "putFleet", experienceId: "arena", ...change });
});

it("says how far it is", async () => {
  const { code, out } = await rollout("arena");
  expect([code, out]).toEqual([0, expect.stringContaining("no version is being taken in")]);
});

it.each([
  [["arena", "--pause", "--resume"], "--pause and --resume at once"],
  [["arena@2", "--rollback"], "--rollback beside a version or a share"],
  [["arena@2", "--canary", "120%"], "--canary 120% is no share of a fleet"],
])("refuses %j", async (args, problem) => {
  const { code, err } = await rollout(...args);
  expect([code, err]).toEqual([2, expect.stringContaining(problem)]);
});
