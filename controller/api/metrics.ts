import { Counter, Gauge as PromGauge, Histogram, Registry, collectDefaultMetrics } from "prom-client";
import type { Gauge } from "./backend";

const BUCKETS_SECS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export interface MetricsOptions {
  /** Counts of calls under way, by weight. */
  readonly underWay: () => Readonly<Record<string, number>>;
  /** The controller's own numbers, read at each scrape. */
  readonly gauges: () => readonly Gauge[];
  /** Also memory, CPU and event-loop lag of this process. */
  readonly process: boolean;
}

/** Numbers for Prometheus, in registries of their own so that two controllers in one process do not mix. */
export class Metrics {
  readonly #options: MetricsOptions;
  readonly #registry = new Registry();
  readonly #requests: Counter;
  readonly #seconds: Histogram;

  constructor(options: MetricsOptions) {
    this.#options = options;
    const registers = [this.#registry];
    this.#requests = new Counter({
      name: "forge_http_requests_total",
      help: "Calls answered",
      labelNames: ["method", "route", "status"],
      registers,
    });
    this.#seconds = new Histogram({
      name: "forge_http_request_seconds",
      help: "Time to answer a call",
      labelNames: ["method", "route"],
      buckets: BUCKETS_SECS,
      registers,
    });
    if (options.process) collectDefaultMetrics({ register: this.#registry });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  observe(method: string, route: string, status: number, seconds: number): void {
    this.#requests.inc({ method, route, status });
    this.#seconds.observe({ method, route }, seconds);
  }

  async render(): Promise<string> {
    return (await this.#registry.metrics()) + "\n" + (await this.#current().metrics());
  }

  close(): void {
    this.#registry.clear();
  }

  /** What is read at the moment of the scrape: series that are gone must not linger. */
  #current(): Registry {
    const registry = new Registry();
    const registers = [registry];
    const underWay = new PromGauge({
      name: "forge_http_requests_under_way",
      help: "Calls under way",
      labelNames: ["weight"],
      registers,
    });
    for (const [weight, value] of Object.entries(this.#options.underWay())) underWay.set({ weight }, value);

    const gauges = new Map<string, PromGauge>();
    for (const { name, help, labels, value } of this.#options.gauges()) {
      let gauge = gauges.get(name);
      if (!gauge) gauges.set(name, (gauge = new PromGauge({ name, help, labelNames: Object.keys(labels), registers })));
      gauge.set({ ...labels }, value);
    }
    return registry;
  }
}
