import { arena, join, servers, sessions } from "./testing/ask";
import type { DecisionRecord, Placement, Queued, Server, Session } from "./resources";

const session = (r: ReturnType<typeof arena>, sessionId: string): Session =>
  r.must<Session>({ type: "getSession", sessionId });

/** A player with a seat: on which server, on which node, by which session. */
function annSits(r: ReturnType<typeof arena>): { server: Placement["server"]; id: string; nodeId: string } {
  const { server, session } = r.must<Placement>(join("ann"));
  const { nodeId } = r.must<Server>({ type: "getServer", serverId: server.id });
  return { server, id: session.id, nodeId: nodeId ?? "" };
}

it("keeps a party together on its new server", () => {
  const r = arena({ scaling: { minServers: 3 } });
  const placed = r.must<Placement>(join("ann", { party: ["bob", "cyd"] }));
  r.kill(placed.server.id);
  r.run();
  const now = r.must<Session[]>(sessions);
  expect(new Set(now.map(({ serverId }) => serverId)).size).toBe(1);
  expect(now.every(({ generation, state }) => generation === 2 && state === "reserved")).toBe(true);
});

it("puts those who lost a server before those who wait, and starts a replacement at once", () => {
  const r = arena({ maxPlayers: 1, scaling: { minServers: 1, maxServers: 1 } });
  const ann = r.must<Placement>(join("ann"));
  const bob = r.must<Queued>(join("bob"));
  r.kill(ann.server.id);
  r.run();
  expect(session(r, ann.session.id)).toMatchObject({ state: "reserved", generation: 2 });
  expect(session(r, bob.sessionId).state).toBe("queued");
  expect(r.events.filter(({ type }) => type === "server.replaced")).toHaveLength(1);
});

it("isolates, moves off and stops a server that hangs", () => {
  const r = arena({ scaling: { minServers: 2 } });
  const { server, id } = annSits(r);
  r.agentOf(server.id).hang(server.id, r.nowMs);
  r.run();
  expect(session(r, id).serverId).not.toBe(server.id);
  expect(r.engine.running(server.id)).toBe(false);
  expect(r.must<Server>({ type: "getServer", serverId: server.id }).state).toBe("terminated");
  const steps = r.eventTypes().filter((type) => type.startsWith("failover"));
  expect(steps).toEqual([
    "failover.detect",
    "failover.isolate",
    "failover.migrate",
    "failover.terminate",
    "failover.replace",
  ]);
});

it("says of the server that failed which one is started in its place", () => {
  const r = arena({ scaling: { minServers: 1 } });
  const { server } = r.must<Placement>(join("ann"));
  r.kill(server.id);
  r.run();
  const [told] = r.events.filter((event) => event.type === "failover" && event.step === "replace");
  const [next] = r.must<Server[]>(servers);
  expect(told).toMatchObject({ serverId: server.id, reason: `${next?.id} is started in its place` });
});

it("knows why each of a party is where they are", () => {
  const r = arena({ scaling: { minServers: 1 } });
  const { server } = r.must<Placement>(join("ann", { party: ["bob"] }));
  const all = r.must<Session[]>(sessions);
  expect(all).toHaveLength(2);
  for (const { id } of all)
    expect(r.must<DecisionRecord>({ type: "getDecision", id })).toMatchObject({ kind: "route", outcome: server.id });
});

it("says of a player who was moved off which server, and why, beside why there", () => {
  const r = arena({ scaling: { minServers: 2 } });
  const { server, session: ann } = r.must<Placement>(join("ann"));
  expect(r.must<DecisionRecord>({ type: "getDecision", id: ann.id }).reasons).toEqual([
    expect.stringMatching(/^pack: .* the highest score is taken$/),
  ]);
  r.must({ type: "terminateServer", serverId: server.id, drainSecs: 0, force: true, reason: "a bad disk" });
  r.run();
  expect(r.must<DecisionRecord>({ type: "getDecision", id: ann.id }).reasons).toEqual([
    `moved off ${server.id}: a bad disk`,
    expect.stringMatching(/^pack: /),
  ]);
});

