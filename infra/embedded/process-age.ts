import { readFileSync } from "node:fs";

/** Ticks a second in /proc: 100 on every Linux that Node runs on. */
const TICKS = 100;
/** Clocks are set now and then, and /proc counts from a boot time in whole seconds. */
const TOLERANCE_MS = 10_000;

/**
 * Whether the process of this number was there at a time already. One that got the number of an ended process was not.
 * True too where the system does not tell (no /proc).
 *
 * @param atMs milliseconds since 1970
 */
export function startedBy(pid: number, atMs: number, read: (file: string) => string = readText): boolean {
  try {
    const boot = /^btime (\d+)$/m.exec(read("/proc/stat"))?.[1];
    // The name in brackets may hold anything; what follows its last bracket is fields from the third on.
    const fields = read(`/proc/${pid}/stat`).split(")").at(-1)?.trim().split(" ");
    const startTicks = Number(fields?.[19]);
    if (boot === undefined || Number.isNaN(startTicks)) return true;
    return Number(boot) * 1000 + (startTicks / TICKS) * 1000 <= atMs + TOLERANCE_MS;
  } catch {
    return true;
  }
}

/** Whether the process that wrote this down at `startedAtMs` is there still, and not another one with its number. */
export function processIsThere(pid: number, startedAtMs: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is there and belongs to someone else.
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  return !isZombie(pid) && startedBy(pid, startedAtMs);
}

/** Ended, and nobody has asked for its exit code: a container's first process may never do. */
function isZombie(pid: number): boolean {
  try {
    return readText(`/proc/${pid}/stat`).split(")").at(-1)?.trim().startsWith("Z") ?? false;
  } catch {
    return false;
  }
}

function readText(file: string): string {
  return readFileSync(file, "utf8");
}
