import { nomadEnv, whereOf } from "./where";

it.each([
  [[], "embedded", []],
  [["--seed", "7"], "embedded", ["--seed", "7"]],
  [["--on", "embedded", "--json"], "embedded", ["--json"]],
  [["--only", "cut node", "--on", "nodes"], "nodes", ["--only", "cut node"]],
  [["--on=nomad", "--minutes", "2"], "nomad", ["--minutes", "2"]],
])("%j is on %s", (argv, on, rest) => {
  expect(whereOf(argv)).toEqual({ on, rest });
});

it.each([
  [["--on", "mars"], '--on is "mars": expected one of embedded, nodes, nomad'],
  [["--on"], '--on is ""'],
])("refuses %j", (argv, says) => {
  expect(() => whereOf(argv)).toThrow(says);
});

it("tells the region on Nomad seed, minutes and which faults", () => {
  expect(nomadEnv([])).toEqual({ FORGE_LONG_TESTS: "1" });
  expect(nomadEnv(["--seed", "7", "--minutes", "0.5", "--only", "stall gate,kill"])).toEqual({
    FORGE_LONG_TESTS: "1",
    FORGE_CHAOS_SEED: "7",
    FORGE_CHAOS_MINUTES: "0.5",
    FORGE_CHAOS_ONLY: "stall gate,kill",
  });
  expect(() => nomadEnv(["--bots", "3"])).toThrow("--bots");
  expect(() => nomadEnv(["--minutes", "soon"])).toThrow('--minutes is "soon"');
});
