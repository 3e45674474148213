import type { Placement, Server, Session } from "./resources";
import { arena, join, servers, sessions } from "./testing/ask";
import { playing } from "./testing/failing-node";
import type { RegionDouble } from "./testing/region-double";
import { testExperience, testSettings } from "./testing/settings-double";

// What a controller hears while it cannot decide may be over by the time it can.

const one = { scaling: { minServers: 1, maxServers: 1 } };

function standBy(r: RegionDouble): void {
  r.give({ type: "leadership", leader: false, epoch: r.epoch });
}

function leadAgain(r: RegionDouble): void {
  r.lead();
  r.give({ type: "engineList", servers: r.engine.list() });
  r.run().advance(10_000);
}

function nodeEvent(r: RegionDouble, type: "nodeDown" | "nodeUp"): void {
  const down = { type: "nodeDown", nodeId: "n1", unreachable: true, reason: "no heartbeat" } as const;
  r.give({ type: "engine", event: type === "nodeDown" ? down : { type, nodeId: "n1" } });
}

/** The player has stayed where they were, and their server was not touched. */
function expectUntouched(r: RegionDouble, { server, session }: Placement): void {
  expect(r.stops).toEqual([]);
  expect(r.eventTypes()).not.toContain("failover.detect");
  expect(r.must<Session[]>(sessions)).toMatchObject([
    { id: session.id, serverId: server.id, state: "active", generation: 1 },
  ]);
}

it("keeps players where a standby alone did not hear their node, and the engine had lost it for a while", () => {
  const r = arena(one);
  const ann = playing(r, "ann");
  standBy(r);
  nodeEvent(r, "nodeDown");
  r.cut("n1");
  r.advance(5000);
  nodeEvent(r, "nodeUp");
  r.connect("n1");
  r.run();
  leadAgain(r);
  expectUntouched(r, ann);
});

it("the same where the engine has not found the node again, but its agent is there", () => {
  const r = arena(one);
  const ann = playing(r, "ann");
  standBy(r);
  r.cut("n1");
  nodeEvent(r, "nodeDown");
  r.connect("n1");
  r.run();
  leadAgain(r);
  expectUntouched(r, ann);
});

it("the same where the engine has the node back before its agent is heard", () => {
  const r = arena(one);
  const ann = playing(r, "ann");
  standBy(r);
  r.cut("n1");
  nodeEvent(r, "nodeDown");
  nodeEvent(r, "nodeUp");
  leadAgain(r);
  expect(r.must<Server[]>(servers)).toMatchObject([{ id: ann.server.id, state: "suspect" }]);
  r.connect("n1");
  r.run();
  expectUntouched(r, ann);
});

it("keeps players where a controller starts while the engine's own program on their node is away", () => {
  const r = arena(one);
  const ann = playing(r, "ann");
  r.restart();
  // The list is followed by what is out of reach; the agent dials a moment later.
  nodeEvent(r, "nodeDown");
  r.run().advance(10_000);
  expectUntouched(r, ann);
});

it("gives a node up that is down and whose agent stays away", () => {
  const r = arena(one, ["n1", "n2"]);
  const { server, session } = playing(r, "ann");
  const node = r.agentOf(server.id).nodeId;
  const other = node === "n1" ? "n2" : "n1";
  standBy(r);
  r.cut(node);
  r.give({ type: "engine", event: { type: "nodeDown", nodeId: node, unreachable: true, reason: "no heartbeat" } });
  r.engine.favourite = other;
  leadAgain(r);
  expect(r.must<Session[]>(sessions)).toMatchObject([{ id: session.id, state: "reserved", generation: 2 }]);
});

it("keeps players of a server that hung for a while when nobody led, and hangs no more", () => {
  const r = arena(one);
  const ann = playing(r, "ann");
  const agent = r.agentOf(ann.server.id);
  standBy(r);
  agent.hang(ann.server.id, r.nowMs);
  r.run().advance(1000);
  agent.recover(ann.server.id, r.nowMs);
  r.run();
  leadAgain(r);
  expectUntouched(r, ann);
});

it("the same where its agent says so only when it is back", () => {
  const r = arena(one);
  const ann = playing(r, "ann");
  const agent = r.agentOf(ann.server.id);
  standBy(r);
  agent.hang(ann.server.id, r.nowMs);
  r.run();
  r.cut("n1");
  agent.recover(ann.server.id, r.nowMs);
  r.connect("n1");
  r.run();
  leadAgain(r);
  expectUntouched(r, ann);
});

it("gives up one that hangs still", () => {
  const r = arena(one);
  const { server } = r.must<Placement>(join("ann"));
  standBy(r);
  r.agentOf(server.id).hang(server.id, r.nowMs);
  r.run();
  leadAgain(r);
  expect(r.stops).toMatchObject([{ serverId: server.id, reason: "unhealthy: no heartbeat" }]);
});

it("keeps players of a server that was over a limit for long when nobody led, and is well again", () => {
  const settings = testSettings([testExperience("arena", one)]);
  const r = arena(one);
  r.setSettings({ ...settings, health: { ...settings.health, maxMemory: 0.9, limitSecs: 30, healthyThreshold: 2 } });
  const ann = playing(r, "ann");
  const stats = (share: number): void => {
    const memoryBytes = share * 256 * 1_048_576;
    const told = { cpu: 0, memoryBytes, players: 1, responseMs: undefined, errorRate: undefined, atMs: r.nowMs };
    r.agentOf(ann.server.id).say(ann.server.id, { kind: "stats", stats: told }, r.nowMs);
    r.run();
  };
  standBy(r);
  for (let at = 0; at < 20; at++) {
    stats(0.95);
    r.advance(2000);
  }
  for (let at = 0; at < 2; at++) stats(0.5);
  leadAgain(r);
  expectUntouched(r, ann);
});
