import fc from "fast-check";
import type { AllocationRequest } from "./allocation";
import type { Command } from "./input";
import type { Placement, Server, Session } from "./resources";
import { arena, join, servers } from "./testing/ask";
import { crash, happened, nodeStates, on, playing } from "./testing/failing-node";
import { RegionDouble } from "./testing/region-double";
import { testExperience, testSettings } from "./testing/settings-double";

const NODES = ["n1", "n2", "n3", "n4"];

function region({
  nodes = NODES,
  perNode = 4,
  maxPlayers = 4,
  isolateSecs = 300,
  avoidsNodes = true,
} = {}): RegionDouble {
  const minServers = nodes.length * perNode;
  const experience = testExperience("arena", { maxPlayers, scaling: { minServers, maxServers: minServers * 2 } });
  const { health, ...settings } = testSettings([experience]);
  return new RegionDouble({ ...settings, health: { ...health, isolateSecs } }, nodes, { avoidsNodes }).start();
}
const sessionOf = (r: RegionDouble, { session }: Placement): Session =>
  r.must<Session>({ type: "getSession", sessionId: session.id });

/** Two players each on all sixteen servers, n1 among them. */
function busy(): { r: RegionDouble; players: Placement[] } {
  const r = arena(
    { maxPlayers: 4, scaling: { minServers: 16, maxServers: 32 }, routing: { strategy: "spread" } },
    NODES,
  );
  return { r, players: Array.from({ length: 32 }, (_, i) => playing(r, `p${String(i)}`)) };
}

it("isolates the node as one when three of its four servers fail together, and moves the players of the fourth", () => {
  const { r, players } = busy();
  const [a, b, c, d] = on(r, "n1").map(({ id }) => id) as [string, string, string, string];
  const onD = players.filter(({ server }) => server.id === d);
  expect(onD).toHaveLength(2);
  crash(r, [a, b, c]);
  expect(happened(r, "node.isolated")).toMatchObject([
    { reason: "3 of its servers are in trouble together", detail: { nodeId: "n1", inTrouble: [a, b, c] } },
  ]);
  expect(nodeStates(r)).toEqual(["n1 isolated", "n2 connected", "n3 connected", "n4 connected"]);
  r.advance(5000);
  // Each of its players has a seat on another node, and none of d's players was ever without one.
  expect(on(r, "n1").filter(({ id }) => [a, b, c, d].includes(id))).toEqual([]);
  for (const placed of players) {
    const { state, serverId } = sessionOf(r, placed);
    expect(["reserved", "active"]).toContain(state);
    expect(r.must<Server>({ type: "getServer", serverId: serverId ?? "" }).nodeId).not.toBe("n1");
  }
  expect(happened(r, "session.lost")).toEqual([]);
  // The fourth was no failure: it is told as an orderly end.
  expect(r.events.filter((event) => event.type === "failover" && event.serverId === d)).toEqual([]);
});

it("moves nobody off a server that still runs before there is a seat for them", () => {
  const r = arena({ maxPlayers: 2, scaling: { minServers: 8, maxServers: 8 } }, ["n1", "n2"]);
  const players = Array.from({ length: 16 }, (_, i) => playing(r, `p${String(i)}`));
  const [a, b, c, d] = on(r, "n1").map(({ id }) => id) as [string, string, string, string];
  r.autoReady = false;
  crash(r, [a, b, c]);
  expect(nodeStates(r)).toEqual(["n1 isolated", "n2 connected"]);
  r.advance(30_000);
  for (const placed of players.filter(({ server }) => server.id === d))
    expect(sessionOf(r, placed)).toMatchObject({ state: "active", serverId: d });
});

