import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { summarise } from "../scripts/test-summary.cjs";
import { findProgram, skipUnless } from "./skips";

/** Stands in for `describe` and records the titles that would be collected. */
function recordingSuite() {
  const titles: string[] = [];
  const collect = (kind: string) => (title: string, tests: () => void) => {
    titles.push(`${kind} ${title}`);
    tests();
  };
  return { titles, suite: Object.assign(collect("run"), { skip: collect("skip") }) };
}

describe("skipUnless", () => {
  test("runs the suite under its own title where the thing is there", () => {
    const { titles, suite } = recordingSuite();
    skipUnless("Minetest", "not installed", true, suite)("a world", () => undefined);
    expect(titles).toEqual(["run a world"]);
  });

  test("skips it where it is not, and the summary reads name and reason back", () => {
    const { titles, suite } = recordingSuite();
    skipUnless("Minetest", "minetestserver [5.6] is not installed", false, suite)("a world", () => undefined);
    const ancestorTitles = titles.map((title) => title.replace(/^(skip|run) /, ""));
    expect(titles[0]).toMatch(/^skip /);
    expect(summary([{ status: "pending", ancestorTitles, fullName: "never used" }]).skips).toEqual([
      { name: "Minetest", reason: "minetestserver [5.6] is not installed" },
    ]);
  });
});

describe("the summary of a run", () => {
  test("lists a reason once, and a skip without a reason as such", () => {
    const { skips } = summary([
      { status: "pending", ancestorTitles: ["Nomad [skipped here: no nomad]", "jobs"], fullName: "one" },
      { status: "pending", ancestorTitles: ["Nomad [skipped here: no nomad]", "jobs"], fullName: "two" },
      { status: "pending", ancestorTitles: ["bare"], fullName: "bare three" },
      { status: "passed", ancestorTitles: ["Consul [skipped here: no consul]"], fullName: "four" },
    ]);
    expect(skips.map(({ name }) => name)).toEqual(["bare three", "Nomad"]);
    expect(skips[0]?.reason).toContain("no reason given");
  });

  test("counts a file that could not be loaded as a failure", () => {
    expect(summary([], { numFailedTests: 2, numRuntimeErrorTestSuites: 1 }).failed).toBe(3);
    const results = { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0 };
    const files = [{ testFilePath: "a", testExecError: new Error("no module"), testResults: [] }];
    expect(summarise({ ...results, numRuntimeErrorTestSuites: 1, testResults: files }).files).toEqual([
      { file: "a", broken: true, tests: [] },
    ]);
  });
});

describe("findProgram", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "forge-path-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test("finds a program, not a folder nor a file that cannot be executed", () => {
    const program = join(folder, "game");
    writeFileSync(program, "", { mode: 0o644 });
    mkdirSync(join(folder, "folder"));
    const path = `/nowhere:${folder}`;
    expect(findProgram("folder", path)).toBeUndefined();
    expect(findProgram("game", path)).toBeUndefined();
    chmodSync(program, 0o755);
    expect(findProgram("game", path)).toBe(program);
    expect(findProgram("game", "")).toBeUndefined();
  });
});

function summary(testResults: Parameters<typeof summarise>[0]["testResults"][number]["testResults"], counts = {}) {
  const none = {
    numPassedTests: 0,
    numFailedTests: 0,
    numPendingTests: 0,
    numTodoTests: 0,
    numRuntimeErrorTestSuites: 0,
  };
  return summarise({ ...none, ...counts, testResults: [{ testResults }] });
}
