import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
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

  it("lets a program write on that has the file open, and hardly loses a line", async () => {
    const count = 20_000;
    const output = openSync(file, "a");
    const code = `for (let i = 0; i < ${count}; i += 1) process.stdout.write(String(i).padStart(6, "0") + "\\n")`;
    const writer = spawn(process.execPath, ["-e", code], { stdio: ["ignore", output, "inherit"] });
    closeSync(output);
    let running = true;
    writer.once("exit", () => (running = false));
    const seen: number[] = [];
    while (running) {
      await new Promise((resolve) => setImmediate(resolve));
      if (statSync(file).size <= 1000) continue;
      await cap.check(file);
      seen.push(...numbers(`${file}.1`));
    }
    seen.push(...numbers(file));
    expect(warnings).toEqual([]);
    // Between the last read and the cut a line may fall; order is never lost, and no line comes twice.
    expect(seen.every((n, i) => i === 0 || n > (seen[i - 1] ?? -1))).toBe(true);
    expect(seen.length).toBeGreaterThan(count * 0.9);
  });
});

/** The numbers in the lines that are whole. */
function numbers(path: string): number[] {
  const lines = readFileSync(path, "utf8").split("\n");
  return lines.filter((line) => /^\d{6}$/.test(line)).map(Number);
}
