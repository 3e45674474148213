import { type CliResult, runForTest } from "../../cli/cli-under-test";
import { RunDouble } from "./run-double";

/** What tests of commands do with a double of a run. */
export interface UsedRunDouble {
  readonly run: RunDouble;
  /** Runs a command in the folder of the run's file. */
  forge(this: void, ...args: readonly string[]): Promise<CliResult>;
  /** Every command that a region's core was asked in this test, oldest first. */
  asked(this: void, region: string): readonly object[];
}

/** A double of a run for the tests of a file: there before the first, as new for each, gone after the last. */
export function useRunDouble(...regions: readonly string[]): UsedRunDouble {
  let run: RunDouble | undefined;
  beforeAll(async () => {
    run = await RunDouble.start(regions);
  });
  afterAll(() => run?.close());
  beforeEach(() => run?.reset());
  const started = (): RunDouble => {
    if (run === undefined) throw new Error("the double is there within tests only");
    return run;
  };
  return {
    get run() {
      return started();
    },
    forge: (...args) => runForTest(args, { cwd: started().folder }),
    asked: (region) =>
      started()
        .region(region)
        .backend.asked.map(({ command }) => command),
  };
}
