import type { Placement, Server } from "./resources";
import { arena, join, servers } from "./testing/ask";
import { testExperience, testSettings } from "./testing/settings-double";

const NODES = ["n1", "n2", "n3"];
const OVER = {
  maxPlayers: 4,
  scaling: { minServers: 6, maxServers: 8 },
  ports: { game: { protocol: "tcp" as const, static: undefined, tls: undefined } },
};

function region(nodes: readonly string[] = NODES) {
  const r = arena(OVER, nodes);
  const { health, ...settings } = testSettings([testExperience("arena", OVER)]);
  r.setSettings({ ...settings, health: { ...health, reachIntervalSecs: 10, limitSecs: 30 } });
  r.advance(11_000);
  return r;
}
const on = (r: ReturnType<typeof region>, nodeId: string): string[] =>
  r.must<Server[]>(servers).flatMap((server) => (server.nodeId === nodeId ? [server.id] : []));
/** Nobody on another node reaches these any more. */
const cutOff = (r: ReturnType<typeof region>, serverIds: readonly string[]): void => {
  for (const agent of r.agents.values())
    for (const id of serverIds) if (!agent.servers.has(id)) agent.outOfReach.add(id);
};
const strained = (r: ReturnType<typeof region>): string[] =>
  r.events.flatMap((event) => (event.type === "server.strained" ? [event.serverId] : []));

it("gives no seats on a server that other nodes do not reach, and moves its players when that lasts", () => {
  const r = region();
  const { server, session } = r.must<Placement>(join("ann"));
  r.agentOf(server.id).join(server.id, session.id, 1, r.nowMs);
  r.run();
  cutOff(r, [server.id]);
  r.advance(20_000);
  expect(strained(r)).toEqual([server.id]);
  expect(r.must<Placement>(join("bob")).server.id).not.toBe(server.id);
  r.advance(31_000);
  expect(r.must<Server>({ type: "getServer", serverId: server.id }).state).toBe("terminated");
  expect(r.must<Placement["session"]>({ type: "getSession", sessionId: session.id })).toMatchObject({ generation: 2 });
});

it("has it back when it is reached again", () => {
  const r = region();
  const [id] = on(r, "n1") as [string];
  cutOff(r, [id]);
  r.advance(20_000);
  for (const agent of r.agents.values()) agent.outOfReach.clear();
  r.advance(60_000);
  expect(strained(r)).toEqual([id]);
  expect(r.must<Server>({ type: "getServer", serverId: id }).state).toBe("ready");
});

it("does not believe a node that reaches nobody: what is broken may be its own network", () => {
  const r = region();
  const elsewhere = r.must<Server[]>(servers).map(({ id }) => id);
  for (const id of elsewhere) r.agent("n1").outOfReach.add(id);
  r.advance(120_000);
  // Its first tries count until it has reached nobody for three intervals; two nodes that do better outweigh them.
  expect(r.must<Server[]>(servers).filter(({ state }) => state !== "ready")).toEqual([]);
});

it("does not believe the one other node of two, from the moment on that it reaches nobody", () => {
  const r = region(["n1", "n2"]);
  for (const id of on(r, "n1")) r.agent("n2").outOfReach.add(id);
  r.advance(120_000);
  expect(strained(r)).toEqual([]);
});

it("finds a whole node that the two others do not reach", () => {
  const r = region();
  cutOff(r, on(r, "n1"));
  r.advance(30_000);
  expect(strained(r).sort()).toEqual(on(r, "n1").sort());
});

it("finds the one server of two nodes that is out of reach", () => {
  const r = region(["n1", "n2"]);
  const [id] = on(r, "n1") as [string];
  cutOff(r, [id]);
  r.advance(30_000);
  expect(strained(r)).toEqual([id]);
});

it.each([
  ["of one node", ["n1"]],
  ["of agents that know no such request", NODES],
])("tries nothing in a region %s", (_, nodes) => {
  const r = arena(OVER, nodes);
  if (nodes.length > 1)
    for (const [nodeId, agent] of r.agents) {
      const { can: _can, ...hello } = agent.hello();
      r.give({ type: "agent", nodeId, message: hello });
    }
  const { health, ...settings } = testSettings([testExperience("arena", OVER)]);
  r.setSettings({ ...settings, health: { ...health, reachIntervalSecs: 1 } });
  const kinds: string[] = [];
  r.watch = (decision) => void (decision.type === "send" && kinds.push(decision.body.kind));
  r.advance(10_000);
  expect(kinds).not.toContain("reach");
});
