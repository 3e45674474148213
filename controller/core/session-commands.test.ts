import { arena, code, join, servers, sessions } from "./testing/ask";
import type { FollowResult } from "./decision";
import type { Placement, Queued, QueueEntry, Server, Session } from "./resources";

describe("createSession", () => {
  it("asked twice gives the same place with a fresh ticket", () => {
    const r = arena();
    const first = r.must<Placement>(join("ann"));
    r.advance(1000);
    const again = r.must<Placement>(join("ann"));
    expect(again).toMatchObject({
      existing: true,
      session: { id: first.session.id, generation: 1 },
      server: first.server,
    });
    expect(again.ticket).not.toBe(first.ticket);
    expect(r.must<Session[]>(sessions)).toHaveLength(1);
  });

  it("asked twice at once answers both with one seat", () => {
    const r = arena();
    const [a, b] = [r.ask(join("ann")), r.ask(join("ann"))];
    r.run();
    const [first, second] = [r.reply(a), r.reply(b)];
    expect(
      first.ok && second.ok && (first.value as Placement).session.id === (second.value as Placement).session.id,
    ).toBe(true);
    expect(r.must<Server[]>(servers)[0]?.players).toBe(1);
  });

  it("seats a party together, everybody with a session and a ticket", () => {
    const r = arena({ scaling: { minServers: 2 } });
    r.must(join("x1"));
    r.must(join("x2"));
    const placed = r.must<Placement>(join("ann", { party: ["ann", "bob", "cyd"] }));
    expect(placed.party?.map(({ session }) => [session.playerId, session.serverId])).toEqual([
      ["bob", placed.server.id],
      ["cyd", placed.server.id],
    ]);
    expect(new Set([placed.ticket, ...(placed.party ?? []).map(({ ticket }) => ticket)]).size).toBe(3);
    expect(placed.session.party).toEqual(["ann", "bob", "cyd"]);
    const again = r.must<Placement>(join("ann", { party: ["bob", "cyd"] }));
    expect([again.existing, again.party?.length]).toEqual([true, 2]);
  });

  it.each([
    ["unknownExperience", { ...join("ann"), experienceId: "nowhere" }],
    ["unknownVersion", join("ann", { version: "9" })],
    ["unknownMod", join("ann", { mods: ["laser"] })],
    ["playerElsewhere", join("bob", { party: ["eve"] })],
    ["invalid", join("")],
    ["invalid", join("x".repeat(129))],
    ["partyTooLarge", join("ann", { party: ["b", "c", "d", "e"] })],
  ] as const)("refuses with %s", (wanted, command) => {
    const r = arena({ mods: ["wings"] });
    r.must(join("eve"));
    expect(code(r.call(command))).toBe(wanted);
    expect(r.must<Session[]>(sessions)).toHaveLength(1);
  });

  it("matches version and mods", () => {
    const r = arena({ mods: ["wings", "fog"] });
    expect(r.must<Placement>(join("ann", { version: "1", mods: ["fog"] })).session.state).toBe("reserved");
  });

  it("says no at once where there is no time to wait", () => {
    const r = arena({ maxPlayers: 1, scaling: { maxServers: 1 } });
    r.must(join("ann"));
    expect(code(r.call(join("bob", { deadlineMs: 0 })))).toBe("noCapacity");
    expect(r.must<Session[]>(sessions)).toHaveLength(1);
  });

  it("tries the next server where the agent knows better than the core", () => {
    const r = arena({ maxPlayers: 2, scaling: { minServers: 2 } });
    const target = r.must<Placement>(join("x")).server.id;
    r.agentOf(target).say(target, { kind: "walkIns", count: 0 }, r.nowMs);
    const full = r.agentOf(target).servers.get(target);
    if (full) full.walkIns = 1;
    const placed = r.must<Placement>(join("ann"));
    expect(placed.server.id).not.toBe(target);
    expect(r.records.at(-1)?.kind).toBe("route");
  });

  it("keeps who is too far away waiting, until they are not", () => {
    const r = arena({ routing: { maxLatencyMs: 100 } });
    const queued = r.must<Queued>(join("ann", { latencies: { here: 150 } }));
    expect(queued.reason).toBe("150 ms to here are above the limit of 100 ms");
    expect(r.engine.starts).toBe(1);
    expect(r.must<Placement>(join("ann", { latencies: { here: 50 } })).session.id).toBe(queued.sessionId);
  });

  it("goes to the agent once more when its seat came back", () => {
    const r = arena();
    const { session } = r.must<Placement>(join("ann"));
    r.advance(31_000);
    expect(r.must<Session>({ type: "getSession", sessionId: session.id })).toMatchObject({
      state: "ended",
      reason: "the player did not come before the lease ended",
    });
    expect(r.must<Placement>(join("ann")).session.id).not.toBe(session.id);
  });
});

