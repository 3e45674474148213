import type { MatchAllocation, Placement, Queued, Server, Session } from "./resources";
import { RegionDouble } from "./testing/region-double";
import { testExperience, testSettings } from "./testing/settings-double";

function region(over: Parameters<typeof testExperience>[1] = {}, nodes = ["n1"]): RegionDouble {
  return new RegionDouble(testSettings([testExperience("arena", over)]), nodes).start();
}
const join = (playerId: string, more = {}): { type: "createSession"; playerId: string; experienceId: string } => ({
  type: "createSession",
  playerId,
  experienceId: "arena",
  ...more,
});

describe("a region from nothing", () => {
  it("starts the minimum and tells the agent what to expect", () => {
    const r = region({ scaling: { minServers: 2 } });
    const servers = r.must<Server[]>({ type: "listServers" });
    expect(servers.map(({ state }) => state)).toEqual(["ready", "ready"]);
    expect(r.engine.starts).toBe(2);
  });

  it("seats a player and answers with the agent's ticket", () => {
    const r = region();
    const placement = r.must<Placement>(join("ann"));
    expect(placement.session.state).toBe("reserved");
    expect(placement.session.generation).toBe(1);
    expect(placement.ticket).toContain(placement.session.id);
    expect(placement.server.ports.game).toBeGreaterThan(0);
  });

  it("queues who has no seat, scales up and places them", () => {
    const r = region({ maxPlayers: 1 });
    r.must(join("ann"));
    const id = r.ask(join("bob"));
    const queued = r.reply(id);
    expect(queued.ok && (queued.value as Queued).position).toBe(1);
    r.run();
    const ticket = queued.ok ? (queued.value as Queued).queueTicket : "";
    const placed = r.must<Placement>({ type: "waitQueue", queueTicket: ticket, untilMs: r.nowMs + 1000 });
    expect(placed.session.playerId).toBe("bob");
    expect(r.eventTypes()).toContain("scaling.up");
  });

  it("closes and stops empty servers once the cooldown is over, down to the minimum", () => {
    const r = region({ maxPlayers: 1, scaling: { minServers: 1, scaleDownCooldownSecs: 20 } });
    const players = ["ann", "bob", "cyd"].map((player) => r.must<Placement | Queued>(join(player)));
    expect(players).toHaveLength(3);
    for (const session of r.must<Session[]>({ type: "findSessions" }))
      r.must({ type: "endSession", sessionId: session.id, reason: "done" });
    r.advance(120_000);
    expect(r.must<Server[]>({ type: "listServers" })).toHaveLength(1);
    expect(r.eventTypes()).toContain("scaling.down");
  });

  it("moves players off a killed server with their state, in the five steps", () => {
    const r = region({ scaling: { minServers: 2 } });
    const { session, server } = r.must<Placement>(join("ann"));
    const agent = r.agentOf(server.id);
    agent.join(server.id, session.id, 1, r.nowMs);
    agent.save(server.id, "ann", "score 7", r.nowMs);
    r.run().advance(1000);
    r.kill(server.id);
    r.run();
    const after = r.must<Session>({ type: "getSession", sessionId: session.id });
    expect(after).toMatchObject({ state: "reserved", generation: 2, moves: 1, restoredAgeMs: 1000 });
    expect(after.serverId).not.toBe(server.id);
    const steps = r.events.flatMap((event) => (event.type === "failover" ? [event.step] : []));
    expect(steps).toEqual(["detect", "isolate", "migrate", "terminate", "replace"]);
    expect(agent.servers.get(after.serverId ?? "")?.seats.get(session.id)?.restore?.data).toBe("score 7");
    expect(r.must<Server[]>({ type: "listServers" })).toHaveLength(2);
  });

  it("gives a match a whole server, and the same match the same server", () => {
    const r = region({ seats: "match", scaling: { minServers: 2 } });
    const command = {
      type: "allocateMatch" as const,
      experienceId: "arena",
      matchId: "m1",
      players: [{ playerId: "ann" }, { playerId: "bob" }],
    };
    const match = r.must<MatchAllocation>(command);
    expect(Object.keys(match.tickets)).toEqual(["ann", "bob"]);
    expect(match.server.state).toBe("allocated");
    expect(r.must<MatchAllocation>(command).server.id).toBe(match.server.id);
    expect(r.must<MatchAllocation>({ ...command, matchId: "m2", players: [{ playerId: "cyd" }] }).server.id).not.toBe(
      match.server.id,
    );
  });
});
