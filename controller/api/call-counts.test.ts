import { Counter, Histogram, Registry } from "prom-client";
import { BUCKETS_SECS, CallCounts } from "./call-counts";
import { metricsText } from "./metric";

const CALLS = [
  ["POST /v1/sessions", 200, 0.004],
  ["POST /v1/sessions", 202, 0.001],
  ["POST /v1/sessions", 200, 75],
  ["POST /v1/sessions", 503, 60],
  ["GET /v1/servers/:id", 404, 0.0011],
] as const;

describe("counts of calls", () => {
  it.each([0, CALLS.length])("are told as prom-client tells them, after %d calls", async (calls) => {
    const registry = new Registry();
    const registers = [registry];
    const labelNames = ["method", "route"];
    const requests = new Counter({
      name: "forge_http_requests_total",
      help: "Calls answered",
      labelNames: [...labelNames, "status"],
      registers,
    });
    const taken = new Histogram({
      name: "forge_http_request_seconds",
      help: "Time to answer a call",
      labelNames,
      buckets: BUCKETS_SECS,
      registers,
    });
    const counts = new CallCounts();
    for (const [key, status, seconds] of CALLS.slice(0, calls)) {
      const [method = "", route = ""] = key.split(" ");
      requests.inc({ method, route, status });
      taken.observe({ method, route }, seconds);
      counts.add(key, status, seconds);
    }
    expect(metricsText(counts.metrics())).toBe(await registry.metrics());
  });
});