describe("the queue", () => {
  const one = { maxPlayers: 1, scaling: { maxServers: 1 }, routing: { queueLimit: 3 } };

  it("is served in order as seats come free", () => {
    const r = arena(one);
    const ann = r.must<Placement>(join("ann"));
    const tickets = ["bob", "cyd"].map((player) => r.must<Queued>(join(player)).queueTicket);
    expect(r.must<QueueEntry[]>({ type: "listQueue" }).map(({ playerId, position }) => [playerId, position])).toEqual([
      ["bob", 1],
      ["cyd", 2],
    ]);
    r.must({ type: "endSession", sessionId: ann.session.id, reason: "done" });
    const placed = r.must<Placement>({ type: "waitQueue", queueTicket: tickets[0] ?? "", untilMs: r.nowMs });
    expect(placed.session).toMatchObject({ playerId: "bob", state: "reserved" });
    expect(r.must<Queued>({ type: "waitQueue", queueTicket: tickets[1] ?? "", untilMs: r.nowMs }).position).toBe(1);
  });

  it("answers a wait when placed, or with the position when its time is up", () => {
    const r = arena(one);
    const ann = r.must<Placement>(join("ann"));
    const { queueTicket } = r.must<Queued>(join("bob"));
    const early = r.ask({ type: "waitQueue", queueTicket, untilMs: r.nowMs + 2000 });
    r.advance(2000);
    expect(r.reply(early)).toMatchObject({ ok: true, value: { position: 1 } });
    const late = r.ask({ type: "waitQueue", queueTicket, untilMs: r.nowMs + 20_000 });
    r.must({ type: "endSession", sessionId: ann.session.id, reason: "done" });
    expect(r.reply(late)).toMatchObject({ ok: true, value: { session: { playerId: "bob" } } });
  });

  it("is the same wait for who asks again", () => {
    const r = arena(one);
    r.must(join("ann"));
    const first = r.must<Queued>(join("bob"));
    expect(r.must<Queued>(join("bob"))).toEqual(first);
  });

  it("answers each member of a party as that member, whoever asks", () => {
    const two = { maxPlayers: 2, scaling: { maxServers: 1 } };
    const r = arena(two);
    const ann = r.must<Placement>(join("ann"));
    const all = r.must<Queued>(join("bob", { party: ["bob", "cyd"] }));
    const own = r.must<Queued>(join("cyd"));
    expect(own.queueTicket).not.toBe(all.queueTicket);
    const waits = [all, own].map(({ queueTicket }) =>
      r.ask({ type: "waitQueue", queueTicket, untilMs: r.nowMs + 20_000 }),
    );
    r.must({ type: "endSession", sessionId: ann.session.id, reason: "done" });
    expect(waits.map((id) => r.reply(id))).toMatchObject([
      { value: { session: { playerId: "bob" }, party: [{ session: { playerId: "cyd" } }] } },
      { value: { session: { playerId: "cyd" }, party: [{ session: { playerId: "bob" } }] } },
    ]);
    const later = r.must<Placement>({ type: "waitQueue", queueTicket: own.queueTicket, untilMs: r.nowMs });
    expect(later.session.playerId).toBe("cyd");
  });

  it("is left by a member alone with that member's ticket, by all with the party's", () => {
    const r = arena({ maxPlayers: 2, scaling: { maxServers: 1 } });
    r.must(join("ann"));
    const { queueTicket } = r.must<Queued>(join("bob", { party: ["bob", "cyd"] }));
    const own = r.must<Queued>(join("cyd")).queueTicket;
    expect(r.must<Queued>({ type: "leaveQueue", queueTicket: own }).queueTicket).toBe(own);
    // Alone he fits in beside ann.
    const left = r.must<Session[]>(sessions).map(({ playerId, state }) => `${playerId} ${state}`);
    expect(left).toEqual(["ann reserved", "bob reserved"]);
    expect(code(r.call({ type: "waitQueue", queueTicket: own, untilMs: r.nowMs }))).toBe("conflict");
    expect(code(r.call({ type: "waitQueue", queueTicket: `${queueTicket}.7`, untilMs: r.nowMs }))).toBe(
      "unknownQueueTicket",
    );
    expect(code(r.call({ type: "waitQueue", queueTicket: `${own}.1`, untilMs: r.nowMs }))).toBe("unknownQueueTicket");
  });

  it("is limited", () => {
    const r = arena(one);
    r.must(join("ann"));
    for (const player of ["b", "c", "d"]) r.must(join(player));
    const full = r.call(join("e"));
    expect(full).toMatchObject({ ok: false, problem: { code: "queueFull", retryAfterSecs: 5 } });
  });

  it("is limited in players: a party waits whole or not at all", () => {
    const r = arena({ maxPlayers: 4, scaling: { maxServers: 1 }, routing: { queueLimit: 7 } });
    const lost = r.must<Placement>(join("ann", { party: ["a2", "a3", "a4"] }));
    const party = (of: string) => join(`${of}1`, { party: [2, 3, 4].map((n) => `${of}${String(n)}`) });
    r.must<Queued>(party("b"));
    const full = r.call(party("c"));
    expect(full).toMatchObject({
      ok: false,
      problem: { code: "queueFull", detail: expect.stringContaining("4 of at most 7") },
    });
    expect(r.must<QueueEntry[]>({ type: "listQueue" }).map(({ playerId }) => playerId)).not.toContain("c1");
    // Those who lost their server wait beside them, and take nobody's place.
    r.autoReady = false;
    r.kill(lost.server.id);
    r.run();
    for (const player of ["d", "e", "f"]) r.must<Queued>(join(player));
    expect(code(r.call(join("g")))).toBe("queueFull");
  });

  it("tells at the deadline that there was no place", () => {
    const r = arena(one);
    r.must(join("ann"));
    const { queueTicket, sessionId } = r.must<Queued>(join("bob", { deadlineMs: 3000 }));
    const waiting = r.ask({ type: "waitQueue", queueTicket, untilMs: r.nowMs + 20_000 });
    r.advance(3000);
    expect(code(r.reply(waiting))).toBe("deadlineExceeded");
    expect(r.must<Session>({ type: "getSession", sessionId }).reason).toContain("deadlineExceeded");
    expect(r.events.find((event) => event.type === "session.ended" && event.sessionId === sessionId)?.reason).toContain(
      "deadlineExceeded",
    );
    expect(code(r.call({ type: "waitQueue", queueTicket, untilMs: r.nowMs }))).toBe("deadlineExceeded");
  });

  it("can be left", () => {
    const r = arena(one);
    r.must(join("ann"));
    const { queueTicket, sessionId } = r.must<Queued>(join("bob"));
    r.must({ type: "leaveQueue", queueTicket });
    expect(r.must<Session>({ type: "getSession", sessionId }).state).toBe("ended");
    expect(r.must<QueueEntry[]>({ type: "listQueue" })).toEqual([]);
    expect(code(r.call({ type: "waitQueue", queueTicket: "none", untilMs: 0 }))).toBe("unknownQueueTicket");
  });

  it("lets small groups pass a party that does not fit, but not for ever", () => {
    const r = arena({
      maxPlayers: 4,
      scaling: { maxServers: 1 },
      routing: { queueLimit: 100, queueDeadlineSecs: 600 },
    });
    const on = ["a", "b", "c", "d"].map((player) => r.must<Placement>(join(player)).session.id);
    const party = r.must<Queued>(join("p1", { party: ["p2", "p3"] }));
    let passed = 0;
    for (let i = 0; i < 40; i++) {
      r.must({ type: "endSession", sessionId: on.shift() ?? "", reason: "done" });
      const next = r.call(join(`n${String(i)}`));
      if (next.ok && "session" in next.value) {
        passed++;
        on.push((next.value as Placement).session.id);
      }
      if (!r.must<QueueEntry[]>({ type: "listQueue" }).some(({ queueTicket }) => queueTicket === party.queueTicket))
        break;
    }
    expect(passed).toBeGreaterThan(0);
    expect(
      r.must<Placement>({ type: "waitQueue", queueTicket: party.queueTicket, untilMs: r.nowMs }).party,
    ).toHaveLength(2);
  });
});

