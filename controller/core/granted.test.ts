import type { MatchAllocation, Placement, Server, Session } from "./resources";
import { arena, code, join, servers, sessions } from "./testing/ask";
import type { RegionDouble } from "./testing/region-double";

/** What a controller that does not lead hears of the seats that the leader is given, and what it makes of it. */

/** Two nodes with a server each, and a controller that has stopped leading; another leads. */
function standby(over: Parameters<typeof arena>[0] = {}): RegionDouble {
  const r = arena({ scaling: { minServers: 2, maxServers: 2 }, ...over }, ["n1", "n2"]);
  r.give({ type: "leadership", leader: false, epoch: r.epoch });
  return r;
}

const known = (r: RegionDouble): string[] =>
  r.must<Session[]>(sessions).map(({ playerId, state, generation }) => `${playerId} ${state} ${String(generation)}`);

/** The node is lost with all on it, so that its agent never tells its seats again. */
function loseNode(r: RegionDouble, nodeId: string): void {
  r.cut(nodeId);
  for (const server of r.engine.list())
    if (server.nodeId === nodeId)
      r.engine.end(server.serverId, { exitCode: undefined, signal: "SIGKILL", requested: false }, r.nowMs);
  r.give({ type: "engine", event: { type: "nodeDown", nodeId, reason: "lost" } });
}

it("moves a player who came to another leader's server when it leads after that leader and the node are lost together", () => {
  const r = standby();
  r.usurp([join("ann", { party: ["bob"] })]);
  r.run();
  expect(known(r)).toEqual(["ann reserved 1", "bob reserved 1"]);
  const [ann, bob] = r.must<Session[]>(sessions);
  const lost = r.must<Server[]>(servers).find(({ id }) => id === ann?.serverId);
  loseNode(r, lost?.nodeId ?? "");
  r.lead();
  r.give({ type: "engineList", servers: r.engine.list() });
  r.run().advance(6000);
  for (const session of [ann, bob]) {
    const found = r.must<Session>({ type: "getSession", sessionId: session?.id ?? "" });
    expect(found).toMatchObject({ state: "reserved", generation: 2 });
    expect(found.serverId).not.toBe(lost?.id);
  }
  expect(r.must<Placement>(join("ann"))).toMatchObject({ existing: true, session: { id: ann?.id } });
});

it("only learns: what it hears, it asks nothing and tells nothing of", () => {
  const r = standby();
  const decided: string[] = [];
  r.watch = ({ type }) => decided.push(type);
  r.usurp([join("ann")]);
  r.run();
  expect(known(r)).toEqual(["ann reserved 1"]);
  expect(decided.filter((type) => type !== "reply" && type !== "wake")).toEqual([]);
});

it("knows of a player's seat with the higher generation, in whichever order two nodes tell of it", () => {
  for (const first of ["n1", "n2"]) {
    const r = standby();
    r.usurp([join("ann")]);
    r.run();
    const [ann] = r.must<Session[]>(sessions);
    const from = ann?.serverId ?? "";
    const there = r.must<Server[]>(servers).find(({ id }) => id !== from);
    r.usurp([{ type: "terminateServer", serverId: from, drainSecs: 0, force: false, reason: "a test" }]);
    while (r.deliver(`toCore ${first}`));
    r.run();
    const [moved, ...others] = r.must<Session[]>(sessions).filter(({ state }) => state !== "ended");
    expect(others).toEqual([]);
    expect(moved).toMatchObject({ id: ann?.id, serverId: there?.id, generation: 2 });
  }
});

it("knows the match of a server that another leader claimed, and gives it to nobody else", () => {
  const r = standby({ seats: "match", maxPlayers: 2 });
  const match = (matchId: string, playerId: string) =>
    ({ type: "allocateMatch", experienceId: "arena", matchId, players: [{ playerId }] }) as const;
  r.usurp([match("m1", "ann")]);
  r.run();
  const claimed = r.must<Server[]>(servers).filter(({ state }) => state === "allocated");
  expect(claimed).toMatchObject([{ matchId: "m1", players: 1 }]);
  r.lead();
  r.give({ type: "engineList", servers: r.engine.list() });
  r.run();
  expect(r.must<MatchAllocation>(match("m1", "ann")).server.id).toBe(claimed[0]?.id);
  expect(r.must<MatchAllocation>(match("m2", "bob")).server.id).not.toBe(claimed[0]?.id);
});

it("steps down where it still believes that it leads, and knows the seat all the same", () => {
  const r = arena({ scaling: { minServers: 2, maxServers: 2 } }, ["n1", "n2"]);
  r.usurp([join("ann")]);
  r.run();
  expect(r.steppedDown).toBe(1);
  expect(known(r)).toEqual(["ann reserved 1"]);
});

it("steps down by the snapshot of an agent that follows another, and calls nobody's session ended whose seat that one gave back", () => {
  const r = arena();
  const { session, server } = r.must<Placement>(join("ann"));
  const sessionId = session.id;
  const follows = r.ask({ type: "followSession", sessionId, afterGeneration: 1, untilMs: r.nowMs + 60_000 });
  r.usurp([{ type: "endSession", sessionId, reason: "a test" }]);
  const agent = r.agentOf(server.id);
  r.give({ type: "agent", nodeId: agent.nodeId, message: agent.snapshot() });
  r.run();
  expect(code(r.reply(follows))).toBe("notLeader");
  expect(r.steppedDown).toBe(1);
});

it("does nothing about what was given to a leader before it, where it has heard the whole of it by a snapshot", () => {
  const r = standby();
  r.usurp([join("ann")]);
  const told = r.agent("n1").events.concat(r.agent("n2").events);
  r.connect("n1");
  r.connect("n2");
  r.lead();
  r.give({ type: "engineList", servers: r.engine.list() });
  r.run();
  expect(known(r)).toEqual(["ann reserved 1"]);
  const [ann] = r.must<Session[]>(sessions);
  r.must({ type: "endSession", sessionId: ann?.id ?? "", reason: "left" });
  const decided: string[] = [];
  r.watch = ({ type }) => decided.push(type);
  for (const event of told) {
    const { nodeId } = r.agentOf(event.serverId);
    r.give({ type: "agent", nodeId, message: { type: "report", events: [event] } });
  }
  expect(told).toHaveLength(1);
  expect(decided).toEqual([]);
});

it("keeps nobody on a server that was lost once the leader has settled it, and so forgets the server", () => {
  const r = standby();
  r.usurp([join("ann")]);
  r.run();
  const [ann] = r.must<Session[]>(sessions);
  const serverId = ann?.serverId ?? "";
  const agent = r.agentOf(serverId);
  r.kill(serverId);
  r.run().advance(120_000);
  expect(r.core.counts()).toMatchObject({ servers: 2, sessions: 1 });
  agent.say(serverId, { kind: "left", sessionId: ann?.id ?? "", generation: 1, reason: "released" }, r.nowMs);
  r.run().advance(120_000);
  expect(r.core.counts()).toMatchObject({ servers: 1, sessions: 0 });
});
