import type { ScaleDownPriority } from "../../config/config";
import { arena, servers } from "./testing/ask";
import type { RegionDouble } from "./testing/region-double";
import type { Server } from "./resources";

const rooms = (order: "ascending" | "descending"): ScaleDownPriority => ({ type: "counter", key: "rooms", order });

/** Servers on two nodes, of which `left` says how many rooms each has left, in the order of their creation. */
function fleet(
  left: readonly number[],
  strategy: "pack" | "spread",
  priorities: readonly ScaleDownPriority[],
): RegionDouble {
  const r = arena(
    {
      ...{ sdk: "agones", seats: "match", counters: { rooms: { count: 0, capacity: 10 } } },
      routing: { strategy },
      scaling: { minServers: 0, maxServers: 20, scaleDownCooldownSecs: 0, priorities },
    },
    ["n1", "n2"],
  );
  r.must({ type: "putFleet", experienceId: "arena", desired: left.length });
  r.advance(5000);
  live(r).forEach(({ id }, at) => {
    const counters = { rooms: { count: 10 - (left[at] ?? 0), capacity: 10 } };
    r.agentOf(id).say(id, { kind: "counts", counters, lists: {}, tracked: undefined }, r.nowMs);
  });
  r.run();
  return r;
}

const live = (r: RegionDouble): Server[] =>
  r.must<Server[]>(servers).filter(({ state }) => state !== "terminated" && state !== "draining");

/** What each server that goes has left, and its node, in that order; the last one stays. */
function downToOne(r: RegionDouble): { left: number; node: string }[] {
  const gone: { left: number; node: string }[] = [];
  let before = live(r);
  r.must({ type: "putFleet", experienceId: "arena", desired: 1 });
  for (let step = 0; step < 200 && before.length > 1; step++) {
    r.advance(500);
    const now = new Set(live(r).map(({ id }) => id));
    for (const { id, counters, nodeId } of before)
      if (!now.has(id)) gone.push({ left: 10 - (counters?.["rooms"]?.count ?? 0), node: nodeId ?? "" });
    before = live(r);
  }
  return gone;
}

const lefts = (r: RegionDouble): number[] => downToOne(r).map(({ left }) => left);

it.each([
  ["ascending", [1, 3, 5, 7]],
  ["descending", [9, 7, 5, 3]],
] as const)("spread: goes by what is left of a counter over the whole fleet, %s", (order, gone) => {
  expect(lefts(fleet([5, 1, 9, 3, 7], "spread", [rooms(order)]))).toEqual(gone);
});

it("asks the next priority where one does not tell, and the youngest goes where none does", () => {
  const unknown: ScaleDownPriority = { type: "list", key: "maps", order: "ascending" };
  expect(lefts(fleet([2, 4, 3], "spread", [unknown, rooms("descending")]))).toEqual([4, 3]);
  expect(lefts(fleet([2, 4, 3], "spread", []))).toEqual([3, 4]);
});

it("pack: empties the node in least use, and goes by priorities among its servers", () => {
  const r = fleet([5, 1, 9, 3, 7], "pack", [rooms("ascending")]);
  const gone = downToOne(r);
  const nodes = gone.map(({ node }) => node);
  // Two of five servers are on the one node, which is free before the other is touched.
  expect(nodes).toEqual([nodes[0], nodes[0], nodes[2], nodes[2]]);
  expect(nodes[2]).not.toBe(nodes[0]);
  const [a, b, c, d] = gone.map(({ left }) => left);
  expect([a! < b!, c! < d!]).toEqual([true, true]);
});
