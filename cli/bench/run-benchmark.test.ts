import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { runBenchmark } from "./run-benchmark";

const checkout = mkdtempSync(join(tmpdir(), "forge-run-benchmark-"));

beforeAll(() => {
  const write = (file: string, text: string): void => {
    mkdirSync(dirname(join(checkout, file)), { recursive: true });
    writeFileSync(join(checkout, file), text);
  };
  // In place of tsx: these benchmarks are plain JavaScript.
  write(
    "node_modules/tsx/dist/cli.mjs",
    "import { createRequire } from 'node:module';\ncreateRequire(import.meta.url)(process.argv[2]);\n",
  );
  write("bench/good.ts", `console.log("seats: many");\nconsole.log('figure {"name":"seats","perSecond":7}');\n`);
  write("bench/bad.ts", `console.error("no such luck");\nprocess.exit(3);\n`);
  // Has a child that holds its output open, and says where it would write.
  const sleeper = `const { spawn } = require("node:child_process");
const child = spawn(process.execPath, ["-e", "setInterval(() => undefined, 1000)"], { stdio: "inherit" });
console.log(child.pid + " " + require("node:os").tmpdir());
`;
  write("bench/endless.ts", `${sleeper}setInterval(() => undefined, 1000);\n`);
  write("bench/careless.ts", `${sleeper}child.unref();\nprocess.exitCode = 0;\n`);
});
afterAll(() => rmSync(checkout, { recursive: true }));

interface Begun {
  readonly pid: number;
  readonly folder: string;
}

function run(file: string, { withinSecs = 60, signal = new AbortController().signal, onLine = ignore } = {}) {
  const of = { repository: checkout, env: process.env, signal, onLine };
  return runBenchmark({ file, args: [], withinSecs }, of);
}
const ignore = (_line: string): void => undefined;

/** What the child of a sleeper is, and its folder, out of its first line. */
function begun(line: string): Begun {
  const [pid = "", folder = ""] = line.split(" ");
  return { pid: Number(pid), folder };
}

/** A zombie whose parent does not wait for it runs no more. */
function runs(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

it("gathers figures and passes on what is for people", async () => {
  const heard: string[] = [];
  expect(await run("good", { onLine: (line) => heard.push(line) })).toEqual(new Map([["seats", { perSecond: 7 }]]));
  expect(heard).toEqual(["seats: many"]);
});

it("tells the last words of one that fails", async () => {
  await expect(run("bad")).rejects.toThrow(/bench\/bad\.ts ended with 3: no such luck/);
});

it("ends one that takes too long", async () => {
  await expect(run("endless", { withinSecs: 0.5 })).rejects.toThrow(
    "npx tsx bench/endless.ts was ended: it took more than 0.5 s",
  );
});

it("ends early what it started, with its children and its files", async () => {
  const stop = new AbortController();
  let seen: Begun | undefined;
  const onLine = (line: string): void => {
    seen = begun(line);
    expect(runs(seen.pid)).toBe(true);
    stop.abort();
  };
  await expect(run("endless", { signal: stop.signal, onLine })).rejects.toThrow("it was ended early");
  expect(seen && [runs(seen.pid), existsSync(seen.folder)]).toEqual([false, false]);
});

it("leaves nothing of one that left a child behind", async () => {
  let seen: Begun | undefined;
  await run("careless", { onLine: (line) => (seen = begun(line)) });
  expect(seen && [runs(seen.pid), existsSync(seen.folder)]).toEqual([false, false]);
});
