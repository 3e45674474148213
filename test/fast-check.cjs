/**
 * fast-check with one seed for the whole run, so that `npm test` asks the same of every change and a change alone can make it fail.
 * New ground is searched on purpose: FORGE_TEST_SEED is a whole number, or "random" for another one in each test.
 */
const fc = require("../node_modules/fast-check/lib/cjs/fast-check.js");

const asked = process.env.FORGE_TEST_SEED ?? "1";
if (asked !== "random") {
  const seed = Number(asked);
  if (!Number.isInteger(seed)) throw new Error(`FORGE_TEST_SEED is "${asked}": give a whole number, or "random"`);
  fc.configureGlobal({ seed });
}

module.exports = fc;
