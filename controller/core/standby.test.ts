import type { SeatReport } from "../../protocol/messages";
import type { Placement, Server, Session } from "./resources";
import { arena, join, servers, sessions } from "./testing/ask";
import type { RegionDouble } from "./testing/region-double";

it("forgets on a standby what is gone, saying nothing, but keeps players whom nobody may have moved yet", () => {
  const r = arena({ scaling: { minServers: 3, maxServers: 3 } });
  const { server, session } = r.must<Placement>(join("ann"));
  r.agentOf(server.id).join(server.id, session.id, 1, r.nowMs);
  r.run();
  const other = r.must<Server[]>(servers).find(({ id }) => id !== server.id)?.id ?? "";
  r.give({ type: "leadership", leader: false, epoch: r.epoch });
  const decided: string[] = [];
  r.watch = ({ type }) => void (type === "wake" || decided.push(type));
  r.kill(other);
  r.advance(30_000);
  expect(r.core.counts().servers).toBe(3);
  r.kill(server.id);
  r.advance(45_000);
  expect(r.core.counts().servers).toBe(2);
  r.advance(60_000);
  expect(r.core.counts()).toMatchObject({ servers: 2, sessions: 1 });
  expect(decided).toEqual([]);

  r.lead();
  r.give({ type: "engineList", servers: r.engine.list() });
  r.run();
  r.advance(10_000);
  const after = r.must<Server[]>(servers).filter(({ state }) => state === "ready");
  expect(after.map(({ id }) => id)).not.toContain(other);
  expect(after).toHaveLength(3);
  expect(r.must<Placement["session"]>({ type: "getSession", sessionId: session.id })).toMatchObject({
    generation: 2,
    serverId: expect.not.stringContaining(server.id) as string,
  });
});

it("forgets after an hour whom no leader can still be looking for a place for, and brings nobody back", () => {
  const r = arena({ scaling: { minServers: 1, maxServers: 1 } });
  const { server, session } = r.must<Placement>(join("ann"));
  r.agentOf(server.id).join(server.id, session.id, 1, r.nowMs);
  r.run().give({ type: "leadership", leader: false, epoch: r.epoch });
  r.kill(server.id);
  r.run().advance(60_000);
  r.nowMs += 3_500_000;
  r.advance(20_000);
  expect(r.core.counts()).toMatchObject({ servers: 1, sessions: 1 });
  r.advance(60_000);
  expect(r.core.counts().servers).toBe(0);
  r.advance(61_000);
  expect(r.core.counts().sessions).toBe(0);
  expect(r.eventTypes()).not.toContain("session.ended");
});

it("leads without waiting for a node that it has heard, and not for so long that its servers are suspect", () => {
  const r = arena({ maxPlayers: 4, scaling: { minServers: 2 } }, ["n1", "n2"]);
  r.give({ type: "leadership", leader: false, epoch: r.epoch });
  r.cut("n2");
  r.advance(1000);
  r.lead();
  r.give({ type: "engineList", servers: r.engine.list() });
  r.run();
  r.ask(join("early"));
  const state = () => r.must<Session[]>(sessions)[0]?.state;
  // It may be on its way back: its agent was heard a second ago.
  expect(r.advance(1900) && state()).toBe("queued");
  expect(r.advance(200) && state()).toBe("reserved");
  const states = r.must<Server[]>(servers).map(({ nodeId, state }) => [nodeId, state]);
  expect(states).toContainEqual(["n2", "suspect"]);
});

/** Another leader has the agent of this server give these seats, and is not heard of again. */
function givenByAnother(
  r: RegionDouble,
  server: Pick<Server, "id" | "allocationId">,
  seats: readonly SeatReport[],
): void {
  const agent = r.agentOf(server.id);
  const body = {
    kind: "grant",
    serverId: server.id,
    allocationId: server.allocationId ?? "",
    seats: seats.map(({ sessionId, playerId, generation, carry }) => ({
      sessionId,
      playerId,
      generation,
      restore: undefined,
      carry,
    })),
    leaseMs: 30_000,
  } as const;
  const epoch = r.epoch + 1;
  r.usurp([]);
  expect(agent.request({ type: "request", id: 1, epoch, body }, r.nowMs)).toMatchObject({ ok: true });
  agent.tellGiven({ epoch, body }, r.nowMs);
}