describe("a session's life", () => {
  it("is told by the agent: joined, then left", () => {
    const r = arena();
    const { session, server } = r.must<Placement>(join("ann"));
    r.agentOf(server.id).join(server.id, session.id, 1, r.nowMs);
    r.run();
    expect(r.must<Session>({ type: "getSession", sessionId: session.id }).state).toBe("active");
    r.agentOf(server.id).leave(server.id, session.id, r.nowMs);
    r.run();
    expect(r.must<Session>({ type: "getSession", sessionId: session.id })).toMatchObject({
      state: "ended",
      serverId: server.id,
    });
    expect(r.eventTypes().filter((type) => type.startsWith("session."))).toEqual([
      "session.reserved",
      "session.joined",
      "session.left",
      "session.ended",
    ]);
    r.advance(61_000);
    expect(code(r.call({ type: "getSession", sessionId: session.id }))).toBe("unknownSession");
  });

  it("keeps what players report of their connection", () => {
    const r = arena();
    const { session } = r.must<Placement>(join("ann"));
    r.advance(500);
    const reported = r.must<Session>({ type: "updateSession", sessionId: session.id, latencyMs: 40, packetLoss: 0.02 });
    expect(reported).toMatchObject({ latencyMs: 40, packetLoss: 0.02 });
    expect(reported.lastActivity > session.lastActivity).toBe(true);
  });

  it("is found by player, experience and server", () => {
    const r = arena();
    const { session, server } = r.must<Placement>(join("ann"));
    r.must(join("bob"));
    const found = (command: object): string[] =>
      r.must<Session[]>({ type: "findSessions", ...command }).map(({ playerId }) => playerId);
    expect(found({ playerId: "ann" })).toEqual(["ann"]);
    expect(found({ serverId: server.id })).toEqual(["ann", "bob"]);
    expect(found({ experienceId: "other" })).toEqual([]);
    expect(r.must<Session>({ type: "getSession", sessionId: session.id }).playerId).toBe("ann");
  });

  it("is followed until it moves, ends, or the time is up", () => {
    const r = arena({ scaling: { minServers: 2 } });
    const { session, server } = r.must<Placement>(join("ann"));
    const follow = (afterGeneration: number): number =>
      r.ask({ type: "followSession", sessionId: session.id, afterGeneration, untilMs: r.nowMs + 5000 });
    expect(r.reply(follow(0))).toMatchObject({
      ok: true,
      value: { session: { generation: 1 }, server: { id: server.id } },
    });
    const idle = follow(1);
    r.advance(5000);
    expect(r.reply(idle)).toMatchObject({ ok: true, value: { session: { generation: 1 } } });
    const moved = follow(1);
    r.kill(server.id);
    r.run();
    const after = r.reply(moved);
    expect(after.ok && (after.value as FollowResult).server?.id).not.toBe(server.id);
    expect(after.ok && (after.value as FollowResult).ticket).toContain(`${session.id}/2`);
    const ended = follow(2);
    r.must({ type: "endSession", sessionId: session.id, reason: "done" });
    expect(r.reply(ended)).toMatchObject({
      ok: true,
      value: { session: { state: "ended" }, server: null, ticket: null },
    });
  });

  it("has moved for one who was told of another server with the same generation, once all nodes are heard", () => {
    const r = arena();
    const { session, server } = r.must<Placement>(join("ann"));
    const follow = (afterGeneration: number, fromServerId: string): number =>
      r.ask({ type: "followSession", sessionId: session.id, afterGeneration, fromServerId, untilMs: r.nowMs + 5000 });
    expect(r.reply(follow(1, "srv-of-a-leader-before"))).toMatchObject({
      ok: true,
      value: { server: { id: server.id }, ticket: expect.stringContaining(session.id) as string },
    });
    for (const waits of [follow(1, server.id), follow(2, "srv-of-a-leader-before")]) {
      r.run();
      expect(() => r.reply(waits)).toThrow("no reply");
    }
    // It is not known yet whether a node has a later seat of it.
    r.give({ type: "leadership", leader: false, epoch: r.epoch });
    r.lead();
    const early = follow(1, "srv-of-a-leader-before");
    expect(() => r.reply(early)).toThrow("no reply");
  });

  it("gets a fresh ticket from its agent where the controller knows none", () => {
    const r = arena();
    const { session } = r.must<Placement>(join("ann"));
    r.restart();
    r.run();
    expect(
      r.must<FollowResult>({ type: "followSession", sessionId: session.id, afterGeneration: 0, untilMs: r.nowMs })
        .ticket,
    ).toContain(session.id);
  });
});

