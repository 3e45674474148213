import fc from "fast-check";
import { decide, readOrders, readQuestion } from "./decide";

describe("NPCs", () => {
  it("run from the nearest player", () => {
    const { go } = decide({ npcs: [1000, 500, 500], players: [1, 450, 500, 2, 500, 400] }, () => 0);
    expect(go).toEqual([1000, 1, 0]);
  });

  it("stroll while nobody is near", () => {
    expect(decide({ npcs: [1000, 500, 500], players: [1, 900, 900] }, () => 0.25).go).toEqual([1000, 0, 0.5]);
  });

  it("turn inwards at a wall even when chased", () => {
    const [, dx = 0] = decide({ npcs: [1000, 5, 500], players: [1, 50, 500] }, () => 0).go;
    expect(dx).toBeGreaterThan(0);
  });

  it("always get a direction of at most length 1, one each", () => {
    const place = fc.nat(1000);
    const row = fc.array(fc.tuple(fc.nat(2000), place, place), { maxLength: 8 }).map((rows) => rows.flat());
    const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(row, row, chance, (npcs, players, random) => {
        const { go } = decide({ npcs, players }, () => random);
        expect(go).toHaveLength(npcs.length);
        for (let i = 0; i < go.length; i += 3) expect(Math.hypot(go[i + 1] ?? 9, go[i + 2] ?? 9)).toBeLessThan(1.02);
      }),
    );
  });

  it("are asked for and answered in lines that make sense, or not at all", () => {
    expect(readQuestion({ npcs: [], players: [1, 2, 3] })).toEqual({ npcs: [], players: [1, 2, 3] });
    expect(readOrders({ go: [1, 0, 1] })).toEqual({ go: [1, 0, 1] });
    for (const no of [
      null,
      "x",
      {},
      { npcs: [] },
      { npcs: ["1"], players: [] },
      { go: "x" },
      { go: Array(4000).fill(0) },
    ]) {
      expect(readQuestion(no)).toBeUndefined();
      expect(readOrders(no)).toBeUndefined();
    }
  });
});
