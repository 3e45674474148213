import type { RouteKey } from "./access";
import type { Metric, Series } from "./metric";
import { TimeBuckets } from "./time-buckets";

export const BUCKETS_SECS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

interface Counts {
  readonly byStatus: Map<number, number>;
  readonly taken: TimeBuckets;
}

/**
 * Calls answered, by route and status, and how long they took. Kept here and not by prom-client, which writes the text of
 * all labels anew for each call.
 */
export class CallCounts {
  readonly #routes = new Map<RouteKey, Counts>();

  add(key: RouteKey, status: number, seconds: number): void {
    let counts = this.#routes.get(key);
    if (!counts) {
      counts = { byStatus: new Map(), taken: new TimeBuckets(BUCKETS_SECS) };
      this.#routes.set(key, counts);
    }
    counts.byStatus.set(status, (counts.byStatus.get(status) ?? 0) + 1);
    counts.taken.add(seconds);
  }

  metrics(): readonly Metric[] {
    const total: Series[] = [];
    const taken: Series[] = [];
    for (const [key, counts] of this.#routes) {
      const [method = "", route = ""] = key.split(" ");
      const labels = { method, route };
      for (const [status, value] of counts.byStatus)
        total.push({ labels: { ...labels, status: String(status) }, value });
      taken.push(...counts.taken.series(labels));
    }
    return [
      { name: "forge_http_requests_total", help: "Calls answered", type: "counter", series: total },
      { name: "forge_http_request_seconds", help: "Time to answer a call", type: "histogram", series: taken },
    ];
  }
}
