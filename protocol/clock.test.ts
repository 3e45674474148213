import * as fc from "fast-check";
import { steady, systemClock } from "./clock";

const HOUR_MS = 3_600_000;

function clocks(): { wallMs: number; monotonicMs: number; now: () => number; pass: (ms: number) => number } {
  const c = {
    wallMs: 1_700_000_000_000,
    monotonicMs: 5000,
    now: (): number => 0,
    pass: (ms: number): number => {
      c.wallMs += ms;
      c.monotonicMs += ms;
      return c.now();
    },
  };
  c.now = steady(
    () => c.wallMs,
    () => c.monotonicMs,
  );
  return c;
}

afterEach(() => {
  jest.restoreAllMocks();
});

it("is the machine's clock where nobody sets that", () => {
  const c = clocks();
  for (const ms of [0, 1, 0.25, 70_000, HOUR_MS]) expect(c.pass(ms)).toBe(Math.floor(c.wallMs));
});

it("lets a lease end in time though the machine's clock is set back by an hour", () => {
  const c = clocks();
  const endsMs = c.now() + 30_000;
  c.wallMs -= HOUR_MS;
  expect(c.pass(20_000)).toBeLessThan(endsMs);
  expect(c.pass(12_000)).toBeGreaterThanOrEqual(endsMs);
});

it("comes back to the machine's clock", () => {
  const c = clocks();
  c.wallMs -= 60_000;
  expect(c.pass(1000) - c.wallMs).toBeGreaterThan(59_000);
  for (let seconds = 0; seconds < 1260; seconds++) c.pass(1000);
  expect(c.now()).toBe(c.wallMs);
});

it("follows the machine's clock forward at once, as after it was suspended", () => {
  const c = clocks();
  c.wallMs += HOUR_MS;
  expect(c.now()).toBe(c.wallMs);
});

it("never goes back, and never slower than it may, however the machine's clock is set", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ passes: fc.nat(10_000), set: fc.integer({ min: -HOUR_MS, max: HOUR_MS }) })),
      (steps) => {
        const c = clocks();
        for (const { passes, set } of steps) {
          const before = c.now();
          c.wallMs += set;
          const now = c.pass(passes);
          if (now < before + Math.floor(passes * 0.95) - 1 || now < c.wallMs) return false;
        }
        return true;
      },
    ),
  );
});

it("is what programs are timed by", () => {
  const before = systemClock.now();
  jest.spyOn(Date, "now").mockReturnValue(before - HOUR_MS);
  expect(systemClock.now()).toBeGreaterThanOrEqual(before);
});
