import * as fc from "fast-check";
import { Storm, type Step } from "./testing/storm";
import { CASES } from "./testing/storm-cases";

/**
 * Any mixture of commands, delays, lost connections, deaths and restarts, in any order. Promises P1, P3 and P4 must hold
 * after each step; and once the faults stop, core and agents must agree and everybody must have been told.
 */
const index = fc.nat(15);
const player = fc.nat(9);
const deadlineMs = fc.constantFrom(undefined, undefined, 0, 2000);
const of = fc.constant;
const weighted = (
  weight: number,
  arbitrary: fc.Arbitrary<Step>,
): { weight: number; arbitrary: fc.Arbitrary<Step> } => ({ weight, arbitrary });

const step: fc.Arbitrary<Step> = fc.oneof(
  weighted(
    12,
    fc.record({
      do: of("join" as const),
      player,
      experience: fc.nat(2),
      party: fc.oneof(
        { weight: 3, arbitrary: of([]) },
        { weight: 1, arbitrary: fc.array(player, { minLength: 1, maxLength: 3 }) },
      ),
      deadlineMs,
    }),
  ),
  weighted(
    3,
    fc.record({
      do: of("allocate" as const),
      match: fc.nat(3),
      players: fc.array(player, { minLength: 1, maxLength: 2 }),
      deadlineMs,
      labelled: fc.constantFrom(undefined, undefined, "first" as const, "only" as const),
    }),
  ),
  weighted(1, fc.record({ do: of("label" as const), server: index, on: fc.boolean() })),
  weighted(
    2,
    fc.record({ do: of("route" as const), server: index, players: fc.array(player, { minLength: 1, maxLength: 3 }) }),
  ),
  weighted(3, fc.record({ do: fc.constantFrom("end" as const, "follow" as const), session: index })),
  weighted(
    3,
    fc.record({
      do: fc.constantFrom("waitQueue" as const, "waitQueue" as const, "leaveQueue" as const),
      ticket: index,
    }),
  ),
  weighted(8, fc.record({ do: fc.constantFrom("play" as const, "play" as const, "leave" as const), session: index })),
  weighted(2, fc.record({ do: fc.constantFrom("endMatch" as const, "hang" as const, "wish" as const), server: index })),
  weighted(
    3,
    fc.record({ do: of("kill" as const), server: index, agentFirst: fc.boolean(), exitCode: fc.constantFrom(0, 1) }),
  ),
  weighted(
    2,
    fc.record({
      do: of("terminate" as const),
      server: index,
      drainSecs: fc.constantFrom(0, 0, 5),
      force: fc.boolean(),
    }),
  ),
  weighted(1, fc.record({ do: of("spawn" as const), experience: fc.nat(2), waitReady: fc.boolean() })),
  weighted(12, fc.record({ do: of("deliver" as const), channel: fc.nat(4), count: fc.integer({ min: 1, max: 3 }) })),
  weighted(8, of({ do: "run" as const })),
  weighted(1, fc.record({ do: fc.constantFrom("restart" as const, "lose leadership" as const) })),
  weighted(1, fc.record({ do: fc.constantFrom("drain" as const, "undrain" as const, "undrain" as const) })),
  weighted(
    2,
    fc.record({
      do: fc.constantFrom("cut" as const, "connect" as const, "connect" as const, "nodeDown" as const),
      node: fc.nat(1),
    }),
  ),
  weighted(
    1,
    fc.record({
      do: of("usurp" as const),
      players: fc.array(player, { minLength: 1, maxLength: 3 }),
      experience: fc.nat(2),
    }),
  ),
  weighted(1, fc.record({ do: of("refuse" as const), on: fc.boolean() })),
  weighted(
    1,
    fc.record({
      do: of("policy" as const),
      experience: fc.nat(2),
      min: fc.nat(2),
      more: fc.nat(2),
      version: fc.integer({ min: 1, max: 2 }),
    }),
  ),
  weighted(6, fc.record({ do: of("wait" as const), ms: fc.constantFrom(100, 1000, 6000, 31_000) })),
);

function weather(steps: readonly Step[]): readonly string[] {
  const storm = new Storm();
  for (const one of steps) {
    storm.take(one);
    storm.promises.check();
  }
  storm.settle();
  return storm.promises.broken;
}

it.each(Object.entries(CASES))("mended: %s", (_name, steps) => {
  expect(weather(steps)).toEqual([]);
});

it("keeps its promises in any weather", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      expect(weather(steps)).toEqual([]);
    }),
    { numRuns: 500 },
  );
}, 120_000);
