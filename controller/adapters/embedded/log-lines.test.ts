import { appendFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../protocol/clock";
import { logLines } from "./log-lines";

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "forge-log-"));
  file = join(folder, "game.log");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function all(tailBytes = 1e9): Promise<string[]> {
  const lines: string[] = [];
  const reading = { tailBytes, follow: false, signal: undefined, hasEnded: () => false };
  for await (const line of logLines(file, reading, systemClock)) lines.push(line);
  return lines;
}

describe("the lines of a log file", () => {
  it("are none where there is no file", async () => {
    expect(await all()).toEqual([]);
  });

  it("come without their ends, the last one too", async () => {
    writeFileSync(file, "one\r\n\ntwo\nthree");
    expect(await all()).toEqual(["one", "", "two", "three"]);
  });

  it("keep characters whole that fall between two reads", async () => {
    const line = "€".repeat(50_000);
    writeFileSync(file, `x${line}\n`);
    expect((await all()).join("")).toBe(`x${line}`);
  });

  it("come in pieces when they never end", async () => {
    writeFileSync(file, "x".repeat(300_000));
    const lines = await all();
    expect(lines.length).toBeGreaterThan(1);
    expect(lines.join("").length).toBe(300_000);
  });

  it.each([
    [5, ["four"]],
    [4, []],
    [6, ["four"]],
    [11, ["three", "four"]],
    [1000, ["one", "two", "three", "four"]],
  ])("of the last %i bytes are those that are whole", async (tailBytes, expected) => {
    writeFileSync(file, "one\ntwo\nthree\nfour\n");
    expect(await all(tailBytes)).toEqual(expected);
  });

  it.each([
    [1000, ["one", "two", "three", "four"]],
    [15, ["two", "three", "four"]],
    [14, ["three", "four"]],
    [6, ["four"]],
  ])("of the last %i bytes begin in what was cut off for its size", async (tailBytes, expected) => {
    writeFileSync(`${file}.1`, "one\ntwo\nthr");
    writeFileSync(file, "ee\nfour\n");
    expect(await all(tailBytes)).toEqual(expected);
  });

  it("go on as the file grows, until its writer has ended", async () => {
    writeFileSync(file, "1\n");
    let ended = false;
    const seen: string[] = [];
    const reading = { tailBytes: 1e9, follow: true, signal: undefined, hasEnded: () => ended };
    for await (const line of logLines(file, reading, systemClock)) {
      seen.push(line);
      if (seen.length < 5) appendFileSync(file, `${seen.length + 1}\n`);
      else ended = true;
    }
    expect(seen).toEqual(["1", "2", "3", "4", "5"]);
  });

  it("go on where the file was cut for its size", async () => {
    writeFileSync(file, "1\n2\n");
    let ended = false;
    const seen: string[] = [];
    const reading = { tailBytes: 1e9, follow: true, signal: undefined, hasEnded: () => ended };
    for await (const line of logLines(file, reading, systemClock)) {
      seen.push(line);
      if (line === "2") {
        // As root does it, with a line that was written between the last read and the cut.
        writeFileSync(`${file}.1`, `${readFileSync(file, "utf8")}3\n`);
        writeFileSync(`${file}.new`, "4\n");
        renameSync(`${file}.new`, file);
      }
      if (line === "4") ended = true;
    }
    expect(seen).toEqual(["1", "2", "3", "4"]);
  });

  it("end at once when told", async () => {
    writeFileSync(file, "1\n2\n3\n");
    const abort = new AbortController();
    const reading = { tailBytes: 1e9, follow: true, signal: abort.signal, hasEnded: () => false };
    setImmediate(() => abort.abort());
    const seen: string[] = [];
    for await (const line of logLines(file, reading, systemClock)) seen.push(line);
    expect(seen.length).toBeLessThanOrEqual(3);
  });
});
