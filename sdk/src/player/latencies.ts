import type { Fetch } from "../api-connection";
import type { Timing } from "../timing";

const SAMPLES = 3;
const TIMEOUT_MS = 3_000;

/**
 * Round trips to each URL in whole milliseconds, all regions at once: the best of three, the first of which also opens the
 * connection. Those that do not answer are left out.
 */
export async function measureLatencies(
  urls: Readonly<Record<string, string>>,
  fetch: Fetch,
  timing: Timing,
): Promise<Record<string, number>> {
  const measured = await Promise.all(
    Object.entries(urls).map(async ([name, url]) => [name, await best(url, fetch, timing)] as const),
  );
  return Object.fromEntries(measured.filter((entry): entry is [string, number] => entry[1] !== undefined));
}

async function best(url: string, fetch: Fetch, timing: Timing): Promise<number | undefined> {
  let least: number | undefined;
  for (let sample = 0; sample < SAMPLES; sample++) {
    const startedAt = timing.now();
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
      await response.arrayBuffer();
    } catch {
      continue;
    }
    const took = timing.now() - startedAt;
    least = Math.min(least ?? took, took);
  }
  return least;
}
