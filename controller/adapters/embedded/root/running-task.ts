/** A running task with what has to be looked at from time to time. */
export interface RunningTask {
  readonly pid: number;
  /** MiB, 0: no limit. */
  readonly memory: number;
  readonly logFile: string;
  /** Kills it and says why. */
  killForMemory(): void;
}
