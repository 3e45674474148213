import { Registry, collectDefaultMetrics } from "prom-client";
import type { RouteKey } from "./access";
import { CallCounts } from "./call-counts";
import { metricsText, type Metric } from "./metric";

export interface MetricsOptions {
  /** Counts of calls under way, by weight. */
  readonly underWay: () => Readonly<Record<string, number>>;
  /** The controller's own numbers, read at each scrape. */
  readonly own: () => readonly Metric[];
  /** Also memory, CPU and event-loop lag of this process. */
  readonly process: boolean;
}

/** Numbers for Prometheus; those of the process in a registry of their own, so that two controllers in one do not mix. */
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
    const { own } = this.#options;
    return [metricsText([...this.#calls.metrics(), this.#underWay(), ...own()]), await this.#registry.metrics()].join(
      "\n",
    );
  }

  close(): void {
    this.#registry.clear();
  }

  #underWay(): Metric {
    const counts = Object.entries(this.#options.underWay());
    return {
      name: "forge_http_requests_under_way",
      help: "Calls under way",
      type: "gauge",
      series: counts.map(([weight, value]) => ({ labels: { weight }, value })),
    };
  }
}