it("gives the node back once nothing has happened there for a while, later the second time", () => {
  const { r } = busy();
  crash(
    r,
    on(r, "n1")
      .slice(0, 3)
      .map(({ id }) => id),
  );
  r.advance(298_000);
  expect(nodeStates(r)[0]).toBe("n1 isolated");
  r.advance(2000);
  expect(happened(r, "node.restored")).toMatchObject([{ detail: { nodeId: "n1" } }]);
  expect(nodeStates(r)[0]).toBe("n1 connected");
  r.advance(61_000);
  for (let i = 0; on(r, "n1").length < 3 && i < 20; i++) {
    r.must({ type: "spawnServer", experienceId: "arena", waitReady: false });
    r.advance(1000);
  }
  crash(
    r,
    on(r, "n1").map(({ id }) => id),
  );
  expect(happened(r, "node.isolated")).toHaveLength(2);
  r.advance(598_000);
  expect(nodeStates(r)[0]).toBe("n1 isolated");
  r.advance(2000);
  expect(nodeStates(r)[0]).toBe("n1 connected");
});

it("gives it back at once when the engine says that the node is back", () => {
  const { r } = busy();
  crash(
    r,
    on(r, "n1")
      .slice(0, 3)
      .map(({ id }) => id),
  );
  r.give({ type: "engine", event: { type: "nodeUp", nodeId: "n1" } });
  expect(nodeStates(r)[0]).toBe("n1 connected");
});

/** n1 of three has lost three of its four servers; its engine would place every new one there. */
function favouring({ avoidsNodes = true, maxServers = 24 } = {}): {
  r: RegionDouble;
  players: Placement[];
  left: string;
} {
  const experience = testExperience("arena", {
    maxPlayers: 4,
    scaling: { minServers: 12, maxServers },
    routing: { strategy: "spread" },
  });
  const r = new RegionDouble(testSettings([experience]), ["n1", "n2", "n3"], { avoidsNodes }).start();
  const players = Array.from({ length: 24 }, (_, i) => playing(r, `p${String(i)}`));
  const [a, b, c, left] = on(r, "n1").map(({ id }) => id) as [string, string, string, string];
  r.engine.favourite = "n1";
  crash(r, [a, b, c]);
  expect(nodeStates(r)[0]).toBe("n1 isolated");
  return { r, players, left };
}
const nodeOf = (r: RegionDouble, placed: Placement): string | null =>
  r.must<Server>({ type: "getServer", serverId: sessionOf(r, placed).serverId ?? "" }).nodeId;

it("has new servers started elsewhere though the engine would choose the isolated node, and moves its players there at once", () => {
  const { r, players, left } = favouring();
  r.advance(10_000);
  expect(on(r, "n1")).toEqual([]);
  expect(r.must<Server[]>(servers).filter(({ state }) => state === "ready")).toHaveLength(12);
  expect(r.must<Server>({ type: "getServer", serverId: left }).state).toBe("terminated");
  expect(players.map((placed) => nodeOf(r, placed))).not.toContain("n1");
  r.must({ type: "spawnServer", experienceId: "arena", waitReady: false });
  r.advance(1000);
  expect(on(r, "n1")).toEqual([]);
  r.advance(300_000);
  expect(nodeStates(r)[0]).toBe("n1 connected");
  r.must({ type: "spawnServer", experienceId: "arena", waitReady: false });
  r.advance(1000);
  expect(on(r, "n1")).toHaveLength(1);
});

it("keeps what an engine that cannot avoid the node puts there, and uses it when no other seat is to be had", () => {
  const { r } = favouring({ avoidsNodes: false, maxServers: 12 });
  expect(happened(r, "node.isolated")).toMatchObject([
    { reason: expect.stringContaining("the engine cannot keep new servers off a node") },
  ]);
  r.advance(10_000);
  const there = on(r, "n1");
  expect(there.length).toBeGreaterThanOrEqual(3);
  expect(new Set(there.map(({ state }) => state))).toEqual(new Set(["ready"]));
  // Started once and left alone, not again and again.
  expect(happened(r, "server.spawned")).toHaveLength(16);
  for (const { id } of there)
    expect(r.events).toContainEqual(
      expect.objectContaining({
        type: "server.placed",
        serverId: id,
        reason: "on node n1, which is isolated: it gets players only where no other server has room",
      }),
    );
  const why = r.records.filter(({ outcome }) => outcome === "taken last");
  expect(new Set(why.map(({ subject }) => subject))).toEqual(new Set(there.map(({ id }) => id)));
  expect(why[0]?.reasons).toContain("the engine cannot keep new servers off a node");
  // The other eight have 32 seats; the 24 players and eight more sit there before anybody is sent to n1.
  const more = Array.from({ length: 9 }, (_, i) => playing(r, `q${String(i)}`));
  expect(more.slice(0, 8).map((placed) => nodeOf(r, placed))).not.toContain("n1");
  expect(nodeOf(r, more[8] as Placement)).toBe("n1");
});

