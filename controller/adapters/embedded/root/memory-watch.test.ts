import type { RunningTask } from "./running-task";
import { killOverLimit } from "./memory-watch";

const MIB = 1024 * 1024;

function watch(tasks: readonly { pid: number; memory: number }[], groups: Record<number, readonly [number, number][]>) {
  const killed: number[] = [];
  const looked: number[] = [];
  const running = tasks.map((task): RunningTask => {
    return { ...task, logFile: "", killForMemory: () => void killed.push(task.pid) };
  });
  const members = Object.entries(groups).map(([group, list]) => [Number(group), list.map(([pid]) => pid)] as const);
  const own = new Map(Object.values(groups).flatMap((list) => list.map(([pid, mib]) => [pid, mib * MIB] as const)));
  killOverLimit(running, {
    groups: () => new Map(members),
    ownBytes: (pid) => {
      looked.push(pid);
      return own.get(pid) ?? 0;
    },
  });
  return { killed, looked };
}

describe("the memory watch", () => {
  it("kills what holds more than it asked for, all of its processes together", () => {
    const tasks = [
      { pid: 1, memory: 100 },
      { pid: 2, memory: 100 },
      { pid: 3, memory: 100 },
    ];
    const groups: Record<number, [number, number][]> = {
      1: [[1, 100]],
      2: [
        [2, 60],
        [20, 41],
      ],
      3: [[3, 101]],
    };
    expect(watch(tasks, groups).killed).toEqual([2, 3]);
  });

  it("has no eye on what asked for no limit", () => {
    expect(watch([{ pid: 1, memory: 0 }], { 1: [[1, 5000]] })).toEqual({ killed: [], looked: [] });
  });

  it("leaves a task alone whose processes are not to be seen", () => {
    expect(watch([{ pid: 1, memory: 10 }], {}).killed).toEqual([]);
  });
});
