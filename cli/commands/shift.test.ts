import { RunDouble } from "../../test/double/run-double";
import { runForTest } from "../cli-under-test";

let run: RunDouble;
beforeAll(async () => {
  run = await RunDouble.start(["only"]);
});
afterAll(() => run.close());
beforeEach(() => run.reset());

const shift = (...args: readonly string[]) => runForTest(["shift", ...args], { cwd: run.folder });

it.each([
  [["move"], 'there is no "move"'],
  [["plan"], "plan needs an experience and the old cluster"],
  [["plan", "--experience", "a", "--agones", "http://x", "--file", "none.toml"], "cannot be read as TOML"],
])("refuses %j", async (args, problem) => {
  const { code, err } = await shift(...args);
  expect([code, err]).toEqual([2, expect.stringContaining(problem)]);
});