it("moves the players of an isolated node as soon as there are seats elsewhere, not to others of the same node", () => {
  const { r, players, left } = favouring({ avoidsNodes: false, maxServers: 12 });
  const onLeft = players.filter(({ server }) => server.id === left);
  expect(onLeft).toHaveLength(2);
  r.advance(3000);
  expect(onLeft.map((placed) => nodeOf(r, placed))).not.toContain("n1");
});

const NONE = { counters: {}, lists: {} };
const allocation: AllocationRequest = {
  selectors: [
    {
      matchLabels: {},
      matchExpressions: [],
      state: "Ready",
      players: { minAvailable: 0, maxAvailable: 0 },
      ...NONE,
    },
  ],
  scheduling: "packed",
  priorities: [],
  labels: {},
  annotations: {},
  change: NONE,
};
describe.each<[string, (i: number) => Command]>([
  [
    "a match",
    (i) => ({
      type: "allocateMatch",
      experienceId: "arena",
      matchId: `m${String(i)}`,
      players: [{ playerId: `p${String(i)}`, latencies: {} }],
    }),
  ],
  ["an allocation, packed", () => ({ type: "allocateServer", request: allocation })],
  [
    "an allocation, distributed",
    () => ({ type: "allocateServer", request: { ...allocation, scheduling: "distributed" } }),
  ],
])("whole servers, for %s", (_, command) => {
  it("are those of an isolated node after all others", () => {
    const experience = testExperience("arena", {
      seats: "match",
      maxPlayers: 4,
      scaling: { minServers: 8, maxServers: 9 },
    });
    const r = new RegionDouble(testSettings([experience]), ["n1", "n2"], { avoidsNodes: false }).start();
    r.engine.favourite = "n1";
    crash(
      r,
      on(r, "n1")
        .slice(0, 3)
        .map(({ id }) => id),
    );
    // One more there than on n2: either way of scheduling would take n1 first.
    r.must({ type: "spawnServer", experienceId: "arena", waitReady: false });
    r.advance(10_000);
    expect(on(r, "n1").filter(({ state }) => state === "ready")).toHaveLength(5);
    const nodes = Array.from({ length: 5 }, (__, i) => {
      const answer = r.must<Server | { server: Server }>(command(i));
      return ("server" in answer ? answer.server : answer).nodeId;
    });
    expect(nodes).toEqual(["n2", "n2", "n2", "n2", "n1"]);
  });
});

it("lets players onto a world on an isolated node: there is no other", () => {
  const isle = testExperience("isle", { kind: "world", volumes: { world: "/data" }, maxPlayers: 4 });
  const matches = testExperience("arena", { maxPlayers: 4, scaling: { minServers: 7, maxServers: 14 } });
  const r = new RegionDouble(testSettings([isle, matches]), ["n1", "n2"]).start();
  const world = r.must<Server[]>(servers).find(({ experienceId }) => experienceId === "isle");
  const nodeId = world?.nodeId ?? "";
  crash(
    r,
    on(r, nodeId).flatMap(({ id }) => (id === world?.id ? [] : [id])),
  );
  expect(nodeStates(r)).toContain(`${nodeId} isolated`);
  const placed = r.must<Placement>({ type: "createSession", playerId: "p", experienceId: "isle" });
  expect(placed.server.id).toBe(world?.id);
});

