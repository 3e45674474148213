import { arena, code, join, servers } from "./testing/ask";
import type { Waiting } from "./decision";
import type { DecisionRecord, MatchAllocation, Placement, Server, Session } from "./resources";

const allocate = (matchId: string, players: readonly string[], more: object = {}) => ({
  type: "allocateMatch" as const,
  experienceId: "arena",
  matchId,
  players: players.map((playerId) => ({ playerId })),
  ...more,
});
const duel = (over: Parameters<typeof arena>[0] = {}) => arena({ seats: "match", maxPlayers: 2, ...over });

it("fills a match up to what it wants with those who come, and claims another server for the rest", () => {
  const r = arena({ seats: "match", maxPlayers: 4, scaling: { minServers: 3, maxServers: 3 } });
  const { server } = r.must<MatchAllocation>(allocate("m", ["ann"], { annotations: { "forge.backfill-to": "3" } }));
  const party = r.must<Placement>(join("bob", { party: ["cyd"] }));
  expect(party.server.id).toBe(server.id);
  const dan = r.must<Placement>(join("dan"));
  expect(dan.server.id).not.toBe(server.id);
  // One has left, and the server wants one more; then it wants nobody.
  r.must({ type: "endSession", sessionId: party.session.id, reason: "left" });
  expect(r.must<Placement>(join("eve")).server.id).toBe(server.id);
  r.must({ type: "labelServer", serverId: server.id, annotations: { "forge.backfill-to": null } });
  expect(r.must<Placement>(join("fay")).server.id).not.toBe(server.id);
  expect(r.must<Server>({ type: "getServer", serverId: server.id })).toMatchObject({ matchId: "m", players: 3 });
});

it("knows why a match is where it is under the match's own name", () => {
  const r = duel({ scaling: { minServers: 1 } });
  const { server } = r.must<MatchAllocation>(allocate("m-1", ["ann", "bob"]));
  expect(r.must<DecisionRecord>({ type: "getDecision", id: "m-1" })).toMatchObject({
    kind: "route",
    subject: "m-1",
    outcome: server.id,
  });
  expect(code(r.call({ type: "getDecision", id: "m-2" }))).toBe("unknownDecision");
  const [, bob] = r.must<Session[]>({ type: "findSessions" });
  expect(r.must<DecisionRecord>({ type: "getDecision", id: bob?.id ?? "" })).toMatchObject({ outcome: server.id });
});

describe("a match that wants more, where the other servers are shared", () => {
  const shared = (over: Parameters<typeof arena>[0] = {}) => arena({ seats: "reported", maxPlayers: 4, ...over });
  const wanting = (r: ReturnType<typeof arena>, most: string) =>
    r.must<MatchAllocation>(allocate("m", ["ann"], { annotations: { "forge.backfill-to": most } })).server.id;

  it.each(["pack", "spread"] as const)("comes before all of them, and no further (%s)", (strategy) => {
    const r = shared({ scaling: { minServers: 3, maxServers: 3 }, routing: { strategy } });
    const other = r.must<Placement>(join("zoe")).server.id;
    const match = wanting(r, "99");
    const party = r.must<Placement>(join("bob", { party: ["cyd"] }));
    expect(party.server.id).toBe(match);
    expect(r.must<Placement>(join("dan")).server.id).toBe(match);
    const [eve, fay] = [r.must<Placement>(join("eve")), r.must<Placement>(join("fay"))];
    expect([eve.server.id, fay.server.id]).not.toContain(match);
    const all = r.must<Server[]>(servers);
    expect(all.filter(({ matchId }) => matchId !== null).map(({ id, players }) => [id, players])).toEqual([[match, 4]]);
    expect(all.find(({ id }) => id === other)).toMatchObject({ matchId: null });
    // They are of the match: it ends, and so do their sessions.
    r.agentOf(match).endMatch(match, r.nowMs);
    r.run();
    expect(r.must<Session>({ type: "getSession", sessionId: party.session.id }).state).toBe("ended");
    expect(r.must<Session>({ type: "getSession", sessionId: eve.session.id }).state).toBe("reserved");
  });

  it("wants nobody for the next match on its server", () => {
    const r = shared({ scaling: { minServers: 1, maxServers: 1 } });
    const match = wanting(r, "4");
    r.agentOf(match).endMatch(match, r.nowMs);
    r.run();
    const next = r.must<MatchAllocation>(allocate("m2", ["eve"]));
    expect([next.server.id, next.server.annotations]).toEqual([match, {}]);
    expect(r.must<Waiting>(join("bob")).reason).toBe("no server has room");
    // Its agent, from which the next leader hears, has forgotten it too.
    expect(r.agentOf(match).servers.get(match)?.annotations).toEqual({});
  });

  it("takes whoever waits once it wants them", () => {
    const r = shared({ scaling: { minServers: 1, maxServers: 1 } });
    const { server } = r.must<MatchAllocation>(allocate("m", ["ann"]));
    const bob = r.must<Waiting>(join("bob"));
    expect(bob.reason).toBe("no server has room");
    r.must({ type: "labelServer", serverId: server.id, annotations: { "forge.backfill-to": "2" } });
    expect(r.must<Session>({ type: "getSession", sessionId: bob.sessionId }).serverId).toBe(server.id);
    expect(r.must<Waiting>(join("cyd")).reason).toBe("no server has room");
  });

  it("that refuses them leaves them free to share a server", () => {
    const r = shared({ scaling: { minServers: 2, maxServers: 2 } });
    const match = wanting(r, "4");
    const node = r.agentOf(match).servers.get(match);
    if (!node) throw new Error("no such server");
    node.claim = "another";
    const bob = r.must<Placement>(join("bob"));
    expect(bob.server.id).not.toBe(match);
    expect(r.must<Server>({ type: "getServer", serverId: bob.server.id })).toMatchObject({ matchId: null, players: 1 });
    expect(r.must<Placement>(join("cyd")).server.id).toBe(bob.server.id);
  });

  it("that refuses them has them wait for seats, not each for a server", () => {
    const r = shared({ scaling: { minServers: 1, maxServers: 9 } });
    const match = wanting(r, "4");
    const node = r.agentOf(match).servers.get(match);
    if (!node) throw new Error("no such server");
    node.claim = "another";
    r.autoReady = false;
    const asked = ["bob", "cyd", "dan"].map((player) => r.ask(join(player)));
    r.run();
    expect(asked.map((id) => code(r.reply(id)))).toEqual(["ok", "ok", "ok"]);
    const started = r.must<Server[]>(servers).filter(({ id }) => id !== match);
    expect(started.map(({ state }) => state)).toEqual(["starting"]);
  });
});

