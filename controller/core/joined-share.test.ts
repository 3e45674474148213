import fc from "fast-check";
import { joinedShare, noteArrival, type Arrivals } from "./joined-share";
import type { Placement, Server } from "./resources";
import { arena, join, servers } from "./testing/ask";
import { testExperience, testSettings } from "./testing/settings-double";

it("is the share of the newest twenty, and unknown before there are ten", () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 60 }), (came) => {
      const arrivals: Arrivals = { bits: 0, count: 0 };
      for (const one of came) noteArrival(arrivals, one);
      const newest = came.slice(-20);
      const share = newest.filter(Boolean).length / newest.length;
      expect(joinedShare(arrivals)).toBe(newest.length < 10 ? undefined : share);
    }),
  );
});

describe("a fleet whose players are counted", () => {
  const fleet = (minServers: number) => {
    const over = {
      maxPlayers: 12,
      scaling: { minServers, maxServers: minServers + 2 },
      routing: { strategy: "spread" as const },
    };
    const r = arena(over);
    const { health, ...settings } = testSettings([testExperience("arena", over)]);
    r.setSettings({ ...settings, health: { ...health, minJoined: 0.5, limitSecs: 30 } });
    return r;
  };
  /** So many players ask for a place; those of the servers in `broken` never get on. */
  const play = (r: ReturnType<typeof fleet>, players: number, broken: (serverId: string) => boolean): void => {
    const placed = Array.from({ length: players }, (_, i) => r.must<Placement>(join(`p${String(i)}`)));
    for (const { server, session } of placed)
      if (!broken(server.id)) r.agentOf(server.id).join(server.id, session.id, session.generation, r.nowMs);
    r.run();
    r.advance(31_000);
  };
  const strained = (r: ReturnType<typeof fleet>): number =>
    r.eventTypes().filter((type) => type === "server.strained").length;

  it("strains the one server that nobody gets on to, and gives it up", () => {
    const r = fleet(2);
    const [first] = r.must<Server[]>(servers).map(({ id }) => id) as [string];
    play(r, 22, (id) => id === first);
    expect(r.events.find(({ type }) => type === "server.strained")).toMatchObject({
      serverId: first,
      reason: "no new seats: 0 % of its newest reservations were joined, at least 50 %",
    });
    r.advance(31_000);
    expect(r.must<Server>({ type: "getServer", serverId: first }).state).toBe("terminated");
    expect(strained(r)).toBe(1);
  });

  it("blames no server for players who were moved to it and went their own way", () => {
    const r = fleet(3);
    play(r, 36, () => false);
    const [lost] = r.must<Server[]>(servers);
    r.kill(lost?.id ?? "");
    r.run().advance(100_000);
    expect(r.eventTypes().filter((type) => type === "session.moved")).toHaveLength(12);
    expect(strained(r)).toBe(0);
    expect(r.eventTypes().filter((type) => type === "server.unhealthy")).toHaveLength(1);
  });

  it("blames no server where no player gets on to any: one is tried anew, not all", () => {
    const r = fleet(3);
    play(r, 33, () => true);
    r.advance(31_000);
    expect(strained(r)).toBeLessThanOrEqual(1);
  });
});
