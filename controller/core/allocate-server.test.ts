import { PROTOCOL_VERSION } from "../../protocol/versions";
import fc from "fast-check";
import { FLEET_LABEL, LAST_ALLOCATED, type AllocationRequest, type AllocationSelector } from "./allocation";
import type { Command } from "./input";
import { arena, code, servers } from "./testing/ask";
import type { RegionDouble } from "./testing/region-double";
import type { Server } from "./resources";

const any: AllocationSelector = {
  matchLabels: {},
  matchExpressions: [],
  state: "Ready",
  players: { minAvailable: 0, maxAvailable: 0 },
  counters: {},
  lists: {},
};
const request = (over: Partial<AllocationRequest> = {}): AllocationRequest => ({
  selectors: [any],
  scheduling: "packed",
  priorities: [],
  labels: {},
  annotations: {},
  change: { counters: {}, lists: {} },
  ...over,
});
const allocate = (over: Partial<AllocationRequest> = {}): Command => ({
  type: "allocateServer",
  request: request(over),
});
const select = (over: Partial<AllocationSelector>): Command => allocate({ selectors: [{ ...any, ...over }] });
const fleet = (over: Parameters<typeof arena>[0] = {}, nodes?: readonly string[]): RegionDouble =>
  arena({ seats: "match", maxPlayers: 2, scaling: { minServers: 4, maxServers: 4 }, ...over }, nodes);
const stateOf = (r: RegionDouble, serverId: string): string => r.must<Server>({ type: "getServer", serverId }).state;

it("claims a whole server for nobody in particular, until it says Ready again", () => {
  const r = fleet();
  const server = r.must<Server>(allocate({ labels: { mode: "duel" }, annotations: { match: "4711" } }));
  expect(server).toMatchObject({
    state: "allocated",
    players: 0,
    labels: { mode: "duel" },
    annotations: { match: "4711" },
  });
  expect(Date.parse(server.annotations[LAST_ALLOCATED] ?? "")).toBe(r.nowMs);
  expect(r.agentOf(server.id).servers.get(server.id)?.claim).toBe(server.matchId);
  r.advance(120_000);
  expect(stateOf(r, server.id)).toBe("allocated");
  r.agentOf(server.id).endMatch(server.id, r.nowMs);
  r.run();
  expect(stateOf(r, server.id)).toBe("ready");
});

it("gives no server twice to calls that come at once, and says when there is none left", () => {
  const r = fleet();
  const asked = Array.from({ length: 5 }, () => r.ask(allocate()));
  r.run();
  const replies = asked.map((id) => r.reply(id));
  const given = replies.flatMap((reply) => (reply.ok ? [(reply.value as Server).id] : []));
  expect(new Set(given).size).toBe(4);
  expect(replies.map(code).sort()).toEqual(["noCapacity", "ok", "ok", "ok", "ok"]);
});

it("knows a fleet by its label, and every operator of Kubernetes' selectors", () => {
  const r = fleet();
  const [ice, sand] = r.must<readonly Server[]>(servers).map(({ id }) => id);
  r.must({ type: "labelServer", serverId: ice ?? "", labels: { map: "ice" } });
  r.must({ type: "labelServer", serverId: sand ?? "", labels: { map: "sand" } });
  const got = (over: Partial<AllocationSelector>): string => {
    const reply = r.call(select(over));
    return reply.ok ? (reply.value as Server).id : reply.problem.code;
  };
  expect(got({ matchLabels: { [FLEET_LABEL]: "nowhere" } })).toBe("noCapacity");
  expect(got({ matchLabels: { [FLEET_LABEL]: "arena", map: "ice" } })).toBe(ice);
  expect(got({ matchExpressions: [{ key: "map", operator: "In", values: ["lava", "sand"] }] })).toBe(sand);
  expect(got({ matchExpressions: [{ key: "map", operator: "Exists" }] })).toBe("noCapacity");
  const notIce = [{ key: "map", operator: "NotIn", values: ["ice"] } as const];
  expect([got({ matchExpressions: notIce }), got({ matchExpressions: notIce })]).not.toContain("noCapacity");
  expect(got({ matchExpressions: [{ key: "map", operator: "DoesNotExist" }] })).toBe("noCapacity");
});

