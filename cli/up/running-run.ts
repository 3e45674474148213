import type { RegionProgram } from "../../config/region-names";

export interface RunningRegion {
  readonly name: string;
  /** Where its controller answers. */
  readonly url: string;
}

/** A server, or one of Forge's own programs of a region. */
export type KillTarget =
  | { readonly kind: "server"; readonly id: string; readonly region: string }
  | { readonly kind: "program"; readonly program: RegionProgram; readonly region: string };

export interface RunClosed {
  /** Processes that are there in spite of everything: there should be none. */
  readonly left: readonly number[];
}

/** A run as `forge up` has it, whichever engine its regions are on. Closing it leaves nothing. */
export interface RunningRun {
  readonly runId: string;
  readonly regions: readonly RunningRegion[];
  /** Signs API tokens. */
  readonly tokenKey: string;
  /** What runs where, in words, a line each. */
  readonly about: readonly string[];
  /** Programs that the demonstration may kill beside servers, because each is a process that is started again. */
  readonly mortal: readonly ("controller" | "agent")[];
  /** Resolves with why, where the run has ended by itself and every server with it. */
  readonly broken: Promise<Error>;
  /** Process ids of Forge's own programs, as far as they can be seen from here. */
  pids(): Promise<Readonly<Record<string, number>>>;
  /** SIGKILL, telling nobody. @returns the process; undefined where it is not there */
  kill(target: KillTarget): Promise<number | undefined>;
  close(): Promise<RunClosed>;
}
