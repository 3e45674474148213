import { setTimeout as pause } from "node:timers/promises";

const WITHIN_MS = 120_000;
const LOOK_MS = 100;

/** Looks again until there is something. @throws {Error} that says what was waited for in vain */
export async function until<T>(what: string, look: () => Promise<T | undefined>, withinMs = WITHIN_MS): Promise<T> {
  const deadlineMs = Date.now() + withinMs;
  let last = "";
  for (;;) {
    try {
      const found = await look();
      if (found !== undefined) return found;
    } catch (error) {
      last = `: ${(error as Error).message}`;
    }
    if (Date.now() > deadlineMs) throw new Error(`not within ${String(withinMs / 1000)} s: ${what}${last}`);
    await pause(LOOK_MS);
  }
}
