import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FolderLocked, lockFolder } from "./folder-lock";

const folder = mkdtempSync(join(tmpdir(), "forge-lock-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(["linux", "darwin"] as const)("as on %s", (platform) => {
  test("a second one is refused and told who has it, by any path; then it is free", async () => {
    const lock = await lockFolder(folder, platform);
    const alias = join(folder, `alias-${platform}`);
    symlinkSync(folder, alias);
    const refused = await lockFolder(alias, platform).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(FolderLocked);
    expect((refused as Error).message).toMatch(`is in use by process ${process.pid}`);
    await lock.release();
    await (await lockFolder(folder, platform)).release();
  });
});

test("many at once: one has it", async () => {
  const tries = await Promise.allSettled(Array.from({ length: 8 }, () => lockFolder(folder)));
  const held = tries.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  expect(held).toHaveLength(1);
  await held[0]?.release();
});

test("the file of a process that has ended does not count", async () => {
  const child = spawn(process.execPath, ["-e", ""]);
  await once(child, "exit");
  writeFileSync(join(folder, "agent.lock"), String(child.pid));
  await (await lockFolder(folder, "darwin")).release();
});
