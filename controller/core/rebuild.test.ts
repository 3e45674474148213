import { arena, code, join, servers, sessions } from "./testing/ask";
import type { AgentDouble } from "./testing/agent-double";
import { RegionDouble } from "./testing/region-double";
import { testExperience, testSettings } from "./testing/settings-double";
import type { Waiting } from "./decision";
import type { MatchAllocation, Placement, QueueEntry, Server, Session } from "./resources";

it("a new controller knows servers and seats again, and starts nothing twice", () => {
  const r = arena({ mods: ["fog"], scaling: { minServers: 2 } });
  r.must({ type: "spawnServer", experienceId: "arena", waitReady: true, maxPlayers: 2, labels: { map: "ice" } });
  const placed = r.must<Placement>(join("ann", { party: ["bob"] }));
  const before = r.must<Server[]>(servers);
  r.restart();
  r.run();
  const after = r.must<Server[]>(servers);
  const shape = ({ id, state, version, mods, maxPlayers, labels, ports, players }: Server): object => ({
    id,
    state,
    version,
    mods,
    maxPlayers,
    labels,
    ports,
    players,
  });
  expect(after.map(shape)).toEqual(expect.arrayContaining(before.map(shape)));
  expect(after).toHaveLength(before.length);
  expect(r.engine.starts).toBe(3);
  expect(r.must<Session>({ type: "getSession", sessionId: placed.session.id })).toMatchObject({
    generation: 1,
    party: ["ann", "bob"],
    connectedAt: placed.session.connectedAt,
    reason: "has a seat",
  });
  expect(r.must<Placement>(join("ann"))).toMatchObject({ existing: true, session: { id: placed.session.id } });
});

it("a new controller says of each session why it is where it is, and of who came meanwhile why they wait", () => {
  const r = arena({ maxPlayers: 1, scaling: { minServers: 1, maxServers: 1 }, routing: { queueDeadlineSecs: 60 } });
  const { server, session } = r.must<Placement>(join("ann"));
  r.agentOf(server.id).join(server.id, session.id, 1, r.nowMs);
  r.run();
  r.restart();
  // Before it has heard of any seat.
  const late = r.must<Waiting>(join("late"));
  expect(late.reason).toBe("the controller is learning what runs");
  r.run();
  const reasonOf = (sessionId: string) => r.must<Session>({ type: "getSession", sessionId }).reason;
  expect([reasonOf(session.id), reasonOf(late.sessionId)]).toEqual(["on the server", "no server has room"]);
  expect(r.must<QueueEntry[]>({ type: "listQueue" })).toMatchObject([{ reason: "no server has room" }]);
});

it("shows what servers count, from the start, as it changes and after a restart", () => {
  const counters = { rooms: { count: 0, capacity: 4 } };
  const r = arena({ counters, lists: { maps: { capacity: 2, values: ["ice"] } }, scaling: { minServers: 1 } });
  const [first] = r.must<Server[]>(servers);
  expect(first).toMatchObject({ counters, lists: { maps: { capacity: 2, values: ["ice"] } }, tracked: null });
  const told = { counters: { rooms: { count: 3, capacity: 4 } }, lists: {}, tracked: undefined };
  r.agentOf(first?.id ?? "").say(first?.id ?? "", { kind: "counts", ...told }, r.nowMs);
  r.run();
  expect(r.must<Server[]>(servers)[0]).toMatchObject({
    counters: { rooms: { count: 3, capacity: 4 } },
    lists: { maps: { capacity: 2, values: ["ice"] } },
  });
  r.restart();
  r.run();
  // The double keeps no counts of its own: it reports those that the server was expected with.
  expect(r.must<Server[]>(servers)[0]).toMatchObject({ counters });
});

it("knows a match again by its id", () => {
  const r = arena({ seats: "match", maxPlayers: 2, scaling: { minServers: 2 } });
  const ask = { type: "allocateMatch" as const, experienceId: "arena", matchId: "m", players: [{ playerId: "ann" }] };
  const { server } = r.must<MatchAllocation>(ask);
  r.restart();
  r.run();
  expect(r.must<MatchAllocation>(ask).server.id).toBe(server.id);
});

