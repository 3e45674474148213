"use strict";
/**
 * A jest reporter that leaves counts and skips in the file named by FORGE_TEST_SUMMARY, for scripts/test.mjs to print
 * after everything else. Without that variable (plain `npx jest`) it does nothing.
 */
const { writeFileSync } = require("node:fs");

/** `test/skips.ts` writes the reason into the title of a skipped suite; here it is read back. */
const SKIPPED_SUITE = /^(.*) \[skipped here: (.*)\]$/s;

/**
 * @typedef {{ status: string, ancestorTitles: string[], fullName: string }} Test
 * @typedef {{ file: string, broken: boolean, tests: { name: string, outcome: string }[] }} FileOutcome
 *   broken: it could not be loaded, or failed outside of its tests; outcome: passed, failed, or pending where it was skipped
 * @typedef {{
 *   passed: number, failed: number, skipped: number, skips: { name: string, reason: string }[], files: FileOutcome[],
 * }} Summary a broken file counts as one failure
 * @param {{
 *   numPassedTests: number, numFailedTests: number, numPendingTests: number, numTodoTests: number,
 *   numRuntimeErrorTestSuites: number, testResults: {
 *     testFilePath?: string, testExecError?: unknown, testResults: Test[],
 *   }[],
 * }} results what jest hands to a reporter at the end, as far as it is read here
 * @returns {Summary}
 */
function summarise(results) {
  const skips = new Map();
  for (const file of results.testResults) {
    for (const test of file.testResults) {
      if (test.status !== "pending" && test.status !== "todo") continue;
      const suite = test.ancestorTitles.map((title) => SKIPPED_SUITE.exec(title)).find((match) => match !== null);
      const [name, reason] = suite
        ? [suite[1], suite[2]]
        : [test.fullName, "left out in its test file, no reason given"];
      skips.set(`${name}\n${reason}`, { name, reason });
    }
  }
  return {
    passed: results.numPassedTests,
    failed: results.numFailedTests + results.numRuntimeErrorTestSuites,
    skipped: results.numPendingTests + results.numTodoTests,
    skips: [...skips.values()].sort((a, b) => a.name.localeCompare(b.name, "en")),
    files: results.testResults.map(({ testFilePath = "", testExecError, testResults }) => ({
      file: testFilePath,
      broken: testExecError !== undefined && testExecError !== null,
      tests: testResults.map(({ fullName, status }) => ({ name: fullName, outcome: status })),
    })),
  };
}

class TestSummary {
  onRunComplete(_contexts, results) {
    const to = process.env.FORGE_TEST_SUMMARY;
    if (to) writeFileSync(to, JSON.stringify(summarise(results)));
  }
}

module.exports = TestSummary;
module.exports.summarise = summarise;
