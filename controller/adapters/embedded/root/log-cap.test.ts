import { spawn } from "node:child_process";
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LogCap } from "./log-cap";

let folder: string;
let file: string;
const warnings: string[] = [];
const cap = new LogCap(1000, (message) => void warnings.push(message));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "forge-cap-"));
  file = join(folder, "game.log");
  warnings.length = 0;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("a log file's cap", () => {
  it("leaves a file within it alone, and one that is not there", async () => {
    await cap.check(file);
    writeFileSync(file, "x".repeat(1000));
    await cap.check(file);
    expect(readFileSync(file, "utf8")).toHaveLength(1000);
    expect(existsSync(`${file}.1`)).toBe(false);
    expect(warnings).toEqual([]);
  });

  it("moves what is over, in place of what was there", async () => {
    writeFileSync(`${file}.1`, "long ago");
    writeFileSync(file, `${"x".repeat(1000)}y`);
    await cap.check(file);
    expect(statSync(file).size).toBe(0);
    expect(readFileSync(`${file}.1`, "utf8")).toBe(`${"x".repeat(1000)}y`);
  });

  it("keeps what is written while it is copied, once", async () => {
    const long = `${"x".repeat(2000)}\n`;
    writeFileSync(file, long);
    const checked = cap.check(file);
    appendFileSync(file, "late\n");
    await checked;
    expect(readFileSync(`${file}.1`, "utf8")).toBe(`${long}late\n`);
    expect(statSync(file).size).toBe(0);
  });

  it("lets a program that has the file open write on, from the new beginning", async () => {
    const output = openSync(file, "a");
    const writer = spawn("/bin/cat", [], { stdio: ["pipe", output, "inherit"] });
    closeSync(output);
    const ended = new Promise((resolve) => writer.once("exit", resolve));
    const before = `${"x".repeat(2000)}\n`;
    writer.stdin?.write(before);
    while (statSync(file).size < before.length) await new Promise((resolve) => setImmediate(resolve));
    await cap.check(file);
    writer.stdin?.end("after\n");
    await ended;
    expect(readFileSync(`${file}.1`, "utf8")).toBe(before);
    expect(readFileSync(file, "utf8")).toBe("after\n");
    expect(warnings).toEqual([]);
  });
});