it("decides nothing before it knows all seats", () => {
  const r = arena({ scaling: { minServers: 1 } });
  r.must(join("ann"));
  r.restart();
  expect(code(r.call({ type: "spawnServer", experienceId: "nowhere", waitReady: false }))).toBe("unknownExperience");
  const early = new RegionDouble(testSettings([testExperience("arena")]));
  early.lead();
  early.advance(4000);
  expect(early.engine.starts).toBe(0);
  expect(code(early.call({ type: "spawnServer", experienceId: "arena", waitReady: false }))).toBe("unavailable");
  early.give({ type: "engineList", servers: [] });
  early.run();
  expect(early.engine.starts).toBe(1);
});

it("goes on after a while without agents that do not come, whose servers are suspect", () => {
  const r = arena({ scaling: { minServers: 1 } }, ["n1", "n2"]);
  r.must({ type: "spawnServer", experienceId: "arena", waitReady: true });
  r.restart();
  r.cut("n2", false);
  r.run().advance(6000);
  expect(
    r
      .must<Server[]>(servers)
      .map(({ state }) => state)
      .sort(),
  ).toEqual(["ready", "suspect"]);
  expect(r.engine.starts).toBe(2);
});

it("moves players whose server ended while no controller looked", () => {
  const r = arena({ scaling: { minServers: 2 } });
  const { server, session } = r.must<Placement>(join("ann"));
  r.kill(server.id);
  r.agentOf(server.id).lose(server.id, "process ended", r.nowMs);
  r.restart();
  r.run();
  expect(r.must<Session>({ type: "getSession", sessionId: session.id })).toMatchObject({
    generation: 2,
    state: "reserved",
  });
  expect(r.agent("n1").servers.get(server.id)).toBeUndefined();
});

it("drops what only an agent remembers", () => {
  const r = arena({ scaling: { minServers: 1 } });
  const [server] = r.must<Server[]>(servers);
  r.engine.servers.clear();
  r.restart();
  r.run();
  expect(r.must<Server[]>(servers).some(({ id }) => id === server?.id)).toBe(true);
  r.advance(12_000);
  expect(r.agent("n1").servers.get(server?.id ?? "")).toBeUndefined();
  expect(r.must<Server[]>(servers).every(({ id, state }) => id !== server?.id && state === "ready")).toBe(true);
});

it("takes the higher generation of a session that two nodes have", () => {
  const r = arena({ scaling: { minServers: 2 } }, ["n1", "n2"]);
  const { server, session } = r.must<Placement>(join("ann"));
  const nodeId = r.must<Server>({ type: "getServer", serverId: server.id }).nodeId ?? "";
  r.cut(nodeId);
  r.give({ type: "engine", event: { type: "nodeDown", nodeId, reason: "lost" } });
  r.run();
  const moved = r.must<Session>({ type: "getSession", sessionId: session.id });
  r.restart();
  r.run();
  expect(r.must<Session>({ type: "getSession", sessionId: session.id })).toMatchObject({
    serverId: moved.serverId,
    generation: 2,
  });
  expect(r.agent(nodeId).servers.get(server.id)?.seats.size ?? 0).toBe(0);
});

