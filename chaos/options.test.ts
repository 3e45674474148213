import { readOptions } from "./options";

it("takes a seed of its own where none is given", () => {
  expect(readOptions([], () => 42)).toEqual({
    seed: 42,
    minutes: 5,
    regions: 2,
    bots: 16,
    only: [],
    json: false,
    keep: undefined,
  });
  expect(
    readOptions(["--seed", "7", "--minutes", "0.5", "--only", "kill,slow agent", "--json"], () => 42),
  ).toMatchObject({
    seed: 7,
    minutes: 0.5,
    only: ["kill", "slow agent"],
    json: true,
  });
});

it.each([
  [["--seed", "x"], '--seed is "x": expected a whole number from 0 to 4294967295'],
  [["--seed", "1.5"], "a whole number"],
  [["--minutes", "0"], '--minutes is "0": expected a number from 0.1 to 1440'],
  [["--minutes", ""], '--minutes is ""'],
  [["--regions", "3"], "from 1 to 2"],
  [["--bots", "0"], "from 1 to 200"],
  [["--loud"], "--loud"],
])("refuses %j", (argv, says) => {
  expect(() => readOptions(argv, () => 42)).toThrow(says);
});