it("takes the end of a server that an operator killed for no failure, also where its players find no place", () => {
  const r = arena({ scaling: { minServers: 1, maxServers: 1 } });
  const { server, session: ann } = r.must<Placement>(join("ann"));
  // The operator's stop is on its way while nothing new can be started.
  r.engine.refuse = "program missing";
  r.must({ type: "terminateServer", serverId: server.id, drainSecs: 0, force: true, reason: "a bad disk" });
  r.run();
  r.advance(1_000);
  expect(session(r, ann.id).state).toBe("migrating");
  expect(r.must<Server>({ type: "getServer", serverId: server.id })).toMatchObject({
    state: "terminated",
    reason: "a bad disk",
  });
  expect(r.eventTypes().filter((type) => type.startsWith("failover"))).toEqual([]);
  expect(r.must<DecisionRecord>({ type: "getDecision", id: server.id })).toMatchObject({
    kind: "stop",
    reasons: ["a bad disk", "1 players on it"],
  });
});

it("tells who finds no place that the session is lost", () => {
  const r = arena({ scaling: { minServers: 1, maxServers: 1 } });
  const { server, id } = annSits(r);
  r.engine.refuse = "program missing";
  r.kill(server.id);
  r.advance(61_000);
  expect(session(r, id)).toMatchObject({ state: "ended" });
  const told = r.events.filter((event) => "sessionId" in event && event.sessionId === id).map(({ type }) => type);
  expect(told.slice(-2)).toEqual(["session.lost", "session.ended"]);
});

it("moves nobody while a node is silent, and everybody once the engine says it is down", () => {
  const r = arena({ scaling: { minServers: 2 } }, ["n1", "n2"]);
  const { server, id, nodeId } = annSits(r);
  r.cut(nodeId);
  r.advance(20_000);
  expect(r.must<Server>({ type: "getServer", serverId: server.id }).state).toBe("suspect");
  // Whoever wants this very server is told that it passes, not that the server is not ready.
  const problem = (
    r.call({ type: "routePlayers", serverId: server.id, players: ["late"] }) as { problem?: { code: string } }
  ).problem;
  expect(problem?.code).toBe("unavailable");
  expect(session(r, id)).toMatchObject({ serverId: server.id, generation: 1 });
  expect(r.must<Placement>(join("bob")).server.id).not.toBe(server.id);
  r.give({ type: "engine", event: { type: "nodeDown", nodeId, reason: "lost" } });
  r.run();
  expect(session(r, id)).toMatchObject({ generation: 2 });
  // It was alive all the time: its old seats go, and so does it.
  r.connect(nodeId);
  r.run();
  expect(r.agent(nodeId).servers.get(server.id)).toBeUndefined();
  expect(session(r, id)).toMatchObject({ generation: 2, state: "reserved" });
});

it("believes a node's agent rather than an engine that cannot reach the node, until both are silent", () => {
  const r = arena({ scaling: { minServers: 2 } }, ["n1", "n2"]);
  const { server, id, nodeId } = annSits(r);
  r.give({ type: "engine", event: { type: "nodeDown", nodeId, unreachable: true, reason: "no heartbeat" } });
  r.run();
  expect(session(r, id)).toMatchObject({ serverId: server.id, generation: 1 });
  expect(r.must<Server>({ type: "getServer", serverId: server.id }).state).toBe("ready");
  r.cut(nodeId);
  r.advance(20_000);
  expect(session(r, id)).toMatchObject({ generation: 2 });
  expect(session(r, id).serverId).not.toBe(server.id);
});

it("moves nobody off a silent node that the engine reaches again", () => {
  const r = arena({ scaling: { minServers: 2 } }, ["n1", "n2"]);
  const { server, id, nodeId } = annSits(r);
  r.give({ type: "engine", event: { type: "nodeDown", nodeId, unreachable: true, reason: "no heartbeat" } });
  r.give({ type: "engine", event: { type: "nodeUp", nodeId } });
  r.cut(nodeId);
  r.advance(20_000);
  expect(session(r, id)).toMatchObject({ serverId: server.id, generation: 1 });
});

