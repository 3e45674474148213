import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pids } from "../../infra/local/process-table";

/** A task's own process on this machine, as Nomad started it. */
export interface TaskProcess {
  readonly pid: number;
  readonly job: string;
  readonly task: string;
  readonly serverId: string | undefined;
}

/**
 * The first process of every Nomad task of the regions whose folders lie in `folder`: not the children that it has started,
 * which have its environment too. None where there is no /proc, or it may not be read.
 */
export function taskProcesses(folder: string): readonly TaskProcess[] {
  const allocations = existsSync(folder)
    ? readdirSync(folder).map((region) => join(folder, region, "data", "nomad-client", "alloc"))
    : [];
  const tasks = new Map<number, TaskProcess>();
  for (const pid of pids()) {
    const environment = environmentOf(pid);
    const allocation = environment.get("NOMAD_ALLOC_ID");
    // By its id: a task with a root of its own has another path to it.
    if (allocation === undefined || !allocations.some((each) => existsSync(join(each, allocation)))) continue;
    tasks.set(pid, {
      pid,
      job: environment.get("NOMAD_JOB_ID") ?? "",
      task: environment.get("NOMAD_TASK_NAME") ?? "",
      serverId: environment.get("NOMAD_META_serverId"),
    });
  }
  return [...tasks.values()].filter(({ pid }) => !tasks.has(parentOf(pid) ?? 0));
}

/** Empty where it is gone or somebody else's. */
function environmentOf(pid: number): ReadonlyMap<string, string> {
  const entries = read(pid, "environ")
    .split("\0")
    .map((entry) => {
      const at = entry.indexOf("=");
      return [entry.slice(0, at), entry.slice(at + 1)] as const;
    });
  return new Map(entries);
}

function parentOf(pid: number): number | undefined {
  // The name in brackets may hold anything; what follows its last bracket is state, then the parent.
  const parent = read(pid, "stat").split(")").at(-1)?.trim().split(" ")[1];
  return parent === undefined ? undefined : Number(parent);
}

function read(pid: number, what: "environ" | "stat"): string {
  try {
    return readFileSync(`/proc/${pid}/${what}`, "utf8");
  } catch {
    return "";
  }
}
