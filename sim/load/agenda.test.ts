import * as fc from "fast-check";
import { Agenda } from "./agenda";

/** Far beyond one round of the calendar, near, and at once; many in the same millisecond. */
const delay = fc.oneof(fc.nat(3), fc.nat(5000), fc.nat(1_000_000), fc.constantFrom(2 ** 20, 2 ** 20 - 1, 2 ** 21));
const entry = fc.record({ delay, more: fc.array(delay, { maxLength: 2 }) });

it("runs all in the order of their times, and what is due at once in the order it was added", () => {
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 40 }), (entries) => {
      const agenda = new Agenda();
      const added: { readonly dueMs: number; readonly order: number }[] = [];
      const ran: number[] = [];
      const add = (ms: number, more: readonly number[]): void => {
        agenda.after(ms, run, added.length, more);
        added.push({ dueMs: agenda.nowMs + ms, order: added.length });
      };
      const run = (order: number, more: readonly number[]): void => {
        expect(agenda.nowMs).toBe(added[order]?.dueMs);
        ran.push(order);
        for (const ms of more) add(ms, []);
      };
      for (const { delay: ms, more } of entries) add(ms, more);
      while (agenda.next());
      const inOrder = [...added].sort((a, b) => a.dueMs - b.dueMs || a.order - b.order);
      expect(ran).toEqual(inOrder.map(({ order }) => order));
      expect(agenda.size).toBe(0);
    }),
    { numRuns: 30 },
  );
});

it("takes more entries than it had room for, and uses their places again", () => {
  const agenda = new Agenda();
  let sum = 0;
  const run = (who: number): void => void (sum += who);
  for (let round = 0; round < 3; round++)
    for (let who = 1; who <= 3000; who++) agenda.after(who % 7, run, who, undefined);
  while (agenda.next());
  expect(sum).toBe((3 * 3000 * 3001) / 2);
});

it("rounds up", () => {
  const agenda = new Agenda();
  agenda.after(0.2, () => undefined, 0, undefined);
  agenda.next();
  expect(agenda.nowMs).toBe(1);
});
