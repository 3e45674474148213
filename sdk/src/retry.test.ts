import fc from "fast-check";
import { ManualTiming } from "../testing/manual-timing";
import { pauseMs, retrying, type Verdict } from "./retry";

const POLICY = { forMs: 10_000, firstMs: 100, maxMs: 2_000 };
const ALWAYS = (): Verdict => ({ retry: true });

describe("retrying", () => {
  it("gives the first success, and pauses longer each time up to the bound", async () => {
    const timing = new ManualTiming();
    const attempt = (number: number): Promise<string> =>
      number < 7 ? Promise.reject(new Error("away")) : Promise.resolve("here");
    await expect(retrying(timing, POLICY, attempt, ALWAYS)).resolves.toBe("here");
    expect(timing.slept).toEqual([75, 150, 300, 600, 1200, 1500, 1500]);
  });

  it("throws the last error when its time is over", async () => {
    const timing = new ManualTiming();
    const startedAt = timing.now();
    const attempt = (number: number): Promise<never> => Promise.reject(new Error(`attempt ${number}`));
    await expect(retrying(timing, POLICY, attempt, ALWAYS)).rejects.toThrow(/^attempt \d+$/);
    expect(timing.now() - startedAt).toBeLessThanOrEqual(POLICY.forMs);
    expect(timing.slept.length).toBeGreaterThan(5);
  });

  it("throws at once what is not worth another attempt", async () => {
    const timing = new ManualTiming();
    const attempt = (): Promise<never> => Promise.reject(new Error("no"));
    await expect(retrying(timing, POLICY, attempt, () => ({ retry: false }))).rejects.toThrow("no");
    expect(timing.slept).toEqual([]);
  });

  it("waits as long as it was asked to", async () => {
    const timing = new ManualTiming();
    const attempt = (number: number): Promise<number> =>
      number === 0 ? Promise.reject(new Error()) : Promise.resolve(1);
    await retrying(timing, POLICY, attempt, () => ({ retry: true, afterMs: 4_000 }));
    expect(timing.slept[0]).toBeGreaterThanOrEqual(4_000);
  });

  it("ends with the signal's reason, also in the middle of a pause", async () => {
    const controller = new AbortController();
    const attempt = (): Promise<never> => {
      controller.abort(new Error("enough"));
      return Promise.reject(new Error("away"));
    };
    await expect(retrying(new ManualTiming(), POLICY, attempt, ALWAYS, controller.signal)).rejects.toThrow("away");
    await expect(retrying(new ManualTiming(), POLICY, attempt, ALWAYS, controller.signal)).rejects.toThrow("enough");
  });

  it("keeps every pause within its bounds", () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (attempt, random) => {
        const pause = pauseMs(POLICY, attempt, random);
        expect(pause).toBeGreaterThanOrEqual(POLICY.firstMs / 2);
        expect(pause).toBeLessThanOrEqual(POLICY.maxMs);
      }),
    );
  });
});