describe("a match that ends while somebody is being put into it", () => {
  /** Asks to be put into the match of `server`, which is over when the agent hears of that. */
  const ask = (r: ReturnType<typeof arena>, server: string, command: Parameters<typeof r.ask>[0]): number => {
    const asked = r.ask(command);
    r.agentOf(server).endMatch(server, r.nowMs);
    r.run();
    return asked;
  };
  const begin = (r: ReturnType<typeof arena>): string =>
    r.must<MatchAllocation>(allocate("m", ["ann"], { annotations: { "forge.backfill-to": "4" } })).server.id;
  const again = (r: ReturnType<typeof arena>): string => code(r.call(allocate("m", ["ann"])));

  it("has them play by themselves where servers are given whole, as if it had not been there", () => {
    const r = arena({ seats: "match", maxPlayers: 4, scaling: { minServers: 2, maxServers: 2 } });
    const match = begin(r);
    const asked = ask(r, match, join("bob", { party: ["cyd"] }));
    const { session } = (r.reply(asked) as { readonly value: Placement }).value;
    const there = r.must<Server[]>(servers).find(({ id }) => id === session.serverId);
    expect(there).toMatchObject({ matchId: `party-${session.id}`, players: 2 });
    expect(again(r)).toBe("conflict");
  });

  it("has them share a server where others do, the very same if need be", () => {
    const r = arena({ seats: "reported", maxPlayers: 4, scaling: { minServers: 1, maxServers: 1 } });
    const match = begin(r);
    const { session } = (r.reply(ask(r, match, join("bob"))) as { readonly value: Placement }).value;
    expect(session.serverId).toBe(match);
    expect(r.must<Server>({ type: "getServer", serverId: match })).toMatchObject({ matchId: null, players: 1 });
    expect(r.must<Placement>(join("cyd")).server.id).toBe(match);
    expect(r.agentOf(match).servers.get(match)?.claim).toBeUndefined();
    expect(again(r)).toBe("conflict");
  });

  it("refuses who is routed to its server", () => {
    const r = arena({ seats: "reported", maxPlayers: 4, scaling: { minServers: 1, maxServers: 1 } });
    const match = begin(r);
    const route = { type: "routePlayers", serverId: match, players: ["bob"] } as const;
    expect(code(r.reply(ask(r, match, route)))).toBe("serverNotReady");
    expect(code(r.call(route))).toBe("ok");
    expect(r.must<Server>({ type: "getServer", serverId: match })).toMatchObject({ matchId: null, players: 1 });
  });

  it("is begun by them where the agent is of a version that does not know better", () => {
    const r = arena({ seats: "reported", maxPlayers: 4, scaling: { minServers: 1, maxServers: 1 } });
    const match = begin(r);
    const agent = r.agentOf(match);
    const real = agent.request.bind(agent);
    agent.request = (request, nowMs) => {
      const { body } = request;
      return real(body.kind === "claim" ? { ...request, body: { ...body, ongoing: undefined } } : request, nowMs);
    };
    expect(code(r.reply(ask(r, match, join("bob"))))).toBe("ok");
    expect(r.must<Server>({ type: "getServer", serverId: match })).toMatchObject({ matchId: "m", players: 1 });
  });
});

