import { filesToRepeat, withSecondRun } from "../scripts/again.mjs";

const file = (name: string, ...outcomes: string[]) => ({
  file: name,
  broken: false,
  tests: outcomes.map((outcome, at) => ({ name: `${name} ${String(at)}`, outcome })),
});
const unloaded = (name: string) => ({ file: name, broken: true, tests: [] });
const skips = [{ name: "Nomad", reason: "no nomad" }];

/** What the summary of a run counts of these files. */
function summary(...files: ReturnType<typeof file>[]) {
  const count = (wanted: string) => files.flatMap(({ tests }) => tests).filter(({ outcome }) => outcome === wanted);
  const broken = files.filter((outcome) => outcome.broken).length;
  const [passed, failed, skipped] = ["passed", "failed", "pending"].map((wanted) => count(wanted).length);
  return { passed: passed ?? 0, failed: (failed ?? 0) + broken, skipped: skipped ?? 0, skips, files };
}

describe("a second run of what failed", () => {
  const whole = summary(file("a", "passed", "failed"), file("b", "passed", "pending"), unloaded("c"));

  it("is of the files that failed or could not be loaded", () => {
    expect(filesToRepeat(whole)).toEqual(["a", "c"]);
    expect(filesToRepeat(summary(file("b", "passed", "pending")))).toEqual([]);
  });

  it("is not made where many failed: that is no accident", () => {
    const failing = ["a", "b", "c"].map((name) => file(name, "failed"));
    expect(filesToRepeat(summary(...failing))).toHaveLength(3);
    expect(filesToRepeat(summary(...failing, unloaded("d")))).toEqual([]);
  });

  it("names what passed only then, and fails no more", () => {
    const told = withSecondRun(whole, summary(file("a", "passed", "passed"), file("c", "passed")));
    expect(told).toMatchObject({ passed: 4, failed: 0, skipped: 1, skips });
    expect(told.onlyAgain).toEqual([
      { file: "a", name: "a 1" },
      { file: "c", name: "" },
    ]);
  });

  it("fails where one fails again, or another of its file", () => {
    const told = withSecondRun(whole, summary(file("a", "failed", "passed"), unloaded("c")));
    expect(told).toMatchObject({ passed: 2, failed: 2, onlyAgain: [{ file: "a", name: "a 1" }] });
  });

  it("leaves what the first said of a file that the second did not come to", () => {
    const told = withSecondRun(whole, summary(file("c", "passed")));
    expect(told).toMatchObject({ passed: 3, failed: 1, onlyAgain: [{ file: "c", name: "" }] });
  });
});
