import fc from "fast-check";
import { changed, meets } from "./count-rules";

const capacity = fc.nat(1000);
const table = capacity.chain((size) =>
  fc.record({
    counters: fc.record({ rooms: fc.nat(size).map((count) => ({ count, capacity: size })) }),
    lists: fc.record({
      teams: fc
        .uniqueArray(fc.string({ maxLength: 4 }), { maxLength: size })
        .map((values) => ({ values, capacity: size })),
    }),
  }),
);
const name = fc.constantFrom("rooms", "teams", "other", "__proto__", "constructor");
const amount = fc.option(fc.nat(5000), { nil: undefined });
const counterAction = fc.record({
  action: fc.option(fc.constantFrom<"Increment" | "Decrement">("Increment", "Decrement"), { nil: undefined }),
  amount,
  capacity: amount,
});
const values = fc.option(fc.array(fc.string({ maxLength: 4 }), { maxLength: 20 }), { nil: undefined });
const listAction = fc.record({ addValues: values, deleteValues: values, capacity: amount });
const actions = fc.record({ counters: fc.dictionary(name, counterAction), lists: fc.dictionary(name, listAction) });

it("keeps every count within 0 and its capacity, and every list without doubles within its own", () => {
  fc.assert(
    fc.property(table, actions, (before, change) => {
      const { counters, lists } = changed(before, change);
      expect(Object.keys(counters)).toEqual(["rooms"]);
      expect(Object.keys(lists)).toEqual(["teams"]);
      const { count, capacity: most } = counters["rooms"] ?? { count: -1, capacity: -1 };
      expect(count >= 0 && count <= most).toBe(true);
      const teams = lists["teams"] ?? { values: [""], capacity: 0 };
      expect(teams.values.length).toBeLessThanOrEqual(teams.capacity);
      expect(new Set(teams.values).size).toBe(teams.values.length);
      expect(teams.capacity).toBeLessThanOrEqual(1000);
    }),
  );
});

it.each([
  ["cuts a count off at its capacity", { action: "Increment", amount: 9 } as const, { count: 5, capacity: 5 }],
  ["and at nothing", { action: "Decrement", amount: 9 } as const, { count: 0, capacity: 5 }],
  ["takes a count along to a smaller capacity", { capacity: 1 }, { count: 1, capacity: 1 }],
  ["sets the capacity first", { capacity: 9, action: "Increment", amount: 6 } as const, { count: 8, capacity: 9 }],
])("%s", (_what, action, after) => {
  const before = { counters: { rooms: { count: 2, capacity: 5 } }, lists: {} };
  expect(changed(before, { counters: { rooms: action }, lists: {} }).counters).toEqual({ rooms: after });
});

it("asks for a value, for room, and for the list itself", () => {
  const there = { counters: {}, lists: { teams: { values: ["red"], capacity: 3 } } };
  const ask = (over: object, of = "teams"): boolean =>
    meets(there, { counters: {}, lists: { [of]: { containsValue: "", minAvailable: 0, maxAvailable: 0, ...over } } });
  expect([ask({}), ask({ containsValue: "red" }), ask({ minAvailable: 2 }), ask({ maxAvailable: 2 })]).toEqual([
    true,
    true,
    true,
    true,
  ]);
  expect([
    ask({ containsValue: "blue" }),
    ask({ minAvailable: 3 }),
    ask({ maxAvailable: 1 }),
    ask({}, "toString"),
  ]).toEqual([false, false, false, false]);
});