describe("two sessions of one player, as leaders that did not know of each other's gave them", () => {
  function both(firstJoined: boolean): { r: RegionDouble; first: Placement; serverId: string; agent: AgentDouble } {
    const r = arena({ scaling: { minServers: 2 } }, ["n1", "n2"]);
    const first = r.must<Placement>(join("ann"));
    if (firstJoined) r.agentOf(first.server.id).join(first.server.id, first.session.id, 1, r.nowMs);
    r.run();
    const { id: serverId, allocationId } = r.must<Server[]>(servers).find(({ id }) => id !== first.server.id) as Server;
    const agent = r.agentOf(serverId);
    const carry = {
      experienceId: "arena",
      version: "",
      mods: [],
      party: [],
      requestedRegion: undefined,
      latencies: {},
    };
    const seat = {
      sessionId: "ses-other",
      playerId: "ann",
      generation: 1,
      restore: undefined,
      carry: { ...carry, connectedAtMs: r.nowMs + 1000, matchId: undefined },
    };
    const body = { kind: "grant", serverId, allocationId: allocationId ?? "", seats: [seat], leaseMs: 30_000 } as const;
    expect(agent.request({ type: "request", id: 999, epoch: r.epoch, body }, r.nowMs).ok).toBe(true);
    r.restart();
    r.run();
    return { r, first, serverId, agent };
  }
  const ids = (r: RegionDouble): string[] =>
    [...r.agents.values()].flatMap((agent) => [...agent.servers.values()].flatMap(({ seats }) => [...seats.keys()]));

  it.each([true, false])(
    "both keep their seats, and the newer stands for the player (the older joined: %s)",
    (joined) => {
      const { r, first } = both(joined);
      expect(ids(r).sort()).toEqual([first.session.id, "ses-other"].sort());
      expect(r.must<Placement>(join("ann"))).toMatchObject({ existing: true, session: { id: "ses-other" } });
    },
  );

  it("both are listed, of all sessions and of the player's", () => {
    const { r, first } = both(true);
    const expected = [first.session.id, "ses-other"].sort();
    for (const ask of [sessions, { type: "findSessions", playerId: "ann" } as const])
      expect(
        r
          .must<Session[]>(ask)
          .map(({ id }) => id)
          .sort(),
      ).toEqual(expected);
  });

  it("whichever is joined ends the other", () => {
    const { r, serverId, agent } = both(true);
    agent.join(serverId, "ses-other", 1, r.nowMs);
    r.run();
    expect(ids(r)).toEqual(["ses-other"]);
  });

  it("one that nobody comes for ends with its lease, and the other is the player's again", () => {
    const { r, first } = both(true);
    r.advance(31_000);
    expect(ids(r)).toEqual([first.session.id]);
    expect(r.must<Placement>(join("ann"))).toMatchObject({ existing: true, session: { id: first.session.id } });
  });
});

describe("leading", () => {
  it("only a leader changes anything; every replica answers questions", () => {
    const r = new RegionDouble(testSettings([testExperience("arena")]));
    expect(code(r.call(join("ann")))).toBe("notLeader");
    expect(code(r.call(servers))).toBe("ok");
    expect(code(r.call({ type: "getRegion" }))).toBe("ok");
  });

  it("grants at an agent only after it took the epoch and told its seats", () => {
    const r = arena({ scaling: { minServers: 1 } });
    r.connect("n1");
    r.deliver("toCore n1");
    const waiting = r.ask(join("ann"));
    expect(r.reply(waiting)).toMatchObject({ ok: true, value: { reason: "no server has room" } });
    r.run();
    expect(r.must<Session[]>(sessions)[0]?.state).toBe("reserved");
  });

  it("stops deciding at once where an agent follows a higher epoch, by its nack or by its hello", () => {
    const r = arena({ maxPlayers: 1 });
    r.agent("n1").epoch = 9;
    const starts = r.engine.starts;
    const waiting = r.ask(join("ann"));
    r.ask(join("bob"));
    r.run();
    expect([r.steppedDown, code(r.reply(waiting)), code(r.call(join("cyd")))]).toEqual([1, "notLeader", "notLeader"]);
    expect(r.engine.starts).toBeLessThanOrEqual(starts + 1);
    r.lead();
    r.connect("n1");
    r.run();
    expect(r.steppedDown).toBe(2);
  });

  it("answers everybody who waits when it ends", () => {
    const r = arena({ maxPlayers: 1, scaling: { maxServers: 1 } });
    const { session } = r.must<Placement>(join("ann"));
    const bob = r.call(join("bob"));
    const queueTicket = bob.ok && "queueTicket" in bob.value ? bob.value.queueTicket : "";
    r.autoReady = false;
    const waits = [
      r.ask({ type: "waitQueue", queueTicket, untilMs: r.nowMs + 60_000 }),
      r.ask({ type: "followSession", sessionId: session.id, afterGeneration: 1, untilMs: r.nowMs + 60_000 }),
    ];
    r.give({ type: "leadership", leader: false, epoch: r.epoch });
    expect(waits.map((id) => code(r.reply(id)))).toEqual(["notLeader", "notLeader"]);
  });
});
