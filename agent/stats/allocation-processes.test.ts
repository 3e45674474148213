import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VirtualClock } from "../../protocol/virtual-clock";
import { AllocationProcesses, type FoundTask } from "./allocation-processes";

const ALLOCATION = "9dd1f41e-5aed-197f-cce2-f5f9c8465812";
const OTHER = "1f24ab7e-5aed-197f-cce2-f5f9c8465812";

let root: string;
let clock: VirtualClock;
let allocations: AllocationProcesses;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "forge-proc-"));
  mkdirSync(join(root, "net"));
  clock = new VirtualClock();
  allocations = new AllocationProcesses({ clock, root });
});
afterEach(() => rmSync(root, { recursive: true }));

function put(pid: number, { cgroup = "0::/system.slice/x.service\n", env = [] as string[] }): void {
  mkdirSync(join(root, String(pid)), { recursive: true });
  writeFileSync(join(root, String(pid), "cgroup"), cgroup);
  writeFileSync(join(root, String(pid), "environ"), env.join("\0"));
}

const v1 = (task: string) => `4:memory:/nomad/${ALLOCATION}.${task}\n3:cpuset:/nomad/share\n0::/\n`;
const v2 = (task: string) => `0::/nomad.slice/share.slice/${ALLOCATION}.${task}.scope\n`;

test.each([
  ["a control group of version 1", { cgroup: v1("server") }],
  ["a control group of version 2", { cgroup: v2("server") }],
  ["its environment", { env: ["PATH=/bin", `NOMAD_ALLOC_ID=${ALLOCATION}`, "NOMAD_TASK_NAME=server"] }],
])("knows a process by %s", (_, how) => {
  put(41, how);
  put(42, {});
  expect(allocations.of(41)).toEqual({ allocationId: ALLOCATION, task: "server" });
  expect(allocations.of(42)).toBeUndefined();
  expect(allocations.of(43)).toBeUndefined();
});

test("tells each task's first process once, whenever it comes", () => {
  const found: FoundTask[] = [];
  put(7, { cgroup: v2("server").replace(ALLOCATION, OTHER) });
  const end = allocations.watch(ALLOCATION, (task) => void found.push(task));
  clock.advance(500);
  expect(found).toEqual([]);
  put(100, { cgroup: v2("server") });
  put(101, { cgroup: v2("server") });
  clock.advance(100);
  expect(found).toEqual([{ task: "server", pid: 100 }]);
  put(102, { cgroup: v2("physics") });
  clock.advance(2000);
  put(103, { cgroup: v2("physics") });
  clock.advance(4000);
  expect(found).toEqual([
    { task: "server", pid: 100 },
    { task: "physics", pid: 102 },
  ]);
  end();
});

test("looks again at a process that is its parent's copy for a moment", () => {
  const found: FoundTask[] = [];
  put(100, {});
  const end = allocations.watch(ALLOCATION, (task) => void found.push(task));
  clock.advance(100);
  put(100, { cgroup: v1("server") });
  clock.advance(100);
  expect(found).toEqual([{ task: "server", pid: 100 }]);
  end();
});

test("finds the newest file of a task's output, also where the folder is seen through the process alone", () => {
  put(100, { cgroup: v1("server"), env: ["NOMAD_ALLOC_DIR=/no/such/folder/alloc"] });
  expect(allocations.logFile({ task: "server", pid: 100 })).toBeUndefined();
  const logs = join(root, "100", "root", "no/such/folder/alloc", "logs");
  mkdirSync(logs, { recursive: true });
  for (const name of [
    "server.stdout.9",
    "server.stdout.10",
    "server.stderr.11",
    "other.stdout.12",
    ".server.stdout.fifo",
  ])
    writeFileSync(join(logs, name), "");
  expect(allocations.logFile({ task: "server", pid: 100 })).toBe(join(logs, "server.stdout.10"));
});
