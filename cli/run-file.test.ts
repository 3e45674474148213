import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  findRunFile,
  isRunning,
  readRunFile,
  removeRunFile,
  type RunFile,
  RunFileError,
  runFilePath,
  writeRunFile,
} from "./run-file";

const run: RunFile = {
  runId: "run-1",
  pid: process.pid,
  url: "http://127.0.0.1:7700",
  regions: { "us-east": "http://127.0.0.1:7700", "eu-west": "http://127.0.0.1:7701" },
  tokenKey: "k".repeat(43),
  startedAtMs: 1_700_000_000_000,
  detached: false,
};
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "forge-run-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("the run file", () => {
  it("is found from the folder and from any below it", () => {
    const file = writeRunFile(folder, run);
    const below = join(folder, "a", "b");
    mkdirSync(below, { recursive: true });
    expect(findRunFile(below)).toEqual({ file, run, deployed: [] });
    expect(findRunFile(folder)).toEqual({ file, run, deployed: [] });
  });

  it("of the nearest folder wins", () => {
    writeRunFile(folder, run);
    const below = join(folder, "below");
    writeRunFile(below, { ...run, runId: "run-2" });
    expect(findRunFile(below)?.run.runId).toBe("run-2");
  });

  it("is for its owner alone, whatever the umask, and leaves nothing beside it", () => {
    const umask = process.umask(0);
    try {
      writeRunFile(folder, run);
    } finally {
      process.umask(umask);
    }
    expect(statSync(runFilePath(folder)).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(folder, ".forge"))).toEqual(["run.json"]);
  });

  it("is removed by its own run only", () => {
    writeRunFile(folder, run);
    writeRunFile(folder, { ...run, runId: "run-2" });
    removeRunFile(folder, "run-1");
    expect(readRunFile(runFilePath(folder))?.runId).toBe("run-2");
    removeRunFile(folder, "run-2");
    expect(readRunFile(runFilePath(folder))).toBeUndefined();
    expect(() => removeRunFile(folder, "run-2")).not.toThrow();
  });

  it.each([
    ["not JSON", "{", "not JSON|Invalid input"],
    ["a key too short to trust", JSON.stringify({ ...run, tokenKey: "short" }), "tokenKey"],
    ["a URL of another kind", JSON.stringify({ ...run, url: "file:///etc/passwd" }), "url"],
  ])("that is %s is refused by name", (_what, text, says) => {
    mkdirSync(join(folder, ".forge"));
    writeFileSync(runFilePath(folder), text);
    expect(() => findRunFile(folder)).toThrow(RunFileError);
    expect(() => findRunFile(folder)).toThrow(new RegExp(says));
  });
});

describe("isRunning", () => {
  it("tells a process that is there from one that is not", () => {
    expect(isRunning({ pid: process.pid, startedAtMs: Date.now() })).toBe(true);
    // Above the largest pid that Linux gives.
    expect(isRunning({ pid: 2 ** 22 + 1, startedAtMs: Date.now() })).toBe(false);
  });
});