it("lets a match be played to its end", () => {
  const r = arena({ seats: "match", maxPlayers: 4, scaling: { minServers: 8, maxServers: 16 } }, ["n1", "n2"]);
  const matches = Array.from({ length: 8 }, (_, i) =>
    r.must<{ server: Server }>({
      type: "allocateMatch",
      experienceId: "arena",
      matchId: `m${String(i)}`,
      players: [{ playerId: `p${String(i)}`, latencies: {} }],
    }),
  );
  const ids = on(r, "n1").map(({ id }) => id);
  const last = matches.find(({ server }) => server.id === ids[3]);
  crash(r, ids.slice(0, 3));
  r.advance(30_000);
  expect(nodeStates(r)[0]).toBe("n1 isolated");
  expect(r.must<Server>({ type: "getServer", serverId: ids[3] ?? "" }).matchId).toBe(last?.server.matchId);
  r.agentOf(ids[3] ?? "").endMatch(ids[3] ?? "", r.nowMs);
  r.advance(1000);
  expect(r.must<Server>({ type: "getServer", serverId: ids[3] ?? "" }).state).toBe("terminated");
});

it.each<[string, (r: RegionDouble) => void]>([
  [
    "two failures are not several",
    (r) =>
      crash(
        r,
        on(r, "n1")
          .slice(0, 2)
          .map(({ id }) => id),
      ),
  ],
  [
    "the other nodes fail as much",
    (r) =>
      crash(
        r,
        NODES.flatMap((node) =>
          on(r, node)
            .slice(0, 3)
            .map(({ id }) => id),
        ),
      ),
  ],
  [
    "they did not fail together",
    (r) => {
      for (const { id } of on(r, "n1").slice(0, 3)) {
        crash(r, [id]);
        r.advance(40_000);
      }
    },
  ],
])("isolates nothing where %s", (_, fail) => {
  const r = region();
  fail(r);
  expect(nodeStates(r).filter((text) => text.endsWith("isolated")).length).toBe(0);
});

it("never isolates the only node", () => {
  const r = region({ nodes: ["n1"] });
  crash(
    r,
    on(r, "n1").map(({ id }) => id),
  );
  expect(happened(r, "node.isolated")).toEqual([]);
});

it("whatever fails: at most a quarter of the nodes is isolated, nobody loses a seat of a server that runs, all come back", () => {
  const nodes = ["n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8"];
  const step = fc.record({
    node: fc.constantFrom(...nodes),
    servers: fc.integer({ min: 1, max: 4 }),
    how: fc.constantFrom("crash", "hang"),
    waitMs: fc.constantFrom(0, 500, 5000, 70_000),
    players: fc.nat(6),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 6 }), fc.boolean(), (steps, avoidsNodes) => {
      // Six times in a row, five seconds become 160.
      const r = region({ nodes, perNode: 3, maxPlayers: 3, isolateSecs: 5, avoidsNodes });
      // An engine that takes the emptiest node takes the one that has just lost its servers.
      r.engine.favourite = steps[0]?.node;
      const isolated = new Set<string>();
      r.watch = (decision) => {
        if (decision.type === "start") expect(new Set(decision.launch.avoidNodes)).toEqual(isolated);
        if (decision.type !== "event") return;
        const { event } = decision;
        if (event.type === "node.isolated") isolated.add(String(event.detail?.nodeId));
        if (event.type === "node.restored") isolated.delete(String(event.detail?.nodeId));
        if (event.type === "server.placed" && avoidsNodes) expect(event.reason).not.toContain("isolated");
      };
      let next = 0;
      for (const { node, servers: count, how, waitMs, players } of steps) {
        for (let i = 0; i < players; i++) r.must(join(`p${String(next++)}`, { deadlineMs: 600_000 }));
        for (const { id } of on(r, node).slice(0, count))
          if (how === "crash") r.agentOf(id).lose(id, "killed", r.nowMs);
          else r.agentOf(id).hang(id, r.nowMs);
        r.advance(1000);
        expect(nodeStates(r).filter((text) => text.endsWith("isolated")).length).toBeLessThanOrEqual(2);
        r.advance(waitMs);
      }
      r.advance(30_000);
      expect(happened(r, "session.lost")).toEqual([]);
      r.advance(400_000);
      expect(nodeStates(r).filter((text) => text.endsWith("isolated"))).toEqual([]);
      expect(r.must<Server[]>(servers).filter(({ state }) => state === "ready").length).toBeGreaterThanOrEqual(24);
    }),
    { numRuns: 25 },
  );
});
