import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { UnderWay } from "./under-way";

describe("what is under way", () => {
  it("is taken once, by its number", () => {
    const calls = new UnderWay<{ name: string }>();
    const [a, b] = [calls.add({ name: "a" }), calls.add({ name: "b" })];
    expect(calls.size).toBe(2);
    expect(calls.take(b)).toEqual({ name: "b" });
    expect(calls.take(b)).toBeUndefined();
    expect(calls.take(a)).toEqual({ name: "a" });
    expect(calls.take(4711)).toBeUndefined();
    expect(calls.size).toBe(0);
  });

  it("gets no number twice, though its place is used again", () => {
    const calls = new UnderWay<{ n: number }>();
    const numbers = new Set<number>();
    for (let n = 0; n < 100; n++) {
      const number = calls.add({ n });
      expect(numbers.has(number)).toBe(false);
      numbers.add(number);
      for (const old of numbers) if (old !== number) expect(calls.take(old)).toBeUndefined();
      expect(calls.take(number)).toEqual({ n });
    }
    expect([...calls.entries()]).toEqual([]);
  });

  it("can be gone through, also while it ends", () => {
    const calls = new UnderWay<{ name: string }>();
    const numbers = ["a", "b", "c"].map((name) => calls.add({ name }));
    calls.take(numbers[1] ?? NaN);
    expect([...calls.entries()]).toEqual([
      [numbers[0], { name: "a" }],
      [numbers[2], { name: "c" }],
    ]);
    for (const [number] of calls.entries()) calls.take(number);
    expect(calls.size).toBe(0);
  });

  it("leaves nothing behind that only a full collection frees", () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as (options?: { type: "minor" }) => void;
    const calls = new UnderWay<object>();
    const open: number[] = [];
    // Text of a kilobyte that was never there before.
    const pass = (count: number): void => {
      for (let n = 0; n < count; n++) {
        open.push(calls.add(JSON.parse(`["${"x".repeat(1000)}${n}"]`) as object));
        if (open.length > 64) calls.take(open.shift() ?? NaN);
      }
    };
    pass(200);
    collect();
    const before = oldBytes();
    for (let round = 0; round < 10; round++) {
      pass(2000);
      collect({ type: "minor" });
    }
    // Of 20 MB that passed; all of it with a Map.
    expect(oldBytes() - before).toBeLessThan(5e6);
  });
});

function oldBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === "old_space")?.space_used_size ?? NaN;
}
