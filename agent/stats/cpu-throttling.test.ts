import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { systemClock } from "../../protocol/clock";
import { skipUnless } from "../../test/skips";
import { CpuThrottling } from "./cpu-throttling";
import { ProcTable } from "./proc-table";
import { UsageSampler } from "./usage-sampler";

describe("the throttling of a process", () => {
  let root: string;
  beforeEach(() => void (root = mkdtempSync(join(tmpdir(), "forge-throttling-"))));
  afterEach(() => rmSync(root, { recursive: true }));

  function throttling(files: Readonly<Record<string, string>>) {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, name)), { recursive: true });
      writeFileSync(join(root, name), text);
    }
    return new CpuThrottling({ processes: join(root, "proc"), groups: join(root, "groups") }).of(7);
  }
  const STAT = "usage_usec 9\nnr_periods 200\nnr_throttled 50\nthrottled_usec 700\n";

  test("is its group's, in version 2 of control groups", () => {
    const files = { "proc/7/cgroup": "0::/nomad/a.server.scope\n", "groups/nomad/a.server.scope/cpu.stat": STAT };
    expect(throttling(files)).toEqual({ periods: 200, throttled: 50 });
  });

  test("and in version 1, where the controller may share its hierarchy", () => {
    const files = {
      "proc/7/cgroup": "5:memory:/other\n3:cpu,cpuacct:/nomad/a.server\n0::/\n",
      "groups/cpu/nomad/a.server/cpu.stat": STAT,
    };
    expect(throttling(files)).toEqual({ periods: 200, throttled: 50 });
  });

  test("is unknown of a group without a quota, of one that cannot be read, and of a process that is gone", () => {
    expect(throttling({ "proc/7/cgroup": "0::/a\n", "groups/a/cpu.stat": "usage_usec 9\n" })).toBeUndefined();
    expect(throttling({ "groups/a/cpu.stat": "nr_periods 0\nnr_throttled 0\n" })).toBeUndefined();
    expect(throttling({ "proc/7/cgroup": "0::/b\n" })).toBeUndefined();
    rmSync(join(root, "proc"), { recursive: true });
    expect(throttling({})).toBeUndefined();
  });
});

/** A group of version 1 that this process may make; undefined where it may not. */
function ownGroup(): string | undefined {
  const folder = `/sys/fs/cgroup/cpu/forge-throttling-${String(process.pid)}`;
  try {
    mkdirSync(folder);
    writeFileSync(join(folder, "cpu.cfs_quota_us"), "10000");
    return folder;
  } catch {
    return undefined;
  }
}

/** Tried and taken away again: where the test is left out, nobody would. */
function canMakeGroup(): boolean {
  const group = ownGroup();
  if (group !== undefined) rmdirSync(group);
  return group !== undefined;
}

skipUnless(
  "a process held to its CPU quota by the kernel",
  "it needs to make a control group of version 1",
  canMakeGroup(),
)("a real process that is held to a tenth of a core", () => {
  let group: string | undefined;
  beforeAll(() => void (group = ownGroup()));
  afterAll(() => {
    if (group !== undefined) rmdirSync(group);
  });

  test("is seen to be throttled most of the time", async () => {
    const busy =
      "process.stdin.on('end', () => process.exit()).resume(); (function spin() { for (const end = Date.now() + 5; Date.now() < end; ); setImmediate(spin); })()";
    const child = spawn(process.execPath, ["-e", busy], { stdio: ["pipe", "ignore", "inherit"] });
    writeFileSync(join(group ?? "", "cgroup.procs"), String(child.pid));
    const processes = new ProcTable();
    const throttling = new CpuThrottling();
    const sampler = new UsageSampler({ clock: systemClock, processes, throttling, intervalMs: 500 });
    const share = await new Promise<number>((resolve) => {
      const stop = sampler.watch({ pids: { server: child.pid ?? 0 }, cpu: 1000 }, ({ throttled }) => {
        // Beside many others it may not even get its tenth at first.
        if (throttled === undefined || throttled <= 0.25) return;
        stop();
        resolve(throttled);
      });
    });
    const ended = once(child, "exit");
    child.stdin.end();
    await ended;
    expect(share).toBeLessThanOrEqual(1);
  });
});
