import * as fc from "fast-check";
import { createSessionBody, isPlainCreateSession } from "./session";

/** Mostly as it should be. */
function mostly<T, U>(good: fc.Arbitrary<T>, odd: fc.Arbitrary<U>): fc.Arbitrary<T | U> {
  return fc.oneof({ weight: 8, arbitrary: good }, { weight: 1, arbitrary: odd });
}
const name = mostly(
  fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,10}$/),
  fc.constantFrom("-x", "a".repeat(64), "a".repeat(65), "", "ä", "a\n"),
);
const text = mostly(
  fc.string({ minLength: 1 }),
  fc.constantFrom("p".repeat(128), "p".repeat(129), "", "\u0000", "\u009f", "\ud800", "Ünal", "a\n"),
);
const ms = mostly(
  fc.double({ min: 0, max: 60_000, noNaN: true }),
  fc.constantFrom<unknown>(-1, 60_001, Infinity, NaN, "1", null),
);
const body = fc.record(
  {
    playerId: mostly(text, fc.jsonValue()),
    experienceId: mostly(name, fc.jsonValue()),
    version: mostly(text, fc.jsonValue()),
    latencies: mostly(fc.dictionary(name, ms, { maxKeys: 3 }), fc.jsonValue()),
    more: fc.jsonValue(),
  },
  { requiredKeys: ["playerId", "experienceId"] },
);

test("a body is plain only where the schema takes it as it is", () => {
  let plain = 0;
  fc.assert(
    fc.property(body, (sent) => {
      if (!isPlainCreateSession(sent)) return;
      plain++;
      expect(createSessionBody.parse(sent)).toEqual(sent);
    }),
    { numRuns: 5000 },
  );
  expect(plain).toBeGreaterThan(100);
});

test.each([
  { playerId: "ann", experienceId: "arena" },
  { playerId: "ann", experienceId: "arena", version: "1.0.0", latencies: { "us-east": 24.5 } },
])("%j is plain", (sent) => expect(isPlainCreateSession(sent)).toBe(true));

test.each([
  null,
  [],
  "ann",
  { playerId: "ann" },
  {
    playerId: "ann",
    experienceId: "arena",
    latencies: Object.fromEntries([...Array(65).keys()].map((n) => [`r${n}`, 1])),
  },
  { playerId: "ann", experienceId: "arena", latencies: [1] },
])("%j is not", (sent) => expect(isPlainCreateSession(sent)).toBe(false));
