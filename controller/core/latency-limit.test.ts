import fc from "fast-check";
import { limitAfter, waitFor } from "./latency-limit";

const limits = fc.record({
  maxLatencyMs: fc.integer({ min: 1, max: 500 }),
  relaxMsPerSec: fc.integer({ min: 0, max: 100 }),
  relaxToMs: fc.option(fc.integer({ min: 1, max: 1000 }), { nil: undefined }),
});

it("lets a player in when their wait is over, and not a second before", () => {
  fc.assert(
    fc.property(limits, fc.integer({ min: 0, max: 2000 }), (limit, latencyMs) => {
      const waitMs = waitFor(limit, latencyMs);
      if (waitMs === Infinity) return limitAfter(limit, 86_400_000) < latencyMs;
      const soon = waitMs === 0 || limitAfter(limit, waitMs - 1000) < latencyMs;
      return limitAfter(limit, waitMs) >= latencyMs && soon;
    }),
  );
});

it("never falls below where it began, nor grows without a limit to grow from", () => {
  fc.assert(
    fc.property(limits, fc.integer({ min: 0, max: 1_000_000 }), (limit, waitedMs) => {
      expect(limitAfter(limit, waitedMs)).toBeGreaterThanOrEqual(limit.maxLatencyMs);
    }),
  );
  expect(limitAfter({ maxLatencyMs: undefined, relaxMsPerSec: 5, relaxToMs: 10 }, 0)).toBe(Infinity);
});
