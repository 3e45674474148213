import type { MatchAllocation, Placement, Server, Session } from "./resources";
import { arena, join, servers } from "./testing/ask";
import { playing } from "./testing/failing-node";
import type { RegionDouble } from "./testing/region-double";

/**
 * A player has been moved, and the release of the old seat is owed: its agent was cut off before it heard of it. That is written
 * down nowhere but in the two agents' journals, as two seats of one session, and comes out by their generations.
 */
function moved(over: Parameters<typeof arena>[0] = {}) {
  const r = arena({ ...over, scaling: { minServers: 2, maxServers: 2 } }, ["n1", "n2"]);
  const { server, session } = playing(r, "ann");
  const from = r.agentOf(server.id).nodeId;
  const there = r.must<Server[]>(servers).find(({ id }) => id !== server.id);
  const to = r.agentOf(there?.id ?? "").nodeId;
  r.ask({ type: "terminateServer", serverId: server.id, drainSecs: 0, force: false, reason: "a test" });
  const channels = r.channels().filter((channel) => channel !== "engine");
  const owed = () => r.link(from).toAgent.some(({ body }) => body.kind === "release");
  while (!owed()) if (!channels.some((channel) => r.deliver(channel))) throw new Error("nobody is moved");
  r.cut(from);
  r.run();
  expect(seats(r, from)).toEqual([`${session.id} 1`]);
  expect(seats(r, to)).toEqual([`${session.id} 2`]);
  return { r, from, to, session, serverId: there?.id };
}
/** Seats as the node's agent has them: session and generation. */
const seats = (r: RegionDouble, nodeId: string): string[] =>
  r
    .agent(nodeId)
    .snapshot()
    .servers.flatMap((server) => server.seats.map((seat) => `${seat.sessionId} ${String(seat.generation)}`));

const FALLS: readonly [string, (r: RegionDouble) => void][] = [
  ["another leads", (r) => r.restart()],
  [
    "it leads again",
    (r) => {
      r.give({ type: "leadership", leader: false, epoch: r.epoch });
      r.lead();
      r.give({ type: "engineList", servers: r.engine.list() });
    },
  ],
];

/** Who is cut off as the leader falls comes back once the next one has waited for it. */
function comeBack(r: RegionDouble, nodes: readonly string[], late: string | undefined): void {
  if (late !== undefined) r.cut(late);
  for (const nodeId of nodes) if (nodeId !== late && !r.link(nodeId).connected) r.connect(nodeId);
  r.run();
  r.advance(6000);
  if (late !== undefined) r.connect(late);
  r.run();
  r.advance(1000);
}

describe.each(FALLS)("the leader falls with the release of a moved player's old seat owed, and %s", (_, fall) => {
  it.each(["nobody", "the old node"])("the old seat goes and the new one stays; late comes %s", (late) => {
    const { r, from, to, session, serverId } = moved();
    fall(r);
    comeBack(r, [from, to], late === "nobody" ? undefined : from);
    expect(seats(r, from)).toEqual([]);
    expect(seats(r, to)).toEqual([`${session.id} 2`]);
    expect(r.must<Session>({ type: "getSession", sessionId: session.id })).toMatchObject({ serverId, generation: 2 });
    // Asked again, the player is told of that one too.
    expect(r.must<Placement>(join("ann")).server.id).toBe(serverId);
  });

  it.each([
    ["joined: there it stays, though the next leader moved it as well", true],
    ["not joined: there is one in the end, which is told", false],
  ])("the new node comes late, of whose seat nobody else knew, and it is %s", (_what, joined) => {
    const { r, from, to, session, serverId = "" } = moved();
    if (joined) r.agent(to).join(serverId, session.id, 2, r.nowMs);
    fall(r);
    comeBack(r, [from, to], to);
    const { server } = r.must<Placement>(join("ann"));
    expect([...seats(r, from), ...seats(r, to)]).toEqual([`${session.id} 2`]);
    expect(seats(r, r.agentOf(server.id).nodeId)).toEqual([`${session.id} 2`]);
    if (joined) expect(server.id).toBe(serverId);
  });
});

describe("two leaders have moved a player with one generation, the second unaware of the first one's seat", () => {
  function movedTwice() {
    const { r, from, to, session, serverId: first = "" } = moved();
    r.restart();
    r.cut(to);
    r.run().advance(6000);
    const second = r.must<Placement>(join("ann")).server.id;
    const there = r.agentOf(second);
    expect([...seats(r, from), ...seats(r, to)]).toEqual([`${session.id} 2`, `${session.id} 2`]);
    const at = () => r.must<Session>({ type: "getSession", sessionId: session.id });
    return { r, to, session, first, second, there, at };
  }
  const standBy = (r: RegionDouble): void => r.give({ type: "leadership", leader: false, epoch: r.epoch });
  function leadAgain(r: RegionDouble): void {
    r.lead();
    r.give({ type: "engineList", servers: r.engine.list() });
    r.run().advance(1000);
  }

  it("whoever hears of moves is told of the seat that stays, where it is not the one told last", () => {
    const { r, to, session, first, second } = movedTwice();
    r.agent(to).join(first, session.id, 2, r.nowMs);
    r.connect(to);
    r.run();
    expect(r.events.filter(({ type }) => type === "session.moved").at(-1)).toMatchObject({
      serverId: first,
      detail: { fromServerId: second, toServerId: first },
    });
  });

  it("a standby leaves it to the leader which of them goes, and leads with the one that is left", () => {
    const { r, to, session, first, second, there, at } = movedTwice();
    standBy(r);
    r.connect(to);
    r.run();
    expect(at()).toMatchObject({ serverId: second, generation: 2 });
    // Its leader has found the player on the first.
    r.agent(to).join(first, session.id, 2, r.nowMs);
    r.usurp([]);
    r.run();
    expect(seats(r, there.nodeId)).toEqual([]);
    leadAgain(r);
    expect(seats(r, to)).toEqual([`${session.id} 2`]);
    expect(at()).toMatchObject({ serverId: first, state: "active" });
  });

  it("a leader that falls before it has given the other back leaves that, too, to the next", () => {
    const { r, to, session, first, there, at } = movedTwice();
    r.connect(to);
    while (r.deliver(`toCore ${to}`));
    while (!r.link(to).toAgent.some(({ body }) => body.kind === "release"))
      if (!r.deliver(`toAgent ${to}`) && !r.deliver(`toCore ${to}`)) throw new Error("nothing is given back");
    r.cut(to);
    r.agent(to).join(first, session.id, 2, r.nowMs);
    standBy(r);
    r.connect(to);
    r.run();
    r.usurp([]);
    expect(seats(r, there.nodeId)).toEqual([]);
    r.run();
    leadAgain(r);
    expect(seats(r, to)).toEqual([`${session.id} 2`]);
    expect(at()).toMatchObject({ serverId: first, state: "active" });
  });
});

