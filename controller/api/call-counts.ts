import type { RouteKey } from "./access";

export const BUCKETS_SECS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

interface Counts {
  readonly byStatus: Map<number, number>;
  /** Of each bucket alone, and of what took longer than the last. */
  readonly byTime: number[];
  seconds: number;
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
      counts = { byStatus: new Map(), byTime: [...BUCKETS_SECS.map(() => 0), 0], seconds: 0 };
      this.#routes.set(key, counts);
    }
    counts.byStatus.set(status, (counts.byStatus.get(status) ?? 0) + 1);
    let bucket = 0;
    while (seconds > (BUCKETS_SECS[bucket] ?? Infinity)) bucket += 1;
    counts.byTime[bucket] = (counts.byTime[bucket] ?? 0) + 1;
    counts.seconds += seconds;
  }

  /** As Prometheus reads it. */
  text(): string {
    const total: string[] = [];
    const seconds: string[] = [];
    for (const [key, counts] of this.#routes) {
      const [method = "", route = ""] = key.split(" ");
      const labels = `method="${method}",route="${route}"`;
      for (const [status, count] of counts.byStatus)
        total.push(`forge_http_requests_total{${labels},status="${status}"} ${count}`);
      seconds.push(...secondsOf(labels, counts));
    }
    return [
      "# HELP forge_http_requests_total Calls answered",
      "# TYPE forge_http_requests_total counter",
      ...total,
      "",
      "# HELP forge_http_request_seconds Time to answer a call",
      "# TYPE forge_http_request_seconds histogram",
      ...seconds,
      "",
    ].join("\n");
  }
}

function secondsOf(labels: string, { byTime, seconds }: Counts): string[] {
  const name = "forge_http_request_seconds";
  let sum = 0;
  const buckets = byTime.map((count, n) => {
    sum += count;
    return `${name}_bucket{le="${BUCKETS_SECS[n] ?? "+Inf"}",${labels}} ${sum}`;
  });
  return [...buckets, `${name}_sum{${labels}} ${seconds}`, `${name}_count{${labels}} ${sum}`];
}
