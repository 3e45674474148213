import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { identify, type ProcessIdentity } from "./process-identity";

/** What /proc tells of a process; what may not be read, or is gone meanwhile, is empty. */
export interface ProcessEntry {
  readonly identity: ProcessIdentity;
  readonly command: readonly string[];
  readonly cwd: string;
  /** Of its environment: only the variable that was asked for. */
  readonly variable: string | undefined;
}

/** All processes of this machine that can be looked into; none where there is no /proc. */
export function processTable(variable: string): readonly ProcessEntry[] {
  return pids().flatMap((pid) => {
    const identity = identify(pid);
    if (identity === undefined) return [];
    const environment = split(read(pid, "environ"));
    const found = environment.find((entry) => entry.startsWith(`${variable}=`));
    return [
      {
        identity,
        command: split(read(pid, "cmdline")),
        cwd: cwdOf(pid),
        variable: found?.slice(variable.length + 1),
      },
    ];
  });
}

/** The process whose command line ends with these arguments; undefined where there is none. */
export function findByArguments(args: readonly string[]): ProcessIdentity | undefined {
  for (const pid of pids()) {
    const command = split(read(pid, "cmdline"));
    const tail = command.slice(-args.length);
    if (command.length <= args.length || tail.some((argument, at) => argument !== args[at])) continue;
    const identity = identify(pid);
    if (identity !== undefined) return identity;
  }
  return undefined;
}

/** Every process of this machine; none where the system does not tell (it is not Linux). */
export function pids(): readonly number[] {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${String(pid)}/${file}`, "utf8");
  } catch {
    return "";
  }
}

function cwdOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${String(pid)}/cwd`);
  } catch {
    return "";
  }
}

function split(text: string): readonly string[] {
  return text.split("\0").filter((part) => part !== "");
}
