import fc from "fast-check";
import { playingShare } from "./load-curve";

describe("the load curve", () => {
  it("rises from a fifth to all, and falls to two fifths", () => {
    const at = (share: number): number => playingShare(share * 60_000, 60_000);
    expect([at(0), at(0.3), at(0.5), at(0.65), at(0.99)].map((share) => Math.round(share * 100))).toEqual([
      20, 100, 100, 40, 40,
    ]);
  });

  it("goes on from where the last wave ended", () => {
    expect(playingShare(60_000, 60_000)).toBeCloseTo(0.4);
    expect(playingShare(60_000 * 1.4, 60_000)).toBe(1);
  });

  it("never jumps and never leaves its bounds", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 10, noNaN: true }), (waves) => {
        const [here, next] = [playingShare(waves * 1000, 1000), playingShare((waves + 0.001) * 1000, 1000)];
        expect(here).toBeGreaterThanOrEqual(0.2);
        expect(here).toBeLessThanOrEqual(1);
        expect(Math.abs(next - here)).toBeLessThan(0.01);
      }),
    );
  });
});
