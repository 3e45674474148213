import { delimiter } from "node:path";
import { foldersOf, GAME_FOLDERS, programIn } from "../config/program-files";
import { recordPart } from "./records";

/** As much of jest's `describe` as is needed here. */
type Suite = (name: string, tests: () => void) => void;

/**
 * `describe` for tests that need something this machine may not have. Where it is missing the tests are skipped, and
 * the end of `npm test` lists `name` with `reason`.
 *
 *     const server = findProgram("minetestserver");
 *     skipUnless("Minetest", "minetestserver is not installed", server !== undefined)("a world", () => { … });
 *
 * @param name what is tested for real: a program, a cluster, a privilege
 * @param reason why it cannot be here, as a phrase a reader can act on
 * @param available decided before the tests are collected, so not by a promise
 */
export function skipUnless(name: string, reason: string, available: boolean, suite: SkippableSuite = describe): Suite {
  if (available) {
    // So that the next run that skips it can say when it was there last.
    if (suite === describe) recordPart(name);
    return (title, tests) => suite(title, tests);
  }
  // scripts/test-summary.cjs reads name and reason out of this title.
  return (title, tests) => suite.skip(`${name} [skipped here: ${reason}]`, () => suite(title, tests));
}

type SkippableSuite = Suite & { skip: Suite };

/**
 * The file that a program's name stands for, or undefined where it is not installed. Start programs by this path: a
 * dedicated server may be installed and still not on PATH.
 */
export function findProgram(
  program: string,
  path = [process.env.PATH ?? "", ...GAME_FOLDERS].join(delimiter),
): string | undefined {
  return programIn(foldersOf(path), program);
}
