import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../protocol/clock";
import { watchFile } from "./live-config";

describe("watchFile", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "forge-watch-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it.each([
    ["written into", (file: string) => writeFileSync(file, "b")],
    [
      "replaced, as editors do",
      (file: string) => {
        writeFileSync(`${file}.new`, "b");
        renameSync(`${file}.new`, file);
      },
    ],
  ])("tells when the file is %s", async (_, change) => {
    const file = join(folder, "forge.toml");
    writeFileSync(file, "a");
    let end: () => void = () => undefined;
    const changed = new Promise<void>((resolve) => (end = watchFile(file, systemClock, resolve)));
    // The clock's timers let the process end; this keeps it until the change was told.
    const stay = setInterval(() => undefined, 1000);
    change(file);
    await changed;
    clearInterval(stay);
    end();
  });
});
