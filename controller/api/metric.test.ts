import { Gauge, Registry } from "prom-client";
import { metricsText, withLabels, type Metric } from "./metric";

it("is told as prom-client tells it, whatever a label says", async () => {
  const registry = new Registry();
  const name = "forge_fleet_queued";
  const help = "Players waiting";
  const gauge = new Gauge({ name, help, labelNames: ["region", "version"], registers: [registry] });
  const values = ["1.0", 'a "b"', "back\\slash", "two\nlines", ""];
  values.forEach((version, value) => gauge.set({ region: "east", version }, value / 2));
  const metric: Metric = {
    name,
    help,
    type: "gauge",
    series: values.map((version, value) => ({ labels: { version }, value: value / 2 })),
  };
  expect(metricsText(withLabels([metric], { region: "east" }))).toBe(await registry.metrics());
});
