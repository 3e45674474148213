import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { runForTest } from "../cli-under-test";

/** A checkout whose benchmarks say at once what others take minutes for. */
let checkout: string;

beforeEach(() => {
  checkout = mkdtempSync(join(tmpdir(), "forge-cli-bench-"));
  write(
    "node_modules/tsx/dist/cli.mjs",
    "import { createRequire } from 'node:module';\ncreateRequire(import.meta.url)(process.argv[2]);\n",
  );
});
afterEach(() => rmSync(checkout, { recursive: true }));

function write(file: string, text: string): void {
  mkdirSync(dirname(join(checkout, file)), { recursive: true });
  writeFileSync(join(checkout, file), text);
}

function forge(args: readonly string[], onErr?: (text: string) => void) {
  const home = checkout;
  return runForTest(["bench", ...args], { cwd: checkout, home, env: { PATH: "/nowhere" }, ...(onErr && { onErr }) });
}

interface Report {
  readonly machine: string;
  readonly rows: readonly {
    readonly benchmark: string;
    readonly what: string;
    readonly value?: number;
    readonly ratio?: number;
    readonly reached?: boolean;
    readonly why?: string;
  }[];
}

const MIGRATED = `console.log("5,000 documents");\nconsole.log('figure {"name":"migrate","wallMs":15000}');\n`;
const SEATS = `console.log('figure {"name":"together","perSecond":5000,"p99Ms":50}');\n`;

it("runs those that were asked for, and prints figure, target and how much of it", async () => {
  write("bench/migrate-manifests.ts", MIGRATED);
  write("bench/seats.ts", SEATS);
  const { code, out, err } = await forge(["--only", "migrate,player-seats"]);
  expect(code).toBe(0);
  expect(out).toMatch(/5,000 manifests migrated +15,000 ms +30,000 ms +0\.50 +yes/);
  expect(out).toMatch(/seats, a token for each player +5,000\/s/);
  expect(out).toMatch(/^\d+ cores/);
  expect(err).toContain("1 of 2: npx tsx bench/seats.ts --ways together --tokens each --seats 20000");
  expect(err).toContain("2 of 2: npx tsx bench/migrate-manifests.ts");
  expect(err).toContain("  5,000 documents");
});

it("says what was not measured and why, and fails for what failed alone", async () => {
  write("bench/reactions.ts", `console.log('figure {"name":"config","p50Ms":100}');\n`);
  write("bench/migrate-manifests.ts", `console.error("no room left");\nprocess.exit(4);\n`);
  const missing = await forge(["--only", "leader-killed,reactions", "--json"]);
  expect(missing.code).toBe(0);
  const { rows } = missing.json as Report;
  expect(rows.filter(({ benchmark }) => benchmark === "leader-killed")[0]).toMatchObject({ why: "needs consul" });
  expect(rows.find(({ what }) => what.startsWith("live config"))).toMatchObject({
    value: 100,
    ratio: 0.4,
    reached: true,
  });
  expect(rows.find(({ what }) => what.startsWith("exit seen"))).toMatchObject({
    why: "the benchmark told no such figure",
  });
  const failed = await forge(["--only", "migrate"]);
  expect(failed.code).toBe(1);
  expect(failed.out).toContain("migrate: npx tsx bench/migrate-manifests.ts ended with 4: no room left");
});

it("ends at Ctrl-C, with what there is by then", async () => {
  write("bench/seats.ts", SEATS);
  write("bench/forge-spawn.ts", `console.log("spawning");\nsetInterval(() => undefined, 1000);\n`);
  write("bench/migrate-manifests.ts", MIGRATED);
  const listening = process.listenerCount("SIGINT");
  const { code, json } = await forge(["--only", "seats,spawn,migrate", "--json"], (text) => {
    if (text.includes("  spawning")) process.emit("SIGINT");
  });
  expect(code).toBe(1);
  const why = (name: string) => (json as Report).rows.find(({ benchmark }) => benchmark === name)?.why;
  expect([why("seats"), why("spawn"), why("migrate")]).toEqual([
    undefined,
    "it was ended early",
    "not begun: it was ended before",
  ]);
  expect(process.listenerCount("SIGINT")).toBe(listening);
});

it("names what there is where a name is none of them", async () => {
  write("bench/seats.ts", SEATS);
  const { code, err } = await forge(["--only", "seets"]);
  expect(code).toBe(2);
  expect(err).toMatch(/There is no seets; there are seats, player-seats/);
});

it("says where benchmarks are, where a published package has none", async () => {
  expect(await forge([])).toMatchObject({ code: 5, err: expect.stringContaining("clone the repository") });
});
