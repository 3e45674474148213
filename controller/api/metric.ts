/** One metric with all its series, as Prometheus takes them. */
export interface Metric {
  /** By Prometheus' rules: base units, `_total` where it only grows. */
  readonly name: string;
  readonly help: string;
  readonly type: "gauge" | "counter" | "histogram";
  readonly series: readonly Series[];
}

/** Labels have few values, whatever a region has: never the ids of servers or players. */
export interface Series {
  /** Of a histogram: which of its parts it is. */
  readonly part?: "_bucket" | "_sum" | "_count";
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What tells of itself at each scrape. */
export interface Meter {
  /** @param experiences those the region has now: what counts by experience tells a 0 of those it has nothing of */
  metrics(experiences: readonly string[]): readonly Metric[];
}

/** Prometheus' text format. A metric without series is told too, so that it can be found. */
export function metricsText(metrics: readonly Metric[]): string {
  return metrics
    .flatMap(({ name, help, type, series }) => [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} ${type}`,
      ...series.map(({ part = "", labels, value }) => `${name}${part}${labelsText(labels)} ${value}`),
      "",
    ])
    .join("\n");
}

/** The same metrics, with these labels on every series. */
export function withLabels(metrics: readonly Metric[], more: Series["labels"]): readonly Metric[] {
  return metrics.map((metric) => ({
    ...metric,
    series: metric.series.map((one) => ({ ...one, labels: { ...more, ...one.labels } })),
  }));
}

function labelsText(labels: Series["labels"]): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${escaped(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escaped(value: string): string {
  return value.replace(/[\\"\n]/g, (found) => (found === "\n" ? "\\n" : `\\${found}`));
}
