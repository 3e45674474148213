import type { Clock } from "../../protocol/clock";
import { parsePrometheus, type Sample } from "./prometheus-text";

export interface ServerMetrics {
  /** Milliseconds, p95 where the server tells a distribution. */
  readonly responseMs: number | undefined;
  /** Errors a second. */
  readonly errorRate: number | undefined;
}

const RESPONSE_GAUGE = "forge_response_ms";
const ERROR_GAUGE = "forge_errors_per_second";
const DURATION = "http_request_duration_seconds";
const REQUESTS = "http_requests_total";
const WANTED = new Set([RESPONSE_GAUGE, ERROR_GAUGE, DURATION, `${DURATION}_bucket`, `${DURATION}_count`, REQUESTS]);

const PERCENTILE = 0.95;
const STATUS_LABELS = ["code", "status", "status_code"];

interface Earlier {
  readonly atMs: number;
  readonly errors: number | undefined;
  readonly buckets: ReadonlyMap<number, number>;
}

/**
 * What a server's own statistics say of its answers. The first of each list that is there counts:
 *
 * response time: gauge `forge_response_ms` (the largest of its series); p95 of the histogram
 * `http_request_duration_seconds` over what came since the reading before; its summary's quantile 0.95.
 *
 * errors a second: gauge `forge_errors_per_second` (the sum of its series); growth of `http_requests_total`, else of
 * `http_request_duration_seconds_count`, with a label `code`, `status` or `status_code` of 5xx.
 *
 * What counts up needs two readings before it tells anything. A counter that fell was restarted with its server.
 */
export class MetricsReading {
  #earlier: Earlier | undefined;

  constructor(private readonly clock: Clock) {}

  /** @param text Prometheus text format */
  read(text: string): ServerMetrics {
    const samples = parsePrometheus(text, WANTED);
    const now: Earlier = { atMs: this.clock.now(), errors: countErrors(samples), buckets: sumBuckets(samples) };
    const earlier = this.#earlier;
    this.#earlier = now;
    return {
      responseMs: gauge(samples, RESPONSE_GAUGE, Math.max) ?? histogramMs(now, earlier) ?? summaryMs(samples),
      errorRate: gauge(samples, ERROR_GAUGE, (a, b) => a + b) ?? growth(now, earlier),
    };
  }
}

function gauge(samples: readonly Sample[], name: string, join: (a: number, b: number) => number): number | undefined {
  const values = samples.filter((sample) => sample.name === name && isAmount(sample.value)).map(({ value }) => value);
  return values.length === 0 ? undefined : values.reduce((a, b) => join(a, b));
}

function summaryMs(samples: readonly Sample[]): number | undefined {
  const quantile = samples.filter(({ name, labels }) => name === DURATION && Number(labels.quantile) === PERCENTILE);
  const seconds = gauge(quantile, DURATION, Math.max);
  return seconds === undefined ? undefined : seconds * 1000;
}

/** Upper bound in seconds to how many requests took at most so long, over all series. */
function sumBuckets(samples: readonly Sample[]): Map<number, number> {
  const buckets = new Map<number, number>();
  for (const { name, labels, value } of samples) {
    if (name !== `${DURATION}_bucket` || labels.le === undefined || !isAmount(value)) continue;
    const bound = /^\+?inf$/i.test(labels.le) ? Infinity : Number(labels.le);
    if (!Number.isNaN(bound)) buckets.set(bound, (buckets.get(bound) ?? 0) + value);
  }
  return buckets;
}

/** Linear within the bucket that holds the percentile, as Prometheus' `histogram_quantile` does. */
function histogramMs(now: Earlier, earlier: Earlier | undefined): number | undefined {
  if (earlier === undefined) return undefined;
  const restarted = [...now.buckets].some(([bound, count]) => count < (earlier.buckets.get(bound) ?? 0));
  const grown = [...now.buckets]
    .map(([bound, count]) => ({ bound, count: count - (restarted ? 0 : (earlier.buckets.get(bound) ?? 0)) }))
    .sort((a, b) => a.bound - b.bound);
  const total = grown.at(-1)?.count ?? 0;
  if (total === 0) return undefined;
  const rank = PERCENTILE * total;
  const index = grown.findIndex(({ count }) => count >= rank);
  const lower = grown[index - 1] ?? { bound: 0, count: 0 };
  const upper = grown[index];
  if (upper === undefined || upper.bound === Infinity) return lower.bound * 1000;
  const share = (rank - lower.count) / (upper.count - lower.count);
  return (lower.bound + (upper.bound - lower.bound) * share) * 1000;
}

function countErrors(samples: readonly Sample[]): number | undefined {
  for (const counter of [REQUESTS, `${DURATION}_count`]) {
    const series = samples.filter(({ name, value }) => name === counter && isAmount(value));
    if (!series.some(({ labels }) => statusOf(labels) !== undefined)) continue;
    return series
      .filter(({ labels }) => /^5..$/.test(statusOf(labels) ?? ""))
      .reduce((sum, { value }) => sum + value, 0);
  }
  return undefined;
}

function statusOf(labels: Sample["labels"]): string | undefined {
  return STATUS_LABELS.map((label) => labels[label]).find((value) => value !== undefined);
}

function growth(now: Earlier, earlier: Earlier | undefined): number | undefined {
  if (now.errors === undefined || earlier?.errors === undefined || now.atMs <= earlier.atMs) return undefined;
  const grown = now.errors >= earlier.errors ? now.errors - earlier.errors : now.errors;
  return (grown * 1000) / (now.atMs - earlier.atMs);
}

function isAmount(value: number): boolean {
  return Number.isFinite(value) && value >= 0;
}
