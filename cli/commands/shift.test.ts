import { useRunDouble } from "../../test/double/use-run-double";

const { forge } = useRunDouble("only");

const shift = (...args: readonly string[]) => forge("shift", ...args);

it.each([
  [["move"], 'there is no "move"'],
  [["plan"], "plan needs an experience and the old cluster"],
  [["plan", "--experience", "a", "--agones", "http://x", "--file", "none.toml"], "cannot be read as TOML"],
])("refuses %j", async (args, problem) => {
  const { code, err } = await shift(...args);
  expect([code, err]).toEqual([2, expect.stringContaining(problem)]);
});
