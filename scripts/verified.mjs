/**
 * What was run for real, and when: `docs/verified.json`, and the page docs/verified.md made of it. `npm run verify` runs
 * tests and writes both; files that did not run keep what was last seen of them.
 *
 * @typedef {{ name: string, value: number | string, unit: string }} Figure
 * @typedef {{ name: string, outcome: string, figures: Figure[] }} VerifiedTest
 * @typedef {{ run: string, parts: string[], tests: VerifiedTest[], figures: Figure[] }} VerifiedFile
 *   run: key of `runs`; parts: what of it not every machine has; figures: those measured outside of a test
 * @typedef {{ date: string, commit: string, machine: string, versions: Record<string, string> }} VerifiedRun
 * @typedef {{ runs: Record<string, VerifiedRun>, files: Record<string, VerifiedFile> }} Verified
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { cpus, homedir, release } from "node:os";
import { delimiter, join, relative } from "node:path";

/** Where tests of several parts lie. Others are recorded where they run somebody else's program. */
const RECORDED = /^test\/(cluster|contract|e2e|browser|cli)\//;

/**
 * @param {Verified} before
 * @param {VerifiedRun} run
 * @param {{ file: string, tests: { name: string, outcome: string }[] }[]} outcomes
 * @param {({ kind: "part", file: string, part: string } | { kind: "figure", file: string, test?: string } & Figure)[]} records
 * @returns {Verified} with what ran put in the place of what was there of the same files
 */
export function merge(before, run, outcomes, records) {
  const key = `${run.date} ${run.commit}`;
  const files = { ...before.files };
  for (const { file, tests } of outcomes) {
    const own = records.filter((record) => record.file === file);
    const parts = [...new Set(own.flatMap((record) => (record.kind === "part" ? [record.part] : [])))].sort();
    if (!tests.some(({ outcome }) => outcome !== "pending")) continue;
    if (!RECORDED.test(file) && parts.length === 0) continue;
    const figuresOf = (test) =>
      own
        .filter((record) => record.kind === "figure" && record.test === test)
        .map(({ name, value, unit }) => ({ name, value, unit }));
    files[file] = {
      run: key,
      parts,
      tests: tests.map(({ name, outcome }) => ({ name, outcome, figures: figuresOf(name) })),
      figures: figuresOf(undefined),
    };
  }
  const used = new Set(Object.values(files).map((file) => file.run));
  const runs = Object.fromEntries(Object.entries({ ...before.runs, [key]: run }).filter(([name]) => used.has(name)));
  return { runs: sorted(runs), files: sorted(files) };
}

/** When a part that may be missing was there last; undefined where the suite never saw it. */
export function lastRunOf(verified, part) {
  const keys = Object.values(verified.files)
    .filter(({ parts, tests }) => parts.includes(part) && tests.some(({ outcome }) => outcome === "passed"))
    .map(({ run }) => run);
  const last = keys.sort().at(-1);
  return last === undefined ? undefined : verified.runs[last];
}

/** The page, as Markdown. */
export function render(verified) {
  const runs = Object.entries(verified.runs);
  const number = new Map(runs.map(([key], at) => [key, at + 1]));
  const parts = [...new Set(Object.values(verified.files).flatMap((file) => file.parts))].sort();
  return `${[
    "# What was run for real",
    "Written by `npm run verify` from what it saw; `npm run verify -- PATH` does a part of it and leaves the rest as it was. What no test covers is in [verified-by-hand.md](verified-by-hand.md).",
    "## Runs",
    table(
      ["run", "date", "commit", "machine", "versions"],
      runs.map(([key, { date, commit, machine, versions }]) => [
        String(number.get(key)),
        date,
        commit,
        machine,
        Object.entries(versions)
          .map(([name, version]) => `${name} ${version}`)
          .join(", "),
      ]),
    ),
    "## What not every machine has",
    table(
      ["part", "last run", "by"],
      parts.map((part) => {
        const run = lastRunOf(verified, part);
        const by = Object.entries(verified.files).filter(([, file]) => file.parts.includes(part));
        const when = run === undefined ? "" : `${run.date}, ${run.commit}`;
        return [plain(part), when, by.map(([file]) => `\`${file}\``).join(", ")];
      }),
    ),
    "## Tests",
    ...Object.entries(verified.files).map(([file, seen]) => section(file, seen, number.get(seen.run))),
  ].join("\n\n")}\n`;
}

function section(file, { tests, figures }, run) {
  const passed = tests.filter(({ outcome }) => outcome === "passed").length;
  const head = `\`${file}\`, run ${run}: ${passed} of ${tests.length} passed`;
  const lines = tests.map(({ name, outcome, figures: measured }) => {
    const word = outcome === "passed" ? "" : outcome === "failed" ? "**failed:** " : "not run: ";
    return `- ${word}${plain(name)}${measured.length === 0 ? "" : `: ${measured.map(figureText).join("; ")}`}`;
  });
  return [`${head}\n`, ...lines, ...figures.map((figure) => `- ${figureText(figure)}`)].join("\n");
}

