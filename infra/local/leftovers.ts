import { execFile } from "node:child_process";
import { readdirSync, readFileSync, rmdirSync } from "node:fs";
import { join, sep } from "node:path";
import { promisify } from "node:util";
import { endProcess } from "./agent-process";
import type { ProcessIdentity } from "./process-identity";
import { processTable } from "./process-table";

/** Each task of Nomad knows its allocation's folder by this name. */
const TASK_VARIABLE = "NOMAD_ALLOC_DIR";
/** A task that was asked nicely by Nomad has had its time. */
const TASK_GRACE_MS = 5000;

/** What Nomad's client starts beside each task, as `nomad NAME`. */
const HELPERS = new Set(["executor", "logmon", "docker_logger"]);

/**
 * Processes of a region that are there without an agent that knows them: tasks, by their allocation's folder, and
 * Nomad's helpers beside them, by the region's path in their arguments or as their working folder. Nothing else that
 * happens to work in that folder is one.
 */
export function strayProcesses(regionPath: string): readonly ProcessIdentity[] {
  const inside = (path: string | undefined): boolean =>
    path === regionPath || path?.startsWith(regionPath + sep) === true;
  return processTable(TASK_VARIABLE)
    .filter(({ variable, cwd, command }) => {
      if (inside(variable)) return true;
      if (!HELPERS.has(command[1] ?? "")) return false;
      return inside(cwd) || command.some((argument) => argument.includes(regionPath + sep));
    })
    .map(({ identity }) => identity);
}

/** Ends them, tasks and their helpers alike. @returns how many there were */
export async function endStrays(regionPath: string): Promise<number> {
  const strays = strayProcesses(regionPath);
  await Promise.all(strays.map((identity) => endProcess(identity, TASK_GRACE_MS)));
  return strays.length;
}

/** Mount points below the region's folder (secrets of allocations, roots of `exec`), the deepest first. */
export function mountsBelow(regionPath: string): readonly string[] {
  return mountPoints()
    .filter((point) => point.startsWith(regionPath + sep))
    .sort((left, right) => right.length - left.length);
}

/** @returns those that could not be taken away */
export async function unmountAll(regionPath: string): Promise<readonly string[]> {
  for (const point of mountsBelow(regionPath)) {
    await promisify(execFile)("umount", [point], { timeout: 20_000 }).catch(() => undefined);
  }
  return mountsBelow(regionPath);
}

/** Takes away the region's control groups: empty once its tasks are gone. */
export function removeControlGroups(parent: string): void {
  const root = "/sys/fs/cgroup";
  for (const folder of [join(root, parent), ...list(root).map((controller) => join(root, controller, parent))]) {
    removeEmpty(folder);
  }
}

/** A control group's files are no files: only its folders go, from the inside out. */
function removeEmpty(folder: string): void {
  for (const inner of list(folder)) removeEmpty(join(folder, inner));
  try {
    rmdirSync(folder);
  } catch {
    // Not there, or not empty: somebody still uses it.
  }
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch {
    return [];
  }
}

function mountPoints(): readonly string[] {
  try {
    const rows = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
    // Spaces and the like are written as octal.
    return rows.flatMap((row) => {
      const point = row.split(" ")[4];
      return point === undefined
        ? []
        : [point.replace(/\\(\d{3})/g, (_all, code: string) => String.fromCharCode(parseInt(code, 8)))];
    });
  } catch {
    return [];
  }
}
