"use strict";
const { default: Sequencer } = require("@jest/test-sequencer");

/**
 * What starts real programs and waits for them comes first, so that the end of a run is many short files and no worker
 * is left alone with a long one. Jest itself knows that only where it has run before: elsewhere it goes by file size.
 */
const FIRST = ["test/cluster/", "test/contract/", "test/e2e/", "test/", "sim/"];

/** The order of test files: those that failed last, then by folder, then as jest orders them. */
class TestOrder extends Sequencer {
  sort(tests) {
    const failed = (test) => (this.hasFailed(test) ? 0 : 1);
    return [...super.sort(tests)].sort((a, b) => failed(a) - failed(b) || placeOf(a) - placeOf(b));
  }
}

function placeOf({ path, context }) {
  const file = path.slice(context.config.rootDir.length + 1);
  const found = FIRST.findIndex((folder) => file.startsWith(folder));
  return found === -1 ? FIRST.length : found;
}

module.exports = TestOrder;
