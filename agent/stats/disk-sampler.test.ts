import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../protocol/clock";
import { VirtualClock } from "../../protocol/virtual-clock";
import { skipUnless } from "../../test/skips";
import type { Finding } from "../finding";
import { DiskSampler, type DiskBlocks } from "./disk-sampler";

const disk = (used: number): DiskBlocks => ({ blocks: 110, bfree: 100 - used + 10, bavail: 100 - used });
const turns = async (): Promise<void> => {
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
};

describe("of a server's disks", () => {
  let clock: VirtualClock;
  let disks: Record<string, DiskBlocks | undefined>;
  let told: Finding[];
  const sampler = (): DiskSampler =>
    new DiskSampler({
      clock,
      folder: "/agent",
      statfs: async (path) => {
        const found = disks[path];
        if (!found) throw new Error("ENOENT");
        return found;
      },
    });
  beforeEach(() => {
    clock = new VirtualClock();
    told = [];
  });

  test("the fullest counts, root's reserve apart: its own, its volume's or its agent's", async () => {
    disks = { "/agent": disk(10), "/proc/7/cwd": disk(30), "/proc/7/root/data": disk(80) };
    const stop = sampler().watch({ pid: 7, volumes: ["/data"] }, (finding) => told.push(finding));
    clock.advance(0);
    await turns();
    expect(told).toEqual([{ kind: "disk", used: 0.8, folder: "/data" }]);
    disks = {
      "/agent": disk(90),
      "/proc/7/cwd": disk(30),
      "/proc/7/cwd/data": disk(40),
      "/proc/7/root/data": disk(99),
    };
    clock.advance(10_000);
    await turns();
    expect(told[1]).toEqual({ kind: "disk", used: 0.9, folder: "/agent" });
    stop();
  });

  test("one that does not answer keeps nobody but the looks after it", async () => {
    let asked = 0;
    const hanging = new DiskSampler({ clock, statfs: () => (asked++, new Promise(() => undefined)) });
    const stop = hanging.watch({ pid: 7, volumes: [] }, (finding) => told.push(finding));
    clock.advance(0);
    clock.advance(60_000);
    await turns();
    expect([asked, told]).toEqual([1, []]);
    stop();
  });
});

/** A file system of 64 KiB that is nearly full; undefined where none can be mounted. */
function fullDisk(): string | undefined {
  if (process.platform !== "linux") return undefined;
  const folder = mkdtempSync(join(tmpdir(), "forge-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], { stdio: "ignore" });
    writeFileSync(join(folder, "world"), Buffer.alloc(60 * 1024));
    return folder;
  } catch {
    rmSync(folder, { recursive: true });
    return undefined;
  }
}

function remove(disk: string): void {
  execFileSync("umount", [disk]);
  rmSync(disk, { recursive: true });
}

/** Tried and taken away again: where the test is left out, nobody would. */
function canMount(): boolean {
  const disk = fullDisk();
  if (disk !== undefined) remove(disk);
  return disk !== undefined;
}

skipUnless(
  "a real disk that is nearly full",
  "it needs to mount one",
  canMount(),
)("a real server", () => {
  let full: string | undefined;
  beforeAll(() => void (full = fullDisk()));
  afterAll(() => {
    if (full !== undefined) remove(full);
  });

  test("is told that its volume is nearly full", async () => {
    const cwd = mkdtempSync(join(tmpdir(), "forge-server-"));
    mkdirSync(join(cwd, "mnt"));
    symlinkSync(full ?? "", join(cwd, "mnt", "world"));
    const child = spawn("cat", [], { cwd, stdio: ["pipe", "ignore", "inherit"] });
    await once(child, "spawn");
    const found = await new Promise<Finding>((resolve) => {
      const stop = new DiskSampler({ clock: systemClock }).watch(
        { pid: child.pid ?? 0, volumes: ["/mnt/world"] },
        (finding) => {
          stop();
          resolve(finding);
        },
      );
    });
    const ended = once(child, "exit");
    child.stdin.end();
    await ended;
    rmSync(cwd, { recursive: true });
    expect(found).toMatchObject({ kind: "disk", folder: "/mnt/world" });
    expect(found.kind === "disk" && found.used).toBeGreaterThan(0.9);
  });
});
