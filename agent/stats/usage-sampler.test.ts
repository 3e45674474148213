import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import fc from "fast-check";
import { systemClock } from "../../protocol/clock";
import { VirtualClock } from "../../protocol/virtual-clock";
import { skipUnless } from "../../test/skips";
import { PidusageTable } from "./pidusage-table";
import { parseStat, ProcTable } from "./proc-table";
import { membersOf, type ProcessRow, type ProcessTable } from "./process-table";
import { UsageSampler } from "./usage-sampler";

function row(pid: number, parent: number, more: Partial<ProcessRow> = {}): ProcessRow {
  return {
    pid,
    parent,
    group: pid,
    session: pid,
    zombie: false,
    cpuMs: 0,
    memoryBytes: 0,
    started: `at ${pid}`,
    ...more,
  };
}

describe("the processes of a server", () => {
  const owners = (rows: readonly ProcessRow[], roots: Record<number, string>) =>
    Object.fromEntries(membersOf(rows, new Map(Object.entries(roots).map(([pid, owner]) => [Number(pid), owner]))));

  test("are its roots and all that descends from them", () => {
    const rows = [row(1, 0), row(10, 1), row(11, 10), row(12, 11), row(20, 1), row(21, 20), row(30, 1)];
    expect(owners(rows, { 10: "a", 20: "b" })).toEqual({ 10: "a", 11: "a", 12: "a", 20: "b", 21: "b" });
  });

  test("and what was left to init, by group or session, also when the root has ended", () => {
    const rows = [
      row(1, 0),
      row(11, 1, { group: 10 }),
      row(12, 1, { group: 12, session: 10 }),
      row(13, 12),
      row(14, 1),
    ];
    expect(owners(rows, { 10: "a" })).toEqual({ 11: "a", 12: "a", 13: "a" });
  });

  test("the nearest root counts", () => {
    expect(owners([row(10, 1), row(11, 10), row(12, 11)], { 10: "a", 11: "b" })).toEqual({ 10: "a", 11: "b", 12: "b" });
  });

  test("a table that was read while it changed, with circles, comes to an end", () => {
    const pid = fc.integer({ min: 1, max: 12 });
    const rows = fc.uniqueArray(fc.record({ pid, parent: pid, group: pid, session: pid }), { selector: (r) => r.pid });
    fc.assert(
      fc.property(rows, pid, (all, root) => {
        const found = membersOf(
          all.map((r) => row(r.pid, r.parent, r)),
          new Map([[root, true]]),
        );
        const direct = all.filter((r) => r.pid === root || r.group === root || r.session === root).map((r) => r.pid);
        expect([...found.keys()]).toEqual(expect.arrayContaining(direct));
      }),
    );
  });
});

