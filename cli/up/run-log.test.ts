import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { skipUnless } from "../../test/skips";
import { openRunLog } from "./run-log";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "forge-run-log-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const written = () => readFileSync(join(folder, "logs", "forge.log"), "utf8");

it("writes lines below what is there", async () => {
  for (const line of ["first", "second"]) {
    const log = openRunLog(join(folder, "logs"), () => undefined);
    log.info(line);
    // It writes in its own time, and does not say when it has.
    while (!written().includes(line)) await nextTurn();
  }
  expect(written()).toMatch(/first.*\n.*second/);
});

it("says at once where there can be no log, and what to do", () => {
  mkdirSync(join(folder, "forge.log"));
  expect(() => openRunLog(folder, () => undefined)).toThrow(/the log cannot be written: .*forge\.log/);
});

skipUnless(
  "a full disk",
  "it needs Linux's /dev/full",
  process.platform === "linux",
)("on a full disk", () => {
  it("loses its lines, and says so once", async () => {
    symlinkSync("/dev/full", join(folder, "forge.log"));
    const said: string[] = [];
    const full = new Promise<void>((resolve) => {
      const log = openRunLog(folder, (line) => {
        said.push(line);
        log.info("and more");
        setImmediate(resolve);
      });
      log.info("a line");
    });
    await full;
    expect(said).toEqual([expect.stringMatching(/forge\.log is not written to any more: ENOSPC/)]);
  });
});