it("takes a silent node's servers back as they were", () => {
  const r = arena({ scaling: { minServers: 1 } });
  const { server, id } = annSits(r);
  r.cut("n1");
  r.agentOf(server.id).join(server.id, id, 1, r.nowMs);
  r.connect("n1");
  r.run();
  expect(session(r, id).state).toBe("active");
  expect(r.must<Server>({ type: "getServer", serverId: server.id }).state).toBe("ready");
  expect(r.must<Placement>(join("bob")).server.id).toBe(server.id);
});

it("carries a world's players over to the same world, with what it had saved", () => {
  const r = arena({ kind: "world", ports: { game: { protocol: "udp", static: 30000, tls: undefined } } });
  const { server, id } = annSits(r);
  r.agentOf(server.id).save(server.id, undefined, "the map", r.nowMs);
  r.agentOf(server.id).join(server.id, id, 1, r.nowMs);
  r.run().advance(30_000);
  r.kill(server.id);
  r.run();
  const after = session(r, id);
  expect(after).toMatchObject({ state: "reserved", generation: 2 });
  const next = r.agentOf(after.serverId ?? "").servers.get(after.serverId ?? "");
  expect(next?.expect.restore?.data).toBe("the map");
  expect(next?.expect.ports.game).toBe(30000);
  expect(r.must<Server[]>(servers)).toHaveLength(1);
});

it("takes a player's state along however often they are moved before they can come", () => {
  const r = arena({ scaling: { minServers: 3 } });
  const { server, id } = annSits(r);
  r.agentOf(server.id).join(server.id, id, 1, r.nowMs);
  r.agentOf(server.id).save(server.id, "ann", "score 7", r.nowMs);
  r.run();
  let at = server.id;
  for (const generation of [2, 3, 4]) {
    r.kill(at);
    r.run();
    const { serverId, ...moved } = session(r, id);
    expect(moved).toMatchObject({ state: "reserved", generation });
    at = serverId ?? "";
    expect(r.agentOf(at).servers.get(at)?.seats.get(id)?.restore?.data).toBe("score 7");
    r.advance(1_000);
  }
});

it("slows down where servers die young again and again", () => {
  const r = arena({ scaling: { minServers: 1, maxServers: 1 } });
  const deaths: number[] = [];
  for (let i = 0; i < 5; i++) {
    const [server] = r.must<Server[]>(servers);
    if (server) r.kill(server.id);
    deaths.push(r.nowMs);
    r.run();
    while (r.must<Server[]>(servers)[0]?.state !== "ready") r.advance(100);
  }
  const gaps = deaths.slice(1).map((at, i) => Math.round((at - (deaths[i] ?? 0)) / 1000));
  expect(gaps).toEqual([0, 1, 2, 4]);
});

it("does not take a match server's clean end for a failure", () => {
  const r = arena({ seats: "match", scaling: { minServers: 1 } });
  const { server, id } = annSits(r);
  r.engine.end(server.id, { exitCode: 0, signal: undefined, requested: false }, r.nowMs);
  r.agentOf(server.id).lose(server.id, "stream ended", r.nowMs);
  r.deliver("toCore n1");
  r.run();
  expect(session(r, id)).toMatchObject({ state: "ended", moves: 0 });
  expect(r.eventTypes().filter((type) => type.startsWith("failover"))).toEqual([]);
});

it("stops what its agent saw go while its process still runs", () => {
  const r = arena({ scaling: { minServers: 2 } });
  const { server, id } = annSits(r);
  r.agentOf(server.id).lose(server.id, "its SDK stream ended", r.nowMs);
  r.run();
  expect(r.engine.running(server.id)).toBe(false);
  expect(session(r, id).generation).toBe(2);
});
