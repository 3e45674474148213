import type { ExpectedServer } from "../protocol/messages";

/** Names a process for good, as pids are used again; undefined where there is none, or it has ended. */
type ProcessStarted = (pid: number) => string | undefined;

/** By task. */
type Pids = ExpectedServer["pids"];

/** Which processes a server has: as the engine told, or as they were found on the node. */
export class ServerProcesses {
  /** The newest of both. */
  pids: Pids;

  /** @param started by task: which of the processes told it was seen to have */
  constructor(
    private told: Pids,
    public started: Readonly<Record<string, string>>,
  ) {
    this.pids = told;
  }

  /** Told again with others. */
  become(told: Pids, started: Readonly<Record<string, string>>): void {
    this.told = told;
    this.started = started;
    this.pids = told;
  }

  /** The task whose process is not there any more, or whose pid is another's by now. */
  ended(processStarted: ProcessStarted): string | undefined {
    const ended = Object.entries(this.told).find(([task, pid]) => {
      const now = pid > 0 ? processStarted(pid) : "";
      return now === undefined || (pid > 0 && this.started[task] !== undefined && this.started[task] !== now);
    });
    return ended && `${ended[1]} (${ended[0]})`;
  }
}

/** By task: the names of those processes that are there. */
export function startedOf(pids: Pids, processStarted: ProcessStarted): Readonly<Record<string, string>> {
  const started = Object.entries(pids).flatMap(([task, pid]) => {
    const name = pid > 0 ? processStarted(pid) : undefined;
    return name === undefined ? [] : [[task, name] as const];
  });
  return Object.fromEntries(started);
}