describe("usage", () => {
  let rows: ProcessRow[];
  let lists: number;
  let clock: VirtualClock;
  let sampler: UsageSampler;
  const processes: ProcessTable = {
    list: async () => (lists++, rows),
    exists: (pid) => rows.some((r) => r.pid === pid),
    started: (pid) => rows.find((r) => r.pid === pid)?.started,
  };
  beforeEach(() => {
    rows = [];
    lists = 0;
    clock = new VirtualClock();
    sampler = new UsageSampler({ clock, processes });
  });
  /** Lets a look that is due come to its end. */
  async function advance(ms: number): Promise<void> {
    clock.advance(ms);
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
  function watch(pid: number, cpu = 1000): { told: { cpu: number; memoryBytes: number }[]; stop: () => void } {
    const told: { cpu: number; memoryBytes: number }[] = [];
    const stop = sampler.watch({ pids: { primary: pid }, cpu }, ({ cpu: share, memoryBytes }) =>
      told.push({ cpu: share, memoryBytes }),
    );
    return { told, stop };
  }

  test("is the growth of CPU time over the time, as share of what was asked for", async () => {
    rows = [row(10, 1, { cpuMs: 5_000, memoryBytes: 100 })];
    const half = watch(10, 500);
    await advance(0);
    expect(half.told).toEqual([]);
    rows = [row(10, 1, { cpuMs: 5_500, memoryBytes: 130 }), row(11, 10, { cpuMs: 500, memoryBytes: 20 })];
    await advance(2_000);
    // 1 s of time in 2 s is half a core, which is 500 MHz: all that it asked for.
    expect(half.told).toEqual([{ cpu: 1, memoryBytes: 150 }]);
  });

  test("does not fall or rise when a child ends and its time goes to its parent", async () => {
    rows = [row(10, 1, { cpuMs: 100 }), row(11, 10, { cpuMs: 900 })];
    const { told } = watch(10);
    await advance(0);
    rows = [row(10, 1, { cpuMs: 1_000 })];
    await advance(2_000);
    rows = [row(10, 1, { cpuMs: 0 })];
    await advance(2_000);
    expect(told.map(({ cpu }) => cpu)).toEqual([0, 0]);
  });

  test("of a thousand servers costs one look", async () => {
    rows = Array.from({ length: 1_000 }, (_, n) => row(n + 10, 1, { memoryBytes: n }));
    const all = rows.map(({ pid }) => watch(pid));
    await advance(0);
    expect(lists).toBe(1);
    await advance(2_000);
    expect(lists).toBe(2);
    expect(all.map(({ told }) => told[0]?.memoryBytes)).toEqual(rows.map(({ memoryBytes }) => memoryBytes));
  });

  test("is not told of another process that has the pid now", async () => {
    rows = [row(10, 1)];
    const { told } = watch(10);
    await advance(0);
    rows = [row(10, 1, { started: "later", cpuMs: 100, memoryBytes: 100 })];
    await advance(4_000);
    expect(told).toEqual([]);
  });

  test("ends with its last server and begins with the next", async () => {
    rows = [row(10, 1)];
    const { stop } = watch(10);
    await advance(0);
    stop();
    await advance(10_000);
    expect(lists).toBe(1);
    const again = watch(10);
    await advance(0);
    await advance(2_000);
    expect(again.told).toHaveLength(1);
  });
});

test("a line of /proc/PID/stat, whatever the program is called", () => {
  const line = "77 (a) b (R)) S 7 77 70 0 -1 4194560 1 2 3 4 11 22 33 44 20 0 1 0 123456 1000 50 18446744073709551615";
  expect(parseStat(77, line, { pageBytes: 4096, ticksPerSecond: 100 })).toEqual({
    pid: 77,
    parent: 7,
    group: 77,
    session: 70,
    zombie: false,
    cpuMs: 1_100,
    memoryBytes: 204_800,
    started: "123456",
  });
  expect(parseStat(77, "", { pageBytes: 4096, ticksPerSecond: 100 })).toBeUndefined();
});

describe("real processes", () => {
  const children: ChildProcess[] = [];
  afterEach(async () => {
    for (const child of children.splice(0)) {
      const closed = once(child, "close");
      child.stdin?.end();
      await closed;
    }
  });
  /** A parent with a child that holds memory and keeps a core busy; both end with the parent's standard input. */
  async function busyTree(): Promise<number> {
    const busy =
      "const held = Buffer.alloc(64e6, 1); console.log(held.length); process.stdin.on('end', () => process.exit()).resume(); (function spin() { for (const end = Date.now() + 20; Date.now() < end; ); setImmediate(spin); })()";
    const parent = `require("node:child_process").spawn(process.execPath, ["-e", ${JSON.stringify(busy)}], { stdio: "inherit" }); process.stdin.on("end", () => process.exit()).resume()`;
    const child = spawn(process.execPath, ["-e", parent], { stdio: ["pipe", "pipe", "inherit"] });
    children.push(child);
    await once(child.stdout as NodeJS.ReadableStream, "data");
    return child.pid as number;
  }
  const usageOf = (processes: ProcessTable, pid: number) =>
    new Promise<{ cpu: number; memoryBytes: number }>((resolve) => {
      const sampler = new UsageSampler({ clock: systemClock, processes, intervalMs: 200 });
      const stop = sampler.watch({ pids: { primary: pid }, cpu: 1000 }, (usage) => {
        if (usage.cpu === 0) return;
        stop();
        resolve(usage);
      });
    });

  skipUnless(
    "usage from /proc",
    "it needs Linux",
    process.platform === "linux",
  )("by /proc", () => {
    test("are measured with what they started", async () => {
      const usage = await usageOf(new ProcTable(), await busyTree());
      expect(usage.cpu).toBeGreaterThan(0);
      // Two programs of some 40 MB each and the 64 MB that one holds.
      expect(usage.memoryBytes).toBeGreaterThan(100e6);
      expect(usage.memoryBytes).toBeLessThan(1e9);
    });

    test("list this one, by its parent and with its memory", async () => {
      const own = (await new ProcTable().list()).find(({ pid }) => pid === process.pid);
      expect(own?.parent).toBe(process.ppid);
      expect((own?.memoryBytes ?? 0) / process.memoryUsage.rss()).toBeCloseTo(1, 0);
    });
  });

  test("by the system's own tools: those that are there", async () => {
    const table = new PidusageTable();
    const rows = await table.list([process.pid, 2 ** 30]);
    expect(rows.map(({ pid, parent }) => ({ pid, parent }))).toEqual([{ pid: process.pid, parent: process.ppid }]);
    expect(rows[0]?.memoryBytes).toBeGreaterThan(1e6);
    expect(rows[0]?.cpuMs).toBeGreaterThan(0);
    expect(await table.list([2 ** 30])).toEqual([]);
    expect([table.started(process.pid), table.started(2 ** 30)]).toEqual(["there", undefined]);
  });
});
