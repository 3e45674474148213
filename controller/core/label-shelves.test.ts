import * as fc from "fast-check";
import { newServer, type GameServer } from "./game-server";
import { hasLabels, LABEL_LOOKS, LabelShelves } from "./label-shelves";

function server(id: number, labels: Record<string, string>): GameServer {
  return newServer({
    id: `s${String(id)}`,
    experienceId: "e",
    version: "1",
    mods: [],
    role: "server",
    maxPlayers: 4,
    sdkToken: "",
    createdAtMs: 0,
    labels,
    reason: "",
  });
}

const labels = fc.dictionary(fc.constantFrom("map", "mode", "tier"), fc.constantFrom("a", "b"));
const found = (shelves: LabelShelves, asked: Record<string, string>, most = 1000): GameServer[] => {
  const into: GameServer[] = [];
  shelves.find(asked, most, into, () => true);
  return into;
};

it("finds exactly those that have all labels, whatever was added, relabelled and removed before", () => {
  const deed = fc.record({ server: fc.nat(9), labels, there: fc.boolean() });
  fc.assert(
    fc.property(fc.array(deed, { maxLength: 60 }), labels, (deeds, asked) => {
      fc.pre(Object.keys(asked).length > 0);
      const shelves = new LabelShelves();
      const servers = Array.from({ length: 10 }, (_, i) => server(i, {}));
      const there = new Set<GameServer>();
      for (const one of deeds) {
        const of = servers[one.server];
        if (!of) continue;
        // Its labels change while it stands on shelves: it must leave those it was put on.
        of.labels = one.labels;
        shelves.remove(of);
        there.delete(of);
        if (!one.there) continue;
        shelves.add(of);
        there.add(of);
      }
      expect(new Set(found(shelves, asked))).toEqual(new Set([...there].filter((of) => hasLabels(of, asked))));
    }),
  );
});

it("looks at no more than it says, and at the others the next time", () => {
  const shelves = new LabelShelves();
  const many = Array.from({ length: 3 * LABEL_LOOKS }, (_, i) => server(i, { map: "ice", mode: "duel" }));
  for (const one of many) shelves.add(one);
  let looked = 0;
  const seen = new Set<GameServer>();
  for (let i = 0; i < 3; i++)
    shelves.find({ map: "ice", mode: "duel" }, 8, [], (one) => {
      looked++;
      seen.add(one);
      return false;
    });
  expect([looked, seen.size]).toEqual([many.length, many.length]);
});

it("looks through the rarest label", () => {
  const shelves = new LabelShelves();
  for (let i = 0; i < 2 * LABEL_LOOKS; i++) shelves.add(server(i, { map: "ice" }));
  const rare = server(-1, { map: "ice", mode: "duel" });
  shelves.add(rare);
  expect(found(shelves, { map: "ice", mode: "duel" })).toEqual([rare]);
  expect(found(shelves, { map: "ice", mode: "none" })).toEqual([]);
  expect(found(shelves, { map: "ice" }, 8)).toHaveLength(8);
});