describe("the node that a player was moved to comes back while the next leader's grant elsewhere is unanswered", () => {
  /** Its agent is asked for a seat, of the generation that the player has already; it has not answered. */
  function asked(over: Parameters<typeof arena>[0] = {}) {
    const { r, from, to, session, serverId: first = "" } = moved(over);
    r.restart();
    r.cut(to);
    r.run();
    const grant = () => r.link(from).toAgent.find(({ body }) => body.kind === "grant" || body.kind === "claim");
    while (!grant()) r.advance(500, true);
    const since = r.events.length;
    const moves = () =>
      r.events.slice(since).flatMap((event) => (event.type === "session.moved" ? [event.serverId] : []));
    const comesBack = () => {
      r.connect(to);
      while (r.deliver(`toCore ${to}`) || r.deliver(`toAgent ${to}`));
    };
    const at = () => r.must<Session>({ type: "getSession", sessionId: session.id });
    return { r, from, to, session, first, moves, comesBack, at };
  }

  it.each([
    ["who has joined there", true],
    ["who is on the way there", false],
  ])("a player %s stays, and is told of no other", (_what, joined) => {
    const { r, from, to, session, first, moves, comesBack, at } = asked();
    if (joined) r.agent(to).join(first, session.id, 2, r.nowMs);
    comesBack();
    const asks = r.ask(join("ann"));
    r.run().advance(1000);
    expect([seats(r, from), seats(r, to)]).toEqual([[], [`${session.id} 2`]]);
    expect(at()).toMatchObject({ serverId: first, generation: 2, state: joined ? "active" : "reserved" });
    expect(r.reply(asks)).toMatchObject({ ok: true, value: { server: { id: first } } });
    // Whoever hears of moves was told that the player is on the move: no more of that.
    expect(moves()).toEqual([first]);
  });

  it("a match stays whole, and what was claimed for it elsewhere is replaced", () => {
    const { r, from, to, session, first, moves, comesBack, at } = asked({ seats: "match" });
    r.agent(to).join(first, session.id, 2, r.nowMs);
    comesBack();
    r.run().advance(20_000);
    expect([seats(r, from), seats(r, to)]).toEqual([[], [`${session.id} 2`]]);
    expect(at()).toMatchObject({ serverId: first, state: "active" });
    expect(moves()).toEqual([first]);
    const states = r.must<Server[]>(servers).map(({ id, state }) => (id === first ? `first ${state}` : state));
    expect(states.sort()).toEqual(["first allocated", "ready"]);
    // Whoever asks for it again finds it where it is.
    const again = { matchId: `party-${session.id}`, experienceId: "arena", players: [{ playerId: "ann" }] };
    expect(r.must<MatchAllocation>({ type: "allocateMatch", ...again }).server.id).toBe(first);
  });

  it("a player whose server there is gone as well is moved once, to what was asked for", () => {
    const { r, from, to, session, first, moves, comesBack, at } = asked();
    r.agent(to).lose(first, "killed", r.nowMs);
    comesBack();
    r.run().advance(1000);
    expect([seats(r, from), seats(r, to)]).toEqual([[`${session.id} 2`], []]);
    expect(moves()).toEqual([at().serverId]);
    expect(r.agentOf(at().serverId ?? "").nodeId).toBe(from);
  });

  it.each<[string, (r: RegionDouble, nodeId: string) => void]>([
    ["it is cut off", (r, from) => r.cut(from)],
    [
      "it says no",
      (r, from) =>
        r
          .agent(from)
          .snapshot()
          .servers.forEach(({ serverId }) => r.agent(from).lose(serverId, "killed", r.nowMs)),
    ],
  ])("nobody is lost where the grant fails: %s", (_what, fail) => {
    const { r, from, to, session, first, moves, comesBack, at } = asked();
    r.agent(to).join(first, session.id, 2, r.nowMs);
    comesBack();
    fail(r, from);
    r.run().advance(65_000);
    if (!r.link(from).connected) r.connect(from);
    r.run().advance(1000);
    expect([seats(r, from), seats(r, to)]).toEqual([[], [`${session.id} 2`]]);
    expect(at()).toMatchObject({ serverId: first, generation: 2 });
    expect(moves()).toEqual([first]);
  });
});
