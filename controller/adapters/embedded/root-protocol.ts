/**
 * What the root process and its clients say to each other over a unix socket: one JSON object a line.
 *
 *     client                                root
 *       | {n: 1, op: "hello", secret, …} --> |   first, else the connection is closed
 *       | <------------- {n: 1, ok: Welcome} |
 *       | {n: 2, op: "spawn", spec} -------> |
 *       | <------------- {n: 2, ok: Spawned} |   written before the first process is forked
 *       | <------ {event: "started", entry}  |
 *       | <------ {event: "exited", entry}   |   at the first death; the rest of the entry is being stopped
 *       | <------ {event: "released", entry} |   nothing of it is left, its claims are free
 *
 * There is no replay: a client that comes back asks for `list`, which holds every entry until it is forgotten.
 * Root checks requests by hand (`root/check-request.ts`) because zod would add 10 MB to the 43 MB that it has;
 * clients check answers with zod.
 */

export const ROOT_PROTOCOL = 1;
/** A longer line ends the connection. */
export const MAX_LINE_BYTES = 1024 * 1024;
/** Entries that root holds at most, ended ones included. */
export const MAX_ENTRIES = 10_000;
/** In the environment of everything that root starts, so that nothing can get lost. */
export const RUN_ID_VARIABLE = "FORGE_RUN_ID";

export interface ProgramLine {
  /** An absolute path. */
  readonly command: string;
  readonly args: readonly string[];
}

export interface TaskSpec extends ProgramLine {
  readonly name: string;
  /** The whole environment; nothing is inherited but the run's mark. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** MHz, 0: no share asked for. */
  readonly cpu: number;
  /** MiB, 0: no limit. */
  readonly memory: number;
}

/** One thing to run: a game server (one or more tasks) or a program of Forge itself. */
export interface EntrySpec {
  /** Unique among all entries: letters, digits, `.`, `_` and `-`. */
  readonly id: string;
  readonly kind: "server" | "program";
  /** The first is the primary; the death of any ends the entry. */
  readonly tasks: readonly TaskSpec[];
  /** Output goes to `TASK.log` in here, and to `TASK.log.1` what came before the last 10 MiB. */
  readonly logDir: string;
  /** The client's own; given back by `list`. At most 64 KiB. */
  readonly record: string;
  /** Names of what only one entry may hold at a time, such as `port:20001`. */
  readonly claims: readonly string[];
  readonly restart: "always" | "never";
  readonly stop: StopSpec;
}

export interface StopSpec {
  /** Tried before the signal, with the primary's environment and folder. */
  readonly command: ProgramLine | null;
  readonly signal: string;
  /** Seconds until SIGKILL where root itself ends the entry: another task died, or root is going. */
  readonly graceSecs: number;
}

/** `ending`: a task died or a stop was asked for, and something is still there. `ended`: nothing is. */
export type EntryState = "pending" | "running" | "ending" | "ended";

export interface TaskView {
  readonly name: string;
  readonly pid: number | null;
  readonly logFile: string;
}

export interface EntryExit {
  readonly task: string;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly oom: boolean;
  readonly requested: boolean;
  readonly atMs: number;
  /** It never ran: what the system said to the attempt, such as `ENOENT`. */
  readonly spawnError: { readonly code: string; readonly message: string } | null;
}

export interface EntryView {
  readonly id: string;
  readonly kind: "server" | "program";
  readonly state: EntryState;
  readonly record: string;
  /** Those still held. */
  readonly claims: readonly string[];
  readonly tasks: readonly TaskView[];
  /** The last exit; of a program that is restarted there may have been more. */
  readonly exit: EntryExit | null;
  readonly restarts: number;
}

export type RootRequest =
  | { readonly op: "hello"; readonly secret: string; readonly protocol: number }
  | { readonly op: "spawn"; readonly spec: EntrySpec }
  /** To the process groups of all tasks. */
  | { readonly op: "signal"; readonly id: string; readonly signal: string }
  /** Stop command, else signal, then SIGKILL after `graceSecs`. A second stop can only shorten the time left. */
  | { readonly op: "stop"; readonly id: string; readonly graceSecs: number }
  | { readonly op: "list" }
  | { readonly op: "forget"; readonly id: string }
  /** Stops everything and root itself; the answer comes before that starts. */
  | { readonly op: "shutdown"; readonly graceSecs: number };

export interface Welcome {
  readonly runId: string;
  readonly pid: number;
  readonly limits: LimitsDescription;
}

/** What this machine can do to keep servers within what they asked for. */
export interface LimitsDescription {
  readonly cpu: boolean;
  readonly memory: boolean;
  /** For people: by what means, and where not, why not and what would help. */
  readonly detail: string;
}

export interface Spawned {
  /** False where an entry of this id was there already; nothing was started then. */
  readonly created: boolean;
  readonly entry: EntryView;
}

export type RootErrorCode = "auth" | "malformed" | "claimed" | "unknownEntry" | "closing" | "full";

export interface RootProblem {
  readonly code: RootErrorCode;
  readonly message: string;
  /** Of `claimed`: which claim, and who has it. */
  readonly claim?: string;
  readonly holder?: string;
}

export type RootEventName = "added" | "started" | "exited" | "released";

export interface RootEvent {
  readonly event: RootEventName;
  readonly entry: EntryView;
}

/** Splits a byte stream into lines; complains once through `onTooLong` instead of keeping an endless line. */
export function lineSplitter(onLine: (line: string) => void, onTooLong: () => void): (chunk: Buffer) => void {
  let parts: Buffer[] = [];
  let held = 0;
  return (chunk) => {
    let from = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
      parts.push(chunk.subarray(from, end));
      const line = Buffer.concat(parts).toString("utf8");
      parts = [];
      held = 0;
      from = end + 1;
      onLine(line);
    }
    if (from === chunk.length) return;
    parts.push(chunk.subarray(from));
    held += chunk.length - from;
    if (held <= MAX_LINE_BYTES) return;
    parts = [];
    held = 0;
    onTooLong();
  };
}