it("packs: fills the node that has most allocated servers; distributed takes the emptiest", () => {
  const nodesOf = (scheduling: "packed" | "distributed"): (string | null)[] => {
    const r = fleet({}, ["n1", "n2"]);
    return [1, 2, 3, 4].map(() => r.must<Server>(allocate({ scheduling })).nodeId);
  };
  const packed = nodesOf("packed");
  expect(packed[0]).toBe(packed[1]);
  expect(packed[2]).toBe(packed[3]);
  expect(new Set(packed).size).toBe(2);
  const [first, second] = nodesOf("distributed");
  expect(first).not.toBe(second);
});

describe("counters and lists", () => {
  const counting = (): RegionDouble =>
    fleet({ counters: { rooms: { count: 0, capacity: 2 } }, lists: { teams: { capacity: 2, values: ["red"] } } });
  const change = {
    counters: { rooms: { action: "Increment", amount: 1 } },
    lists: { teams: { addValues: ["blue", "red"] } },
  } as const;
  const room = { counters: { rooms: { minCount: 0, maxCount: 0, minAvailable: 1, maxAvailable: 0 } } };

  it("are changed with the claim and told in the answer", () => {
    const { counters, lists } = counting().must<Server>(allocate({ change }));
    expect({ counters, lists }).toEqual({
      counters: { rooms: { count: 1, capacity: 2 } },
      lists: { teams: { capacity: 2, values: ["red", "blue"] } },
    });
  });

  it("let a server be shared: an allocated one with a room first, else a free one, and no room is given twice", () => {
    const r = counting();
    const shared = allocate({
      change,
      selectors: [
        { ...any, ...room, state: "Allocated" },
        { ...any, ...room },
      ],
    });
    const asked = Array.from({ length: 9 }, () => r.ask(shared));
    r.run();
    const replies = asked.map((id) => r.reply(id));
    const rooms = new Map<string, number>();
    for (const reply of replies)
      if (reply.ok) rooms.set((reply.value as Server).id, (rooms.get((reply.value as Server).id) ?? 0) + 1);
    expect([...rooms.values()]).toEqual([2, 2, 2, 2]);
    expect(replies.filter((reply) => !reply.ok).map(code)).toEqual(["noCapacity"]);
  });

  it("order servers: the one with least left first, or most", () => {
    const r = counting();
    const ids = r.must<readonly Server[]>(servers).map(({ id }) => id);
    ids.forEach((id, i) => {
      const counters = { rooms: { count: i % 3, capacity: 2 } };
      r.agentOf(id).say(id, { kind: "counts", counters, lists: {}, tracked: undefined }, r.nowMs);
    });
    r.run();
    const by = (order: "Ascending" | "Descending"): Command =>
      allocate({ priorities: [{ type: "Counter", key: "rooms", order }], scheduling: "distributed" });
    expect(r.must<Server>(by("Ascending")).id).toBe(ids[2]);
    expect(r.must<Server>(by("Descending")).id).toBe(ids[0]);
  });
});

it("asks for free seats only where a maximum is named, as Agones does", () => {
  const r = fleet();
  expect(code(r.call(select({ players: { minAvailable: 3, maxAvailable: 0 } })))).toBe("ok");
  expect(code(r.call(select({ players: { minAvailable: 3, maxAvailable: 9 } })))).toBe("noCapacity");
  expect(code(r.call(select({ players: { minAvailable: 1, maxAvailable: 9 } })))).toBe("ok");
});

it("does not touch servers that players are on, worlds, or a region being drained", () => {
  const r = fleet({ seats: "reported", maxPlayers: 8, scaling: { minServers: 1, maxServers: 1 } });
  r.must({ type: "createSession", playerId: "ann", experienceId: "arena" });
  expect(code(r.call(allocate()))).toBe("noCapacity");
  expect(code(fleet({ kind: "world" }).call(allocate()))).toBe("noCapacity");
  const drained = fleet();
  drained.must({ type: "drainRegion", on: true });
  expect(code(drained.call(allocate()))).toBe("unavailable");
});

it("refuses what is too long to carry, and takes no server for it", () => {
  const r = fleet();
  expect(code(r.call(allocate({ annotations: { much: "x".repeat(40_000) } })))).toBe("invalid");
  expect(r.must<readonly Server[]>(servers).every(({ state }) => state === "ready")).toBe(true);
});

