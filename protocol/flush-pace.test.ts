import { FlushPace } from "./flush-pace";

/** How many of `writes`, one each `everyMs`, went out at once. */
function atOnce(pace: FlushPace, writes: number, everyMs: number, fromMs = 0): number {
  let count = 0;
  for (let n = 0; n < writes; n++) if (pace.atOnce(fromMs + n * everyMs)) count++;
  return count;
}

test("a stream that is written to once a millisecond or less never waits", () => {
  expect(atOnce(new FlushPace(), 1000, 1)).toBe(1000);
});

test("a few writes in one millisecond go out at once, those after them wait", () => {
  expect(atOnce(new FlushPace(), 20, 0)).toBe(8);
});

test("a stream that stays busy is written to each millisecond, and at once again after a rest", () => {
  const pace = new FlushPace();
  atOnce(pace, 9, 0);
  // What waited goes out a millisecond later, and the next is said right then.
  expect(atOnce(pace, 100, 1, 1)).toBe(0);
  expect(pace.atOnce(200)).toBe(true);
});

test("a clock that is set back does not hold a stream up for longer than it is used", () => {
  const pace = new FlushPace();
  expect(pace.atOnce(1_000_000)).toBe(true);
  expect(atOnce(pace, 7, 0)).toBe(7);
  expect(pace.atOnce(0)).toBe(false);
  expect(pace.atOnce(2)).toBe(true);
});
