/** The programs of a run, however they run: all in this process, or each in one of its own. */
export interface RunParts {
  /** Process ids by program, such as `controller us-east`; this process's own where they share it. */
  pids(): Promise<Readonly<Record<string, number>>>;
  /** Ends the controllers: nothing is started or stopped any more. */
  stopDeciding(): Promise<void>;
  /** Ends the rest; servers are root's business. */
  close(): Promise<void>;
}
