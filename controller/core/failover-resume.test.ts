import type { Placement, Session } from "./resources";
import { arena, join, servers, sessions } from "./testing/ask";
import type { RegionDouble } from "./testing/region-double";

/** A server with a party on it, one of them joined, on the first of two nodes. */
function playing(): { readonly r: RegionDouble; readonly placed: Placement } {
  const r = arena({ scaling: { minServers: 1, maxServers: 3 } }, ["n1", "n2"]);
  const placed = r.must<Placement>(join("ann", { party: ["bob", "cyd"] }));
  r.agentOf(placed.server.id).join(placed.server.id, placed.session.id, 1, r.nowMs);
  r.agentOf(placed.server.id).save(placed.server.id, "ann", "ann's gold", r.nowMs);
  r.run();
  return { r, placed };
}

/** Messages between the server's death and its players' new places, each of which may be the leader's last. */
function stepsOf(): number {
  const { r, placed } = playing();
  r.kill(placed.server.id);
  let steps = 0;
  for (let moved = true; moved;) {
    moved = false;
    for (const channel of r.channels()) while (r.deliver(channel)) moved = steps++ >= 0;
  }
  return steps;
}

const STEPS = stepsOf();

it("has a handful of steps to die at", () => {
  expect(STEPS).toBeGreaterThan(5);
});

describe.each(Array.from({ length: STEPS + 1 }, (_, step) => step))(
  "a leader that dies %d messages into a failover",
  (step) => {
    it("is followed by one that ends it: the party together, with what was saved, once replaced", () => {
      const { r, placed } = playing();
      r.kill(placed.server.id);
      r.run(step);
      r.restart();
      r.run().advance(10_000);
      const now = r.must<Session[]>(sessions);
      expect(now.map(({ playerId }) => playerId).sort()).toEqual(["ann", "bob", "cyd"]);
      expect(new Set(now.map(({ serverId }) => serverId)).size).toBe(1);
      expect(now[0]?.serverId).not.toBe(placed.server.id);
      expect(now.every(({ generation, state }) => generation > 1 && state === "reserved")).toBe(true);
      const at = now[0]?.serverId ?? "";
      const ann = now.find(({ playerId }) => playerId === "ann")?.id ?? "";
      expect(r.agentOf(at).servers.get(at)?.seats.get(ann)?.restore?.data).toBe("ann's gold");
      expect(r.must<unknown[]>(servers).length).toBeLessThanOrEqual(2);
      expect(r.engine.running(placed.server.id)).toBe(false);
    });
  },
);
