import type { FollowResult } from "./decision";
import type { MatchAllocation, Placement, Session } from "./resources";
import { arena, join, sessions } from "./testing/ask";
import { playing } from "./testing/failing-node";
import type { RegionDouble } from "./testing/region-double";
import type { UnheardNode } from "./unheard-nodes";

const two = { scaling: { minServers: 2, maxServers: 2 } };
const tell = (r: RegionDouble): UnheardNode[] => r.must<UnheardNode[]>({ type: "tellUnheard" });

/** Another controller, started since, leads, and the node is not heard by it either. */
function replaced(r: RegionDouble, nodeId: string, told: readonly UnheardNode[]): void {
  r.restart();
  r.cut(nodeId, false);
  r.give({ type: "unheard", nodes: told });
  r.run().advance(6000);
}

function lose(r: RegionDouble, nodeId: string): void {
  r.give({ type: "engine", event: { type: "nodeDown", nodeId, unreachable: true, reason: "no heartbeat" } });
  r.run().advance(2000);
}

it("moves players of a node that only controllers before it had heard, with what was saved of them", () => {
  const r = arena(two, ["n1", "n2"]);
  const { server, session } = playing(r, "ann", { party: ["ann", "ben"] });
  const { nodeId } = r.agentOf(server.id);
  r.agentOf(server.id).save(server.id, "ann", "level 7", r.nowMs);
  r.run();
  r.cut(nodeId);
  const told = tell(r);
  expect(told).toMatchObject([{ nodeId, heardMs: r.nowMs, servers: [{ serverId: server.id }] }]);
  // Twice, as in an upgrade that replaces one after the other.
  replaced(r, nodeId, told);
  const again = tell(r);
  expect(again.map(({ servers }) => servers)).toEqual(told.map(({ servers }) => servers));
  replaced(r, nodeId, again);
  expect(r.must<Session[]>(sessions)).toMatchObject([{ serverId: server.id }, { serverId: server.id }]);
  lose(r, nodeId);
  const [ann, ben] = r.must<Session[]>(sessions);
  expect([ann?.serverId, ben?.serverId]).toEqual([ann?.serverId, ann?.serverId]);
  expect(ann).toMatchObject({ id: session.id, generation: 2, state: "reserved", party: ["ann", "ben"] });
  expect(ann?.serverId).not.toBe(server.id);
  expect(ann?.restoredAgeMs).toBeGreaterThan(0);
  const follow = { type: "followSession", sessionId: session.id, afterGeneration: 1, untilMs: r.nowMs } as const;
  expect(r.must<FollowResult>(follow).ticket).not.toBeNull();
});

it("knows the match that has a server there", () => {
  const r = arena({ ...two, seats: "match" }, ["n1", "n2"]);
  const match = {
    type: "allocateMatch",
    experienceId: "arena",
    matchId: "m1",
    players: [{ playerId: "ann" }],
  } as const;
  const { server } = r.must<MatchAllocation>(match);
  const { nodeId } = r.agentOf(server.id);
  r.cut(nodeId);
  replaced(r, nodeId, tell(r));
  expect(r.call(match)).toMatchObject({ ok: false, problem: { code: "unavailable", info: { serverId: server.id } } });
});

it("tells of no node that is heard, that is given up, or where nobody is", () => {
  const r = arena(two, ["n1", "n2"]);
  const { server } = playing(r, "ann");
  const { nodeId } = r.agentOf(server.id);
  expect(tell(r)).toEqual([]);
  r.cut(nodeId === "n1" ? "n2" : "n1");
  expect(tell(r)).toEqual([]);
  r.cut(nodeId);
  r.advance(4000);
  expect(tell(r)).toHaveLength(1);
  lose(r, nodeId);
  expect(tell(r)).toEqual([]);
});

it("believes who hears the node itself, or has heard it later", () => {
  const r = arena(two, ["n1", "n2"]);
  const { server, session } = playing(r, "ann");
  const { nodeId } = r.agentOf(server.id);
  r.cut(nodeId);
  const told = tell(r);
  r.connect(nodeId);
  r.run().must({ type: "endSession", sessionId: session.id, reason: "left" });
  r.give({ type: "leadership", leader: false, epoch: r.epoch });
  const known = (): Session[] => r.must<Session[]>(sessions);
  r.give({ type: "unheard", nodes: told });
  expect(known()).toEqual([]);
  r.cut(nodeId);
  r.give({ type: "unheard", nodes: told });
  expect(known()).toEqual([]);
});

it("does not take back a player who has gone on to another node", () => {
  const r = arena(two, ["n1", "n2"]);
  const { server, session } = playing(r, "ann");
  const { nodeId } = r.agentOf(server.id);
  r.cut(nodeId);
  const told = tell(r);
  lose(r, nodeId);
  r.advance(4000);
  const moved = r.must<Session>({ type: "getSession", sessionId: session.id });
  expect(moved.generation).toBe(2);
  r.restart();
  r.cut(nodeId, false);
  r.run();
  r.give({ type: "unheard", nodes: told });
  r.advance(6000);
  expect(r.must<Session[]>(sessions)).toMatchObject([{ id: session.id, serverId: moved.serverId, generation: 2 }]);
});

it("keeps what it is told of a server that the engine has not told of yet", () => {
  const r = arena(two, ["n1", "n2"]);
  const { server, session } = r.must<Placement>(join("ann"));
  const { nodeId } = r.agentOf(server.id);
  r.cut(nodeId);
  const told = tell(r);
  const list = r.engine.list();
  const fresh = arena(two, ["n1", "n2"]);
  fresh.restart();
  for (const id of ["n1", "n2"]) fresh.cut(id, false);
  fresh.give({ type: "leadership", leader: false, epoch: 0 });
  fresh.give({ type: "unheard", nodes: told });
  fresh.give({ type: "engineList", servers: list });
  expect(fresh.must<Session[]>(sessions)).toMatchObject([{ id: session.id, serverId: server.id }]);
});
