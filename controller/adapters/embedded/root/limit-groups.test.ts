import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LimitsPlan } from "../limits";
import { LimitGroups } from "./limit-groups";

/** A folder stands in for the kernel's: writes are seen as files. It does not make or remove files of its own. */
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "forge-groups-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (...path: string[]) => readFileSync(join(folder, ...path), "utf8");

describe("control groups of version 1", () => {
  const open = () => {
    for (const name of ["cpu", "memory"]) mkdirSync(join(folder, name));
    const plan: LimitsPlan = {
      cpu: { by: "group", version: 1, folder: join(folder, "cpu") },
      memory: { by: "group", version: 1, folder: join(folder, "memory") },
      vacate: false,
    };
    return LimitGroups.open(plan, "run1", "linux");
  };

  it("hold shares and a limit for each task, and together weigh what all asked for", () => {
    const groups = open();
    const first = groups.create(500, 64);
    groups.create(1500, 0);
    expect(at("cpu", "forge-run1", "1", "cpu.shares")).toBe("512");
    expect(at("memory", "forge-run1", "1", "memory.limit_in_bytes")).toBe(`${64 * 1024 * 1024}`);
    expect(existsSync(join(folder, "memory", "forge-run1", "2", "memory.limit_in_bytes"))).toBe(false);
    expect(at("cpu", "forge-run1", "cpu.shares")).toBe("2048");
    first?.remove();
    expect(at("cpu", "forge-run1", "cpu.shares")).toBe("1536");
    expect(groups.limitsMemory).toBe(true);
  });

  it("are entered by writing into each hierarchy", () => {
    const entrances = ["cpu", "memory"].map((name) => join(folder, name, "forge-run1", "1", "cgroup.procs"));
    expect(open().create(100, 100)?.entrances).toEqual(entrances);
  });

  it("tell who is in them, and whom the kernel killed", () => {
    const groups = open();
    const group = groups.create(100, 100);
    writeFileSync(join(folder, "cpu", "forge-run1", "1", "cgroup.procs"), "11\n12\n");
    expect(group?.members()).toEqual([11, 12]);
    expect(groups.members()).toEqual([11, 12]);
    expect(group?.oomKills()).toBe(0);
    writeFileSync(join(folder, "memory", "forge-run1", "1", "memory.oom_control"), "under_oom 0\noom_kill 2\n");
    expect(group?.oomKills()).toBe(2);
  });
});

describe("control groups of version 2", () => {
  it("hold weight and limits in one folder, below one that was emptied for it", () => {
    writeFileSync(join(folder, "cgroup.procs"), "1\n2\n");
    const resource = { by: "group", version: 2, folder } as const;
    const groups = LimitGroups.open({ cpu: resource, memory: resource, vacate: true }, "run1", "linux");
    const group = groups.create(2000, 128);
    expect(group?.entrances).toEqual([join(folder, "forge-run1", "1", "cgroup.procs")]);
    expect(at("forge-run1-self", "cgroup.procs")).toBe("2");
    expect(at("cgroup.subtree_control")).toBe("+cpu +memory");
    expect(at("forge-run1", "cgroup.subtree_control")).toBe("+cpu +memory");
    expect(at("forge-run1", "1", "cpu.weight")).toBe("200");
    expect(at("forge-run1", "1", "memory.max")).toBe(`${128 * 1024 * 1024}`);
    expect(at("forge-run1", "1", "memory.oom.group")).toBe("1");
    expect(at("forge-run1", "cpu.weight")).toBe("200");
    writeFileSync(join(folder, "forge-run1", "1", "memory.events"), "oom 1\noom_kill 1\n");
    expect(group?.oomKills()).toBe(1);
  });
});

describe("control groups that cannot be had", () => {
  it("are done without, and that is said", () => {
    const nowhere = { by: "group", version: 1, folder: "/proc/nowhere" } as const;
    const groups = LimitGroups.open({ cpu: nowhere, memory: nowhere, vacate: false }, "run1", "linux");
    expect(groups.create(100, 100)).toBeUndefined();
    expect(groups.limitsMemory).toBe(false);
    expect(groups.description.cpu).toBe(false);
    expect(groups.description.detail).toContain("groups below /proc/nowhere could not be made");
  });
});
