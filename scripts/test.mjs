/**
 * `npm test`: builds what changed, runs jest (arguments are passed on), and ends with what was skipped here and why,
 * then one line `N passed, N failed`. Two things that jest alone would let pass count as failures: a run that does not
 * end because a test left something open, and a process that outlives the run. With FORGE_VERIFY=1, which is
 * `npm run verify`, what was seen goes to docs/verified.md.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { build } from "./build.mjs";
import { lastRunOf, readVerified, writeVerified } from "./verified.mjs";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
/** How long jest and processes that tests started may take to go once the last test has ended. */
const GRACE_MS = 15_000;

const folder = mkdtempSync(join(tmpdir(), "forge-test-"));
const summaryFile = join(folder, "summary.json");
const recordsFile = join(folder, "records");
const verifies = process.env.FORGE_VERIFY === "1";
/** Inherited by everything the tests start, so that leftovers can be told from other people's processes. */
const mark = `FORGE_TEST_SUMMARY=${summaryFile}`;

try {
  if (verifies && process.argv.some((arg) => /^(-t|--testNamePattern)/.test(arg))) {
    throw new Error("docs/verified.md is written of whole test files: leave -t out, name files instead");
  }
  await build({ log: (line) => console.log(line) });
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  console.error(error.message);
  console.log("0 passed, 1 failed");
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function run(args) {
  const jest = createRequire(import.meta.url).resolve("jest/bin/jest");
  const child = spawn(process.execPath, [jest, ...args], {
    cwd: ROOT,
    stdio: "inherit",
    env: { ...process.env, FORGE_TEST_SUMMARY: summaryFile, FORGE_TEST_RECORDS: recordsFile },
  });
  // Ctrl-C reaches jest through the terminal; a signal to this process alone is handed on.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  const ended = new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve(signal === null ? code : 1));
  });

  const problems = [];
  const code = await Promise.race([ended, summaryWritten(ended).then(() => within(ended, GRACE_MS))]);
  if (code === undefined) {
    child.kill("SIGKILL");
    problems.push("jest did not end: a test left something open. Find it with `npx jest --detectOpenHandles FILE`.");
  }
  for (const { pid, command } of await leftovers()) {
    process.kill(pid, "SIGKILL");
    problems.push(`a test left a process behind: ${command}`);
  }
  return report(code ?? 1, problems);
}

/** Resolves when the last test has ended, or with the run. */
async function summaryWritten(ended) {
  let over = false;
  void ended.then(() => (over = true));
  while (!over && !existsSync(summaryFile)) await sleep(200);
}

function within(promise, ms) {
  return Promise.race([promise, sleep(ms, undefined, { ref: false })]);
}

/** Processes of this run that are still there after the grace time. Linux only: elsewhere none are seen. */
async function leftovers() {
  const until = Date.now() + GRACE_MS;
  let found = marked();
  while (found.length > 0 && Date.now() < until) {
    await sleep(100);
    found = marked();
  }
  return found;
}

function marked() {
  if (!existsSync("/proc/self/environ")) return [];
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => {
      try {
        if (!readFileSync(`/proc/${name}/environ`, "latin1").split("\0").includes(mark)) return [];
        const command = readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0").join(" ").trim();
        return [{ pid: Number(name), command }];
      } catch {
        return []; // it ended meanwhile, or belongs to someone else
      }
    });
}

function report(code, problems) {
  const ran = existsSync(summaryFile);
  const { passed, failed, skipped, skips, files } = ran
    ? JSON.parse(readFileSync(summaryFile, "utf8"))
    : { passed: 0, failed: 0, skipped: 0, skips: [], files: [] };
  for (const problem of problems) console.log(`Failed: ${problem}`);
  if (skips.length > 0) {
    console.log("\nSkipped here:");
    const verified = readVerified(ROOT);
    for (const { name, reason } of skips) {
      const last = lastRunOf(verified, name);
      const when =
        last === undefined ? "never run for real by this suite" : `last run for real: ${last.date}, ${last.commit}`;
      console.log(`- ${name}: ${reason} (${when}; see docs/verified.md)`);
    }
  }
  if (verifies && ran) {
    writeVerified(ROOT, files, recordsFile);
    console.log("\ndocs/verified.json and docs/verified.md say what was run for real.");
  }
  // A failure that jest reports by its exit code alone (no tests found, a broken configuration) must show in the line.
  const failures = failed + problems.length || (code === 0 ? 0 : 1);
  console.log(`${passed} passed, ${failures} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  return failures > 0 ? 1 : 0;
}
