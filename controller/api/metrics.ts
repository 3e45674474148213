import { Gauge as PromGauge, Registry, collectDefaultMetrics } from "prom-client";
import type { RouteKey } from "./access";
import type { Gauge } from "./backend";
import { CallCounts } from "./call-counts";

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
  readonly #calls = new CallCounts();

  constructor(options: MetricsOptions) {
    this.#options = options;
    if (options.process) collectDefaultMetrics({ register: this.#registry });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  observe(key: RouteKey, status: number, seconds: number): void {
    this.#calls.add(key, status, seconds);
  }

  async render(): Promise<string> {
    return [this.#calls.text(), await this.#registry.metrics(), await this.#current().metrics()].join("\n");
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