it("knows a seat that an agent had lost, once its leader has asked for the same again", () => {
  const r = arena();
  const { server, session } = r.must<Placement>(join("ann"));
  const [seat] = r.agentOf(server.id).snapshot().servers[0]?.seats ?? [];
  r.give({ type: "leadership", leader: false, epoch: r.epoch });
  r.cut("n1");
  r.agentOf(server.id).servers.get(server.id)?.seats.clear();
  r.connect("n1");
  r.run();
  expect(r.must<Session[]>(sessions)).toEqual([]);
  const [known] = r.must<Server[]>(servers);
  givenByAnother(r, known as Server, [seat as SeatReport]);
  r.run();
  expect(r.must<Session[]>(sessions)).toMatchObject([{ id: session.id, serverId: server.id, generation: 1 }]);
});

it("moves whom another leader seated on a server that this one had given up before", () => {
  const r = arena({ scaling: { minServers: 1, maxServers: 1 } });
  const { server, session } = r.must<Placement>(join("ann"));
  const [seat] = r.agentOf(server.id).snapshot().servers[0]?.seats ?? [];
  r.call({ type: "endSession", sessionId: session.id, reason: "left" });
  const [known] = r.must<Server[]>(servers);
  // It gives it up, and leads no more before agent or engine hear of that.
  r.agentOf(server.id).say(server.id, { kind: "health", healthy: false, reason: "for a moment" }, r.nowMs);
  r.deliver("toCore n1");
  r.cut("n1");
  r.give({ type: "leadership", leader: false, epoch: r.epoch });
  givenByAnother(r, known as Server, [{ ...(seat as SeatReport), sessionId: "ses-other", playerId: "bob" }]);
  r.connect("n1");
  while (r.deliver("toCore n1") || r.deliver("toAgent n1"));
  const list = (): unknown => r.reply(r.ask(sessions));
  expect(list()).toMatchObject({ ok: true, value: [{ id: "ses-other", serverId: server.id, state: "reserved" }] });
  r.lead();
  r.give({ type: "engineList", servers: r.engine.list() });
  r.run().advance(1000);
  expect(r.must<Session[]>(sessions)).toMatchObject([
    { id: "ses-other", state: "reserved", generation: 2, serverId: expect.not.stringContaining(server.id) as string },
  ]);
  expect(r.eventTypes()).toContain("session.moved");
});

it.each([1, 100])(
  "leaves a server alone that it had given up without a word, and another has seated players on: %d s later",
  (secs) => {
    const r = arena({ maxPlayers: 1, scaling: { minServers: 2, maxServers: 2 } }, ["n1", "n2"]);
    const { server, session } = r.must<Placement>(join("ann"));
    const agent = r.agentOf(server.id);
    agent.join(server.id, session.id, 1, r.nowMs);
    r.run();
    // It does not reach the lock either, so it must not stop what it gives up.
    r.give({ type: "leadership", leader: true, epoch: r.epoch, holding: true });
    r.cut(agent.nodeId);
    r.advance(3000);
    const down = { type: "nodeDown", nodeId: agent.nodeId, unreachable: true, reason: "no heartbeat" } as const;
    r.give({ type: "engine", event: down });
    r.run().advance(1000);
    expect(r.must<Session[]>(sessions)).toMatchObject([{ playerId: "ann", generation: 2 }]);
    r.give({ type: "leadership", leader: false, epoch: r.epoch });
    r.give({ type: "engine", event: { type: "nodeUp", nodeId: agent.nodeId } });
    r.connect(agent.nodeId);
    r.run().usurp([join("bob")]);
    const bob = [...(agent.servers.get(server.id)?.seats.values() ?? [])].find(({ playerId }) => playerId === "bob");
    agent.join(server.id, bob?.sessionId ?? "", 1, r.nowMs);
    r.run().advance(secs * 1000);
    r.lead();
    r.give({ type: "engineList", servers: r.engine.list() });
    r.run().advance(100_000);
    expect(r.stops).toEqual([]);
    expect(r.must<Session[]>(sessions)).toContainEqual(
      expect.objectContaining({ playerId: "bob", serverId: server.id, state: "active", generation: 1 }),
    );
  },
);