it("answers players of one match who came apart each with their own seat, while it waits for another server", () => {
  const r = duel({ scaling: { minServers: 1, maxServers: 1 } });
  const { server } = r.must<MatchAllocation>(allocate("m", ["ann"], { annotations: { "forge.backfill-to": "2" } }));
  expect(r.must<Placement>(join("bob")).server.id).toBe(server.id);
  r.autoReady = false;
  r.kill(server.id);
  r.run();
  const waiting = ["ann", "bob"].map((player) => r.must<Waiting>(join(player)));
  expect(new Set(waiting.map(({ queueTicket }) => queueTicket)).size).toBe(2);
  const asked = waiting.map(({ queueTicket }) => r.ask({ type: "waitQueue", queueTicket, untilMs: r.nowMs + 30_000 }));
  for (const { id, state } of r.must<Server[]>(servers))
    if (state === "starting") r.agentOf(id).becomeReady(id, r.nowMs);
  r.run();
  const placed = asked.map((id) => r.reply(id) as { readonly value: Placement });
  expect(placed.map(({ value }) => value.session.playerId)).toEqual(["ann", "bob"]);
  // Nor is either given the ticket of the other.
  expect(placed.map(({ value }) => value.party)).toEqual([undefined, undefined]);
});

it("gives a whole server and a ticket to everybody", () => {
  const r = duel();
  const match = r.must<MatchAllocation>(allocate("m", ["ann", "bob"], { labels: { map: "ice" } }));
  expect(match).toMatchObject({
    matchId: "m",
    server: { state: "allocated", matchId: "m", players: 2, labels: { map: "ice" } },
  });
  expect(match.connection).toMatch(/^10\.0\.0\.1:\d+$/);
  expect(Object.keys(match.tickets)).toEqual(["ann", "bob"]);
});

it("asked again for the same match gives the same server; asked at once, too", () => {
  const r = duel({ scaling: { minServers: 2 } });
  const [a, b] = [r.ask(allocate("m", ["ann"])), r.ask(allocate("m", ["ann"]))];
  r.run();
  const replies = [r.reply(a), r.reply(b), r.call(allocate("m", ["ann"]))];
  expect(new Set(replies.map((reply) => reply.ok && (reply.value as MatchAllocation).server.id)).size).toBe(1);
});

it("waits for a server until the deadline, then says so", () => {
  const r = duel({ scaling: { maxServers: 1 } });
  r.must(allocate("m1", ["ann"]));
  const waiting = r.ask(allocate("m2", ["bob"], { deadlineMs: 2000 }));
  r.advance(2500);
  expect(code(r.reply(waiting))).toBe("deadlineExceeded");
  expect(code(r.call(allocate("m3", ["bob"], { deadlineMs: 0 })))).toBe("noCapacity");
});

it("is over when the server says so: its players are free, and so is it", () => {
  const r = duel({ scaling: { maxServers: 1 } });
  const { server } = r.must<MatchAllocation>(allocate("m1", ["ann"]));
  const next = r.ask(allocate("m2", ["ann2"]));
  r.agentOf(server.id).endMatch(server.id, r.nowMs);
  r.run();
  expect(r.reply(next)).toMatchObject({ ok: true, value: { server: { id: server.id } } });
  expect(code(r.call(allocate("m1", ["ann"])))).toBe("conflict");
});

it("of nobody is refused, and takes no server", () => {
  const r = duel();
  expect(code(r.call(allocate("m", [])))).toBe("invalid");
  expect(r.must<readonly Server[]>(servers).map(({ state }) => state)).toEqual(["ready"]);
  expect(r.must<MatchAllocation>(allocate("m", ["ann"])).matchId).toBe("m");
});

