import { CORPUS } from "./corpus";
import { runCase } from "./run";

it.each(CORPUS.map((of) => [of.found, of] as const))(
  "mended: %s",
  async (_found, of) => {
    expect((await runCase(of)).violations).toEqual([]);
  },
  120_000,
);
