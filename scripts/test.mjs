/**
 * `npm test`: builds what changed, runs jest (arguments are passed on), and ends with what was skipped here and why,
 * then one line `N passed, N failed`. Where few files of the whole suite failed they are run once more by themselves, and
 * what passes only then is named (see again.mjs). Two things that jest alone would let pass count as failures: a run that does not
 * end because a test left something open, and a process that outlives the run. With FORGE_VERIFY=1, which is
 * `npm run verify`, what was seen goes to docs/verified.md.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { filesToRepeat, withSecondRun } from "./again.mjs";
import { build } from "./build.mjs";
import { lastRunOf, readVerified, writeVerified } from "./verified.mjs";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
/** How long jest and processes that tests started may take to go once the last test has ended. */
const GRACE_MS = 15_000;
const NOTHING = { passed: 0, failed: 0, skipped: 0, skips: [], files: [] };

const folder = mkdtempSync(join(tmpdir(), "forge-test-"));
const summaryFile = join(folder, "summary.json");
const recordsFile = join(folder, "records");
const verifies = process.env.FORGE_VERIFY === "1";
/** Inherited by everything the tests start, so that leftovers can be told from other people's processes. */
const mark = `FORGE_TEST_SUMMARY=${summaryFile}`;
/** Then nothing is run again. */
let interrupted = false;

try {
  if (verifies && process.argv.some((arg) => /^(-t|--testNamePattern)/.test(arg))) {
    throw new Error("docs/verified.md is written of whole test files: leave -t out, name files instead");
  }
  // Ctrl-C reaches jest through the terminal; a signal to this process alone is handed on.
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => (interrupted = true));
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
  const problems = [];
  const { code, summary } = await jest(args, problems);
  const isWhole = args.length === 0 && !interrupted && problems.length === 0;
  const again = isWhole && summary !== undefined ? filesToRepeat(summary) : [];
  if (again.length === 0) return report(code, summary, problems);

  console.log(`\nOnce more, alone: ${again.map((file) => relative(ROOT, file)).join(" ")}`);
  const second = await jest(["--runInBand", "--runTestsByPath", ...again], problems);
  if (second.summary === undefined) return report(code, summary, problems);
  return report(second.code, withSecondRun(summary, second.summary), problems);
}

/** Runs it to its end; what it left behind goes to `problems`. @returns its exit code, and what its tests did if any ran */
async function jest(args, problems) {
  rmSync(summaryFile, { force: true });
  const program = createRequire(import.meta.url).resolve("jest/bin/jest");
  const child = spawn(process.execPath, [program, ...args], {
    cwd: ROOT,
    stdio: "inherit",
    env: { ...process.env, FORGE_TEST_SUMMARY: summaryFile, FORGE_TEST_RECORDS: recordsFile },
  });
  const end = () => child.kill("SIGTERM");
  process.on("SIGTERM", end);
  const ended = new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve(signal === null ? code : 1));
  });

  const code = await Promise.race([ended, summaryWritten(ended).then(() => within(ended, GRACE_MS))]);
  process.off("SIGTERM", end);
  if (code === undefined) {
    child.kill("SIGKILL");
    problems.push("jest did not end: a test left something open. Find it with `npx jest --detectOpenHandles FILE`.");
  }
  for (const { pid, command } of await leftovers()) {
    process.kill(pid, "SIGKILL");
    problems.push(`a test left a process behind: ${command}`);
  }
  const summary = existsSync(summaryFile) ? JSON.parse(readFileSync(summaryFile, "utf8")) : undefined;
  return { code: code ?? 1, summary };
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

function report(code, summary, problems) {
  const { passed, failed, skipped, skips, files, onlyAgain = [] } = summary ?? NOTHING;
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
  if (verifies && summary !== undefined) {
    writeVerified(ROOT, files, recordsFile);
    console.log("\ndocs/verified.json and docs/verified.md say what was run for real.");
  }
  if (onlyAgain.length > 0) {
    console.log("\nPassed only when run once more, alone (please report it, with what it said above):");
    for (const { file, name } of onlyAgain) console.log(`- ${relative(ROOT, file)}${name === "" ? "" : `: ${name}`}`);
  }
  // A failure that jest reports by its exit code alone (no tests found, a broken configuration) must show in the line.
  const failures = failed + problems.length || (code === 0 ? 0 : 1);
  const rest = [skipped > 0 && `${skipped} skipped`, onlyAgain.length > 0 && `${onlyAgain.length} passed only alone`];
  console.log([`${passed} passed`, `${failures} failed`, ...rest.filter(Boolean)].join(", "));
  return failures > 0 ? 1 : 0;
}