describe("routePlayers", () => {
  it("puts players on one server, all or none", () => {
    const r = arena({ maxPlayers: 2, scaling: { minServers: 2 } });
    const [, target] = r.must<Server[]>(servers);
    const serverId = target?.id ?? "";
    expect(code(r.call({ type: "routePlayers", serverId, players: ["a", "b", "c"] }))).toBe("serverFull");
    const placed = r.must<Placement[]>({ type: "routePlayers", serverId, players: ["a", "b"] });
    expect(placed.map(({ server, session }) => [server.id, session.playerId])).toEqual([
      [serverId, "a"],
      [serverId, "b"],
    ]);
    expect(
      r
        .must<Placement[]>({ type: "routePlayers", serverId, players: ["a", "b"] })
        .map(({ session }) => session.id)
        .sort(),
    ).toEqual(placed.map(({ session }) => session.id).sort());
  });

  it.each([
    ["unknownServer", "none", ["a"]],
    ["invalid", "first", []],
    ["playerElsewhere", "second", ["ann"]],
  ])("refuses with %s", (wanted, which, players) => {
    const r = arena({ scaling: { minServers: 2 } });
    const placed = r.must<Placement>(join("ann")).server.id;
    const other = r.must<Server[]>(servers).find(({ id }) => id !== placed)?.id ?? "";
    const serverId = which === "first" ? placed : which === "second" ? other : "none";
    expect(code(r.call({ type: "routePlayers", serverId, players }))).toBe(wanted);
  });

  it("refuses servers that take nobody", () => {
    const r = arena({ scaling: { minServers: 1 } });
    const [server] = r.must<Server[]>(servers);
    const serverId = server?.id ?? "";
    r.must(join("ann"));
    r.must({ type: "terminateServer", serverId, drainSecs: 60, force: false, reason: "test" });
    expect(code(r.call({ type: "routePlayers", serverId, players: ["bob"] }))).toBe("serverClosed");
  });
});