function figureText({ name, value, unit }) {
  return `${plain(name)} **${plain(`${value}${unit === "" ? "" : ` ${unit}`}`)}**`;
}

function table(head, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** Titles of tests are no Markdown: their stars, brackets and quotes are themselves. */
function plain(text) {
  return text.replaceAll("`", "").replace(/[\\*_[\]<>|]/g, (character) => `\\${character}`);
}

function sorted(record) {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** @returns {Verified} empty where nothing was recorded yet */
export function readVerified(root) {
  const file = join(root, "docs", "verified.json");
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : { runs: {}, files: {} };
}

/**
 * Writes both files.
 *
 * @param {string} recordsFile lines that test/records.ts left
 */
export function writeVerified(root, outcomes, recordsFile) {
  const lines = existsSync(recordsFile) ? readFileSync(recordsFile, "utf8").split("\n").filter(Boolean) : [];
  const inside = (entry) => ({ ...entry, file: relative(root, entry.file) });
  const records = lines.map((line) => inside(JSON.parse(line)));
  const verified = merge(readVerified(root), thisRun(root), outcomes.map(inside), records);
  writeFileSync(join(root, "docs", "verified.json"), `${JSON.stringify(verified, undefined, 2)}\n`);
  writeFileSync(join(root, "docs", "verified.md"), render(verified));
}

function thisRun(root) {
  const git = (...args) => execFileSync("git", args, { cwd: root, encoding: "utf8" }).trim();
  const changed = git("status", "--porcelain", "--", ".", ":!docs/verified.json", ":!docs/verified.md") !== "";
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: `${git("rev-parse", "--short", "HEAD")}${changed ? " with changes" : ""}`,
    machine: machine(),
    versions: versions(),
  };
}

function machine() {
  const os = existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";
  const system = /^PRETTY_NAME="?(.*?)"?$/m.exec(os)?.[1] ?? process.platform;
  const who = process.getuid?.() === 0 ? "as root" : "not as root";
  const kernel = release().split(".").slice(0, 2).join(".");
  return `${system}, ${process.platform} ${kernel} ${process.arch}, ${cpus().length} cores, ${who}`;
}

/** How each program of others is asked for its version. */
const PROGRAMS = {
  Terraform: ["terraform", "version"],
  Nomad: ["nomad", "version"],
  Consul: ["consul", "version"],
  Vault: ["vault", "version"],
  OpenBao: ["bao", "version"],
  Chromium: ["chromium", "--version"],
  Minetest: ["minetestserver", "--version"],
  Prometheus: ["promtool", "--version"],
};

function versions() {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "forge");
  const path = [process.env.PATH, "/usr/games", join(cache, "bin")].join(delimiter);
  const env = { ...process.env, PATH: path, CHECKPOINT_DISABLE: "1" };
  const found = Object.entries(PROGRAMS).map(([name, [program, ...args]]) => {
    try {
      const text = execFileSync(program, args, { env, encoding: "utf8", timeout: 20_000, stdio: "pipe" });
      return [name, /\d+\.\d+(\.\d+)*/.exec(text)?.[0]];
    } catch {
      return [name, undefined];
    }
  });
  const providers = ["nomad", "consul", "vault"].map((name) => {
    const folder = join(cache, "providers", "registry.terraform.io", "hashicorp", name);
    const there = existsSync(folder) ? readdirSync(folder).filter((entry) => /^\d/.test(entry)) : [];
    return [`provider ${name}`, there.join(" and ") || undefined];
  });
  const all = [["Node", process.versions.node], ...found, ...providers];
  return Object.fromEntries(all.filter(([, version]) => version !== undefined));
}
