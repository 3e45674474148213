import * as fc from "fast-check";
import { arena, join, servers } from "./testing/ask";
import type { RegionDouble } from "./testing/region-double";
import type { MatchAllocation, Placement, Server } from "./resources";

const calm = { minServers: 1, maxServers: 4, scaleUpCooldownSecs: 0, scaleDownCooldownSecs: 0 };
const spawn = { type: "spawnServer" as const, experienceId: "arena", waitReady: true };
const ids = (r: RegionDouble): string[] => r.must<Server[]>(servers).map(({ id }) => id);
const has = (r: RegionDouble, { id }: Server): boolean => ids(r).includes(id);

it("keeps a server that was asked for ten minutes without a player, says so, and then lets it go", () => {
  const r = arena({ scaling: calm });
  const asked = r.must<Server>(spawn);
  expect(asked.reason).toMatch(/^ready for players; asked for, so scaling keeps it until its first player, or \d\d:/);
  expect(r.records.find(({ subject }) => subject === asked.id)?.reasons).toEqual([
    expect.stringContaining("scaling keeps it until its first player"),
  ]);
  r.advance(590_000);
  expect(ids(r)).toHaveLength(2);
  r.advance(40_000);
  expect(ids(r)).toHaveLength(1);
});

it("lets it go like any other once somebody was on it", () => {
  const r = arena({ scaling: calm });
  const asked = r.must<Server>(spawn);
  const [there] = r.must<Placement[]>({ type: "routePlayers", serverId: asked.id, players: ["ann"] });
  const session = there?.session;
  r.agentOf(asked.id).join(asked.id, session?.id ?? "", session?.generation ?? 0, r.nowMs);
  r.run();
  expect(r.must<Server>({ type: "getServer", serverId: asked.id }).reason).toBe("ready for players");
  r.agentOf(asked.id).leave(asked.id, session?.id ?? "", r.nowMs);
  r.run().advance(15_000);
  expect(ids(r)).toHaveLength(1);
});

it("does not stand up for one that was asked to end, nor say so", () => {
  const r = arena({ scaling: calm });
  const asked = r.must<Server>(spawn);
  const ended = { type: "terminateServer" as const, serverId: asked.id, drainSecs: 0, force: false, reason: "enough" };
  expect(r.must<Server>(ended).reason).toBe("enough");
  r.run().advance(2000);
  expect(has(r, asked)).toBe(false);
});

it("keeps it over a seat that nobody came for", () => {
  const r = arena({ scaling: calm });
  const asked = r.must<Server>(spawn);
  r.must({ type: "routePlayers", serverId: asked.id, players: ["ann"] });
  r.advance(60_000);
  expect(has(r, asked)).toBe(true);
});

it("lets it go after the match that it was claimed for", () => {
  const r = arena({ seats: "match", scaling: { ...calm, minServers: 0 } });
  const asked = r.must<Server>(spawn);
  const match = { type: "allocateMatch" as const, experienceId: "arena", matchId: "m", players: [{ playerId: "a" }] };
  expect(r.must<MatchAllocation>(match).server.id).toBe(asked.id);
  r.agentOf(asked.id).endMatch(asked.id, r.nowMs);
  r.run().advance(15_000);
  expect(ids(r)).toEqual([]);
});

it("is kept by a controller that starts anew, and no longer than by the last", () => {
  const r = arena({ scaling: calm });
  const asked = r.must<Server>(spawn);
  r.advance(300_000);
  r.restart();
  r.run().advance(280_000);
  expect(has(r, asked)).toBe(true);
  r.advance(60_000);
  expect(ids(r)).toHaveLength(1);
});

it("goes where the maximum is lowered below what runs, after those that nobody asked for", () => {
  const r = arena({ scaling: calm });
  const [own = ""] = ids(r);
  const asked = r.must<Server>(spawn);
  r.must({ type: "putFleet", experienceId: "arena", policy: { minServers: 0, maxServers: 1 } });
  r.advance(15_000);
  expect(ids(r)).toEqual([asked.id]);
  expect(ids(r)).not.toContain(own);
  r.must({ type: "putFleet", experienceId: "arena", policy: { maxServers: 0 } });
  r.advance(15_000);
  expect(ids(r)).toEqual([]);
});

type Deed =
  { readonly do: "spawn" | "join" | "play" | "leave" | "restart" } | { readonly do: "wait"; readonly ms: number };

it("has never more servers than the maximum and never fewer than the minimum, however many are asked for", () => {
  const deed: fc.Arbitrary<Deed> = fc.oneof(
    fc.record({ do: fc.constantFrom("spawn" as const, "join" as const, "play" as const, "leave" as const) }),
    fc.record({ do: fc.constant("restart" as const) }),
    fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(1000, 11_000, 120_000) }),
  );
  fc.assert(
    fc.property(fc.array(deed, { maxLength: 20 }), (deeds) => {
      const r = arena({ maxPlayers: 2, scaling: calm });
      let player = 0;
      for (const one of deeds) {
        take(r, one, () => `p${String(player++)}`);
        const live = ids(r).length;
        expect(live).toBeLessThanOrEqual(4);
        expect(live).toBeGreaterThanOrEqual(1);
      }
      for (const session of r.must<readonly { id: string }[]>({ type: "findSessions" }))
        r.must({ type: "endSession", sessionId: session.id, reason: "over" });
      // Whoever was asked for is not kept for ever.
      r.run().advance(700_000);
      expect(ids(r)).toHaveLength(1);
    }),
    { numRuns: 40 },
  );
});

function take(r: RegionDouble, one: Deed, player: () => string): void {
  const [session] = r.must<readonly { id: string; serverId: string | null; generation: number; state: string }[]>({
    type: "findSessions",
  });
  switch (one.do) {
    case "spawn":
      r.call(spawn);
      return;
    case "join":
      r.call(join(player(), { deadlineMs: 0 }));
      return;
    case "play":
    case "leave": {
      if (!session || session.serverId === null || session.state === "queued") return;
      const agent = r.agentOf(session.serverId);
      if (one.do === "play") agent.join(session.serverId, session.id, session.generation, r.nowMs);
      else agent.leave(session.serverId, session.id, r.nowMs);
      r.run();
      return;
    }
    case "restart":
      r.restart();
      r.run();
      return;
    case "wait":
      r.advance(one.ms);
  }
}
