import type { Clock } from "../protocol/clock";
import type { Consul } from "./consul";
import type { HttpCall } from "./http-json";

export interface ConsulWatchDeps {
  readonly consul: Pick<Consul, "watch">;
  readonly clock: Clock;
  /** 0 to 1, for jitter. */
  readonly random: () => number;
  /** Told when Consul stops answering, and with undefined when it answers again. */
  readonly onTrouble?: (problem: string | undefined) => void;
}

const WAIT_SECS = 55;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5000;
/** Where Consul gives no index that blocks, it is asked no more often than this. */
const LEAST_MS = 200;

/**
 * Follows one path by blocking queries and calls back with each new value; while Consul is away the last one stands. The
 * result ends it.
 * @param path the path below `/v1`, with its query apart
 */
export function watchConsul<T>(
  path: string,
  onValue: (value: T | undefined) => void,
  { consul, clock, random, onTrouble = () => undefined }: ConsulWatchDeps,
  query: HttpCall["query"] = {},
): () => void {
  const ended = new AbortController();
  const { signal } = ended;
  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const cancel = clock.after(ms, resolve);
      signal.addEventListener("abort", () => (cancel(), resolve()), { once: true });
    });
  const run = async (): Promise<void> => {
    let index = 0;
    let told: number | undefined;
    let failures = 0;
    let answering = true;
    while (!signal.aborted) {
      try {
        const watched = await consul.watch<T>(path, { index, waitSecs: WAIT_SECS, signal, query });
        if (signal.aborted) return;
        if (!answering) onTrouble(undefined);
        answering = true;
        failures = 0;
        if (watched.index === 0 || watched.index !== told) onValue(watched.value);
        if (watched.index === 0 || watched.index === index) await pause(LEAST_MS);
        told = index = watched.index;
      } catch (error) {
        if (signal.aborted) return;
        if (answering) onTrouble((error as Error).message);
        answering = false;
        const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures, 10));
        failures += 1;
        await pause(longest * (0.5 + random() / 2));
      }
    }
  };
  void run();
  return () => ended.abort();
}
