import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
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
  write("bench/endless.ts", `console.log("begun");\nsetInterval(() => undefined, 1000);\n`);
});
afterAll(() => rmSync(checkout, { recursive: true }));

const run = (file: string, withinSecs = 60, heard: string[] = []) =>
  runBenchmark(checkout, { file, args: [], withinSecs }, process.env, (line) => heard.push(line));

it("gathers figures and passes on what is for people", async () => {
  const heard: string[] = [];
  expect(await run("good", 60, heard)).toEqual(new Map([["seats", { perSecond: 7 }]]));
  expect(heard).toEqual(["seats: many"]);
});

it("tells the last words of one that fails", async () => {
  await expect(run("bad")).rejects.toThrow(/bench\/bad\.ts ended with 3: no such luck/);
});

it("ends one that takes too long", async () => {
  await expect(run("endless", 0.5)).rejects.toThrow("npx tsx bench/endless.ts was ended: it took more than 0.5 s");
});
