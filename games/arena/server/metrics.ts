/** What `/metrics` tells, in Prometheus' text format. */
export class Metrics {
  private readonly counters = new Map<string, number>();
  /** The last 200 ticks, ten seconds. */
  private readonly tickMs: number[] = [];

  add(name: "states_sent" | "bytes_sent" | "ticks" | "ticks_skipped" | "inputs" | "joins" | "refusals", by = 1): void {
    this.counters.set(name, (this.counters.get(name) ?? 0) + by);
  }

  tick(ms: number): void {
    this.add("ticks");
    this.tickMs.push(ms);
    if (this.tickMs.length > 200) this.tickMs.shift();
  }

  /** p95 of the time from a tick's start to its state being sent, in milliseconds. */
  responseMs(): number {
    const sorted = [...this.tickMs].sort((a, b) => a - b);
    return Math.round((sorted[Math.floor(sorted.length * 0.95)] ?? 0) * 100) / 100;
  }

  text(gauges: Readonly<Record<string, number>>): string {
    const lines = ["players", "npcs_led"].map((name) => metric("gauge", name, gauges[name] ?? 0));
    lines.push(metric("gauge", "tick_p95_milliseconds", this.responseMs()));
    lines.push(metric("gauge", "resident_memory_bytes", process.memoryUsage.rss()));
    for (const [name, value] of this.counters) lines.push(metric("counter", `${name}_total`, value));
    return lines.join("");
  }
}

function metric(type: "gauge" | "counter", name: string, value: number): string {
  return `# TYPE arena_${name} ${type}\narena_${name} ${value}\n`;
}
