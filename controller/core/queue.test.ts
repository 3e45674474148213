import * as fc from "fast-check";
import { newGroup, type Group } from "./group";
import { newSession } from "./player-session";
import { WaitingLine } from "./queue";

function group(size: number, kind: Group["kind"] = "join", version?: string): Group {
  const sessions = Array.from({ length: size }, (_, i) =>
    newSession({
      id: `s${String(i)}`,
      playerId: `p${String(i)}`,
      experienceId: "e",
      party: [],
      connectedAtMs: 0,
      version,
      mods: [],
      latencies: {},
      matchId: null,
    }),
  );
  return newGroup({ kind, experienceId: "e", sessions, version, sinceMs: 0, deadlineMs: 1 });
}

type Op =
  | { readonly do: "add"; readonly size: number; readonly move: boolean; readonly version: string }
  | { readonly do: "remove" | "put back"; readonly index: number }
  | { readonly do: "next"; readonly room: number };

const op: fc.Arbitrary<Op> = fc.oneof(
  fc.record({
    do: fc.constant("add" as const),
    size: fc.integer({ min: 1, max: 4 }),
    move: fc.boolean(),
    version: fc.constantFrom("1", "2"),
  }),
  fc.record({ do: fc.constantFrom("remove" as const, "put back" as const), index: fc.nat(20) }),
  fc.record({ do: fc.constant("next" as const), room: fc.nat(5) }),
);

it("is a list in order of rank and age, whatever happens to it", () => {
  fc.assert(
    fc.property(fc.array(op, { maxLength: 60 }), (ops) => {
      const line = new WaitingLine();
      const waiting: Group[] = [];
      const away: Group[] = [];
      const ordered = (): Group[] =>
        [...waiting].sort((a, b) => Number(b.kind === "move") - Number(a.kind === "move") || a.order - b.order);
      const takeOut = (one: Group | undefined): void => {
        if (!one) return;
        line.remove(one);
        waiting.splice(waiting.indexOf(one), 1);
        away.push(one);
      };
      for (const one of ops) {
        if (one.do === "add") {
          const made = group(one.size, one.move ? "move" : "join", one.version);
          line.add(made);
          waiting.push(made);
        } else if (one.do === "remove") takeOut(waiting[one.index % Math.max(1, waiting.length)]);
        else if (one.do === "put back") {
          const back = away.pop();
          if (back) {
            line.add(back);
            waiting.push(back);
          }
        } else {
          const fits = ({ sessions }: Group): boolean => sessions.length <= (one.do === "next" ? one.room : 0);
          const next = line.next(fits);
          expect(next).toBe(ordered().find(fits));
          takeOut(next);
        }
        expect(line.all()).toEqual(ordered());
        ordered().forEach((each, i) => expect(line.position(each)).toBe(i + 1));
        expect([line.size, line.players]).toEqual([
          waiting.length,
          waiting.reduce((sum, { sessions }) => sum + sessions.length, 0),
        ]);
        expect(line.moveSeats + line.joinSeats).toBe(line.players);
      }
    }),
  );
});

it("passes over those whom room does not help, and does not call for room for them", () => {
  const line = new WaitingLine();
  const far = group(1);
  far.hindrance = "too far away";
  const near = group(1);
  line.add(far);
  line.add(near);
  expect(line.next(() => true)).toBe(near);
  expect(line.joinSeats).toBe(1);
  line.remove(near);
  expect(line.next(() => true)).toBeUndefined();
  expect(line.position(far)).toBe(1);
});