it.each([
  ["unknownExperience", { ...allocate("m", ["a"]), experienceId: "nowhere" }],
  ["unknownVersion", allocate("m", ["a"], { version: "9" })],
  ["partyTooLarge", allocate("m", ["a", "b", "c"])],
  ["playerElsewhere", allocate("m", ["eve"])],
])("refuses with %s", (wanted, command) => {
  const r = duel({ scaling: { minServers: 2 } });
  r.must(join("eve"));
  expect(code(r.call(command))).toBe(wanted);
});

it.each([
  ["a match", allocate("m", ["a", "b", "c"]), "a match of 3 is larger than any server of arena (2 seats)"],
  ["a party", join("a", { party: ["b", "c"] }), "a party of 3 is larger than any server of arena (2 seats)"],
])("tells %s that no server is large enough, which no later try changes", (_who, command, detail) => {
  const problem = { code: "partyTooLarge", detail, info: { players: 3, largest: 2 } };
  expect(duel().call(command)).toEqual({ ok: false, problem });
});

it("tells when to ask again a fleet that may have no servers", () => {
  const r = duel({ scaling: { minServers: 0, maxServers: 0 } });
  const problem = {
    code: "noCapacity",
    detail: "arena may have no servers here (max_servers = 0)",
    retryAfterSecs: 60,
  };
  expect(r.call(allocate("m", ["ann"]))).toEqual({ ok: false, problem });
  expect(r.call(join("ann"))).toEqual({ ok: false, problem });
});

it("leaves servers alone that reserved or allocated themselves", () => {
  const r = duel({ scaling: { minServers: 2, maxServers: 2 } });
  const [first, second] = r.must<Server[]>(servers);
  r.agentOf(first?.id ?? "").say(first?.id ?? "", { kind: "selfAllocated" }, r.nowMs);
  r.agentOf(second?.id ?? "").say(second?.id ?? "", { kind: "reserved", untilMs: undefined }, r.nowMs);
  r.run();
  expect(r.must<Server[]>(servers).map(({ state }) => state)).toEqual(["allocated", "reserved"]);
  expect(code(r.call(allocate("m", ["ann"], { deadlineMs: 0 })))).toBe("noCapacity");
  r.agentOf(second?.id ?? "").say(second?.id ?? "", { kind: "ready" }, r.nowMs);
  expect(r.must<MatchAllocation>(allocate("m", ["ann"])).server.id).toBe(second?.id);
});

it("moves a whole match together when its server dies", () => {
  const r = duel({ scaling: { minServers: 2 } });
  const { server } = r.must<MatchAllocation>(allocate("m", ["ann", "bob"]));
  r.kill(server.id);
  r.advance(1000);
  const again = r.must<MatchAllocation>(allocate("m", ["ann", "bob"]));
  expect(again.server.id).not.toBe(server.id);
  expect(Object.keys(again.tickets).sort()).toEqual(["ann", "bob"]);
});

it("counts walk-ins where seats are observed", () => {
  const r = arena({ seats: "observed", sdk: "none", maxPlayers: 3, scaling: { minServers: 1, maxServers: 1 } });
  const [server] = r.must<Server[]>(servers);
  const serverId = server?.id ?? "";
  r.agentOf(serverId).say(serverId, { kind: "walkIns", count: 2 }, r.nowMs);
  const there = r.agentOf(serverId).servers.get(serverId);
  if (there) there.walkIns = 2;
  r.run();
  expect(r.must<Placement>(join("ann")).session.state).toBe("reserved");
  expect(r.must<Server>({ type: "getServer", serverId }).players).toBe(3);
  expect(code(r.call(join("bob", { deadlineMs: 0 })))).toBe("noCapacity");
});

it("ends a server that was claimed while its node fell silent, once the match went elsewhere", () => {
  const r = arena({ seats: "match", maxPlayers: 2, scaling: { minServers: 1, maxServers: 3 } }, ["n1", "n2"]);
  const [first] = r.must<Server[]>(servers);
  const request = r.ask({ type: "allocateMatch", experienceId: "arena", matchId: "m", players: [{ playerId: "ann" }] });
  // The agent claims it, and nobody hears of that.
  const link = r.link(first?.nodeId ?? "");
  while (r.deliver(`toAgent ${first?.nodeId ?? ""}`));
  link.toCore.length = 0;
  r.cut(first?.nodeId ?? "");
  r.connect(first?.nodeId ?? "");
  r.run().advance(5000);
  expect(r.reply(request).ok).toBe(true);
  const claimed = r.must<Server[]>(servers).filter(({ matchId }) => matchId === "m");
  expect(claimed).toHaveLength(1);
  expect(claimed[0]?.id).not.toBe(first?.id);
  expect(r.engine.running(first?.id ?? "")).toBe(false);
});
