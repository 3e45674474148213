import { setTimeout as pause } from "node:timers/promises";

const LOOK_MS = 100;

/**
 * For what no event tells: looks again, ten times a second, until there is something.
 *
 * @param what is waited for, as it stands in the error: "a server is ready"
 * @param look may fail as long as there is nothing
 * @param withinMs after which the look under way is the last
 * @returns the first that `look` finds, which is neither undefined nor false
 * @throws {Error} that says what was waited for in vain, and why the last look failed
 */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false>,
  withinMs = 120_000,
): Promise<T> {
  const deadlineMs = Date.now() + withinMs;
  for (;;) {
    let why: Error | undefined;
    try {
      const found = await look();
      if (found !== undefined && found !== false) return found;
    } catch (error) {
      why = error as Error;
    }
    if (Date.now() >= deadlineMs) {
      const reason = why === undefined ? "" : `: ${why.message}`;
      throw new Error(`not within ${withinMs / 1000} s: ${what}${reason}`, { cause: why });
    }
    await pause(LOOK_MS);
  }
}