it("asks another server where an agent does not answer, and ends the one that it may have claimed for nobody", () => {
  const r = fleet({}, ["n1", "n2"]);
  const asked = r.ask(allocate());
  const [lost] = [...r.links].filter(([, link]) => link.toAgent.some(({ body }) => body.kind === "allocate"));
  const nodeId = lost?.[0] ?? "";
  const claimed = r.link(nodeId).toAgent.find(({ body }) => body.kind === "allocate");
  if (claimed) r.agent(nodeId).request(claimed, r.nowMs);
  r.cut(nodeId);
  r.run();
  const server = (r.reply(asked) as { value: Server }).value;
  expect(server.nodeId).not.toBe(nodeId);
  r.connect(nodeId);
  r.advance(5000);
  const all = r.must<readonly Server[]>(servers).filter(({ state }) => state === "allocated");
  expect(all.map(({ id }) => id)).toEqual([server.id]);
});

it("is known again after a restart of the controller, and its server lives on", () => {
  const r = fleet();
  const { id, matchId } = r.must<Server>(allocate());
  r.restart();
  r.advance(6000);
  expect(r.must<Server>({ type: "getServer", serverId: id })).toMatchObject({ state: "allocated", matchId });
});

it("whoever waits when the lead is lost is told", () => {
  const r = fleet();
  const asked = r.ask(allocate());
  r.give({ type: "leadership", leader: false, epoch: r.epoch });
  expect(code(r.reply(asked))).toBe("notLeader");
});

it("never gives a server twice, whatever is asked in what order", () => {
  const scheduling = fc.constantFrom<"packed" | "distributed">("packed", "distributed");
  const step = fc.oneof(
    fc.record({ do: fc.constant("ask" as const), scheduling }),
    fc.record({ do: fc.constant("end" as const) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const r = fleet({}, ["n1", "n2"]);
      const held = new Set<string>();
      for (const next of steps) {
        if (next.do === "end") {
          const [id] = held;
          if (id === undefined) continue;
          held.delete(id);
          r.agentOf(id).endMatch(id, r.nowMs);
          r.run();
          continue;
        }
        const reply = r.call(allocate({ scheduling: next.scheduling }));
        if (!reply.ok) {
          expect(held.size).toBe(4);
          continue;
        }
        const { id } = reply.value as Server;
        expect(held.has(id)).toBe(false);
        held.add(id);
      }
    }),
    { numRuns: 50 },
  );
});

describe("with agents of the version before allocations", () => {
  const NODES = ["node-1", "node-2"] as const;
  const older = (r: RegionDouble, ...nodeIds: readonly string[]): RegionDouble => {
    for (const nodeId of nodeIds) {
      const agent = r.agents.get(nodeId);
      if (!agent) throw new Error(`there is no ${nodeId}`);
      agent.newest = 1;
      r.cut(nodeId);
      r.connect(nodeId);
    }
    r.advance(5_000);
    return r;
  };

  it("takes servers of the newer ones' nodes, and says what to do where only the others have one", () => {
    const r = older(fleet({}, NODES), "node-1");
    const onNewer = r.must<readonly Server[]>(servers).filter(({ nodeId }) => nodeId === "node-2").length;
    expect(onNewer).toBeGreaterThan(0);
    for (let n = 0; n < onNewer; n++) expect(r.must<Server>(allocate()).nodeId).toBe("node-2");
    const refused = r.reply(ask(r, allocate()));
    expect(code(refused)).toBe("noCapacity");
    expect(refused).toMatchObject({ problem: { detail: expect.stringMatching(/node-1.*upgrade the agents/) } });
  });

  it("asks them nothing that would end their stream, and takes their servers once they are upgraded", () => {
    const r = older(fleet({}, ["node-1"]), "node-1");
    expect(code(r.reply(ask(r, allocate())))).toBe("noCapacity");
    expect(r.must<readonly Server[]>(servers).every(({ state }) => state === "ready")).toBe(true);
    const agent = r.agents.get("node-1");
    if (agent) agent.newest = PROTOCOL_VERSION;
    r.cut("node-1");
    r.connect("node-1");
    r.advance(5_000);
    expect(r.must<Server>(allocate()).nodeId).toBe("node-1");
  });
});

function ask(r: RegionDouble, command: Command): number {
  const id = r.ask(command);
  r.run();
  return id;
}

it("shares a server that allocated itself, and claims none such", () => {
  const r = fleet({ sdk: "agones", scaling: { minServers: 1, maxServers: 1 } });
  const [server] = r.must<Server[]>(servers);
  const id = server?.id ?? "";
  r.agentOf(id).allocateItself(id, r.nowMs);
  r.run();
  expect(code(r.call(allocate()))).toBe("noCapacity");
  expect(r.must<Server>(select({ state: "Allocated" }))).toMatchObject({ id, state: "allocated" });
});
