import type { RoutingPolicy } from "../../config/config";

/** What bounds a player's distance to a region, as forge.toml says. */
export type LatencyLimit = Pick<RoutingPolicy, "maxLatencyMs" | "relaxMsPerSec" | "relaxToMs">;

/**
 * The limit after so long a wait: it grows by `relaxMsPerSec` milliseconds a second, up to `relaxToMs`.
 * @returns milliseconds; Infinity where there is no limit
 */
export function limitAfter({ maxLatencyMs, relaxMsPerSec, relaxToMs }: LatencyLimit, waitedMs: number): number {
  if (maxLatencyMs === undefined) return Infinity;
  const most = Math.max(maxLatencyMs, relaxToMs ?? Infinity);
  return Math.min(most, maxLatencyMs + (relaxMsPerSec * Math.max(0, waitedMs)) / 1000);
}

/** How long a player with this latency waits until the limit lets them in, in milliseconds; Infinity where it never does. */
export function waitFor(limit: LatencyLimit, latencyMs: number): number {
  const { maxLatencyMs, relaxMsPerSec, relaxToMs } = limit;
  if (maxLatencyMs === undefined || latencyMs <= maxLatencyMs) return 0;
  if (relaxMsPerSec <= 0 || latencyMs > Math.max(maxLatencyMs, relaxToMs ?? Infinity)) return Infinity;
  return Math.ceil(((latencyMs - maxLatencyMs) * 1000) / relaxMsPerSec);
}
