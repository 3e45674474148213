import { existsSync } from "node:fs";
import { join } from "node:path";
import { BENCHMARKS, reached } from "./rows";
import { commandOf } from "./run-benchmark";

const rows = BENCHMARKS.flatMap((benchmark) => benchmark.rows);
const named = (start: string) => rows.find(({ what }) => what.startsWith(start));

it.each(BENCHMARKS.map((benchmark) => [benchmark.name, benchmark] as const))(
  "%s is a file of bench/",
  (_name, { file }) => {
    expect(existsSync(join(__dirname, "..", "..", "bench", `${file}.ts`))).toBe(true);
  },
);

it("knows which figures have to be high and which low", () => {
  const [rate, time, share, lost] = [
    named("seats"),
    named("exit seen"),
    rows.find(({ field }) => field === "startedShare"),
    named("… told seats lost"),
  ];
  if (!rate || !time || !share || !lost) throw new Error("a row is missing");
  expect([reached(rate, 9999), reached(rate, 10_000)]).toEqual([false, true]);
  expect([reached(time, 501), reached(time, 500)]).toEqual([false, true]);
  expect([reached(share, 0.89), reached(share, 0.95)]).toEqual([false, true]);
  expect([reached(lost, 1), reached(lost, 0)]).toEqual([false, true]);
  expect(rows.filter((row) => row.target === undefined).map((row) => reached(row, 1))).not.toContain(true);
});

it("names the command that runs one alone", () => {
  expect(commandOf({ file: "nomad-spawn", args: ["--count", "20"] })).toBe("npx tsx bench/nomad-spawn.ts --count 20");
});
