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

function readText(file: string): string {
  return readFileSync(file, "utf8");
}
