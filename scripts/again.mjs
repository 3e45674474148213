/**
 * A second run of the few test files that failed. Thousands of tests with real processes on a busy machine now and then
 * meet what is no fault of the code: another program took the port, the machine stood still. What fails twice fails; what
 * passes alone is told as such at the end of `npm test`, for it is a fault of the test at least.
 *
 * @typedef {{ file: string, broken: boolean, tests: { name: string, outcome: string }[] }} FileOutcome
 * @typedef {import("./test-summary.cjs").Summary} Summary
 */

/** More files than these fail by no accident, and are not run again. */
export const MOST_FILES = 3;

/**
 * @param {Summary} summary of the whole suite
 * @returns {string[]} files to run again
 */
export function filesToRepeat({ files }) {
  const failed = files.filter(hasFailed).map(({ file }) => file);
  return failed.length > MOST_FILES ? [] : failed;
}

/**
 * @param {Summary} first
 * @param {Summary} second of those files alone
 * @returns {Summary & { onlyAgain: { file: string, name: string }[] }} what the second run says of its files in the
 *   place of what the first did, and the tests that only then passed; a file that could not be loaded at first is one of
 *   them, without a name
 */
export function withSecondRun(first, second) {
  const repeated = new Map(second.files.map((outcome) => [outcome.file, outcome]));
  const files = first.files.map((outcome) => repeated.get(outcome.file) ?? outcome);
  const tests = files.flatMap((outcome) => outcome.tests);
  const count = (...outcomes) => tests.filter(({ outcome }) => outcomes.includes(outcome)).length;
  return {
    passed: count("passed"),
    failed: count("failed") + files.filter(({ broken }) => broken).length,
    skipped: count("pending", "todo"),
    skips: first.skips,
    files,
    onlyAgain: first.files.flatMap((before) => passedSince(before, repeated.get(before.file))),
  };
}

function passedSince(before, after) {
  if (after === undefined) return [];
  const { file } = before;
  const passed = new Set(after.tests.filter(({ outcome }) => outcome === "passed").map(({ name }) => name));
  const names = before.tests.filter(({ name, outcome }) => outcome === "failed" && passed.has(name));
  if (names.length > 0) return names.map(({ name }) => ({ file, name }));
  return before.broken && !hasFailed(after) ? [{ file, name: "" }] : [];
}

function hasFailed({ broken, tests }) {
  return broken || tests.some(({ outcome }) => outcome === "failed");
}
