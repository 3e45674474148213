import { arena, code, join, servers } from "./testing/ask";
import type { Placement, Queued, Server, Session } from "./resources";

const spawn = { type: "spawnServer" as const, experienceId: "arena", waitReady: false };

describe("spawnServer", () => {
  it("replies at once, or when it is ready", () => {
    const r = arena({ scaling: { minServers: 0 } });
    const now = r.ask(spawn);
    expect(r.reply(now)).toMatchObject({ ok: true, value: { state: "starting" } });
    const later = r.ask({ ...spawn, waitReady: true, labels: { map: "ice" } });
    expect(() => r.reply(later)).toThrow("no reply yet");
    r.run();
    expect(r.reply(later)).toMatchObject({ ok: true, value: { state: "ready", labels: { map: "ice" } } });
  });

  it("with the same serverId starts one server", () => {
    const r = arena({ scaling: { minServers: 0 } });
    const first = r.must<Server>({ ...spawn, serverId: "mine" });
    const again = r.must<Server>({ ...spawn, serverId: "mine", waitReady: true });
    expect([first.id, again.id, again.state, r.engine.starts]).toEqual(["mine", "mine", "ready", 1]);
  });

  it("refuses a key that came with another body, also where the answer's memory is gone", () => {
    const r = arena({ scaling: { minServers: 0 } });
    const keyed = { ...spawn, keyPrefix: "key1-" };
    r.must<Server>({ ...keyed, serverId: "key1-a", labels: { mode: "x" } });
    r.must({ type: "labelServer", serverId: "key1-a", labels: { mode: "z" } });
    expect(r.must<Server>({ ...keyed, serverId: "key1-a", labels: { mode: "x" } }).id).toBe("key1-a");
    const other = r.call({ ...keyed, serverId: "key1-b", labels: { mode: "y" }, waitReady: true });
    expect(other).toMatchObject({
      ok: false,
      problem: { code: "idempotencyMismatch", info: { serverId: "key1-a" } },
    });
    expect(r.must<Server>({ ...spawn, serverId: "key2-b", keyPrefix: "key2-" }).id).toBe("key2-b");
    expect(r.engine.starts).toBe(2);
  });

  it.each([
    ["unknownExperience", { experienceId: "nowhere" }],
    ["unknownVersion", { version: "9" }],
    ["invalid", { maxPlayers: 0 }],
    ["invalid", { labels: { much: "x".repeat(5000) } }],
  ])("refuses with %s", (wanted, more) => {
    expect(code(arena().call({ ...spawn, ...more }))).toBe(wanted);
  });

  it("refuses beyond the maximum", () => {
    const r = arena({ scaling: { minServers: 2, maxServers: 2 } });
    expect(code(r.call(spawn))).toBe("noCapacity");
    expect(r.engine.starts).toBe(2);
  });

  it("says that a server that cannot start did not, and does not spin", () => {
    const r = arena({ scaling: { minServers: 0 } });
    r.engine.refuse = "program missing";
    const failed = r.call({ ...spawn, waitReady: true });
    expect(failed).toMatchObject({ ok: false, problem: { code: "startFailed" } });
    // Of its experience too, where whoever misses servers looks.
    expect(r.must({ type: "getDecision", id: "arena" })).toMatchObject({
      outcome: "failed",
      reasons: expect.arrayContaining(["program missing", "1 failure; next start of arena in 60 s"]),
    });
    expect(r.call(join("ann"))).toMatchObject({
      ok: false,
      problem: { code: "startFailed", detail: "servers of arena cannot start: program missing" },
    });
    const starts = r.events.filter(({ type }) => type === "server.spawned").length;
    r.advance(50_000);
    expect(r.events.filter(({ type }) => type === "server.spawned")).toHaveLength(starts);
  });

  it("gives up a server that is never ready, and tries again ever more slowly", () => {
    const r = arena({ readyTimeoutSecs: 5, scaling: { minServers: 0, maxServers: 1 } });
    r.autoReady = false;
    const waiting = r.ask({ ...spawn, waitReady: true });
    r.must({ type: "putFleet", experienceId: "arena", policy: { minServers: 1 } });
    r.advance(5000);
    expect(r.reply(waiting)).toMatchObject({ ok: false, problem: { code: "startFailed" } });
    r.advance(300_000);
    const spawned = r.events.filter(({ type }) => type === "server.spawned").map(({ at }) => Date.parse(at));
    const gaps = spawned.slice(1).map((at, i) => Math.round((at - (spawned[i] ?? 0)) / 1000) - 5);
    expect(gaps.slice(0, 6)).toEqual([1, 2, 4, 8, 16, 32]);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(60);
    expect(r.must<Server[]>(servers).length).toBeLessThanOrEqual(1);
  });

  it("tries again where a port was still taken", () => {
    const r = arena({ scaling: { minServers: 0 } });
    const server = r.must<Server>({ ...spawn, serverId: "mine" });
    r.give({
      type: "engine",
      event: { type: "blocked", serverId: server.id, reason: "no room yet", code: "noCapacity", final: false },
    });
    expect(r.must<Server>({ type: "getServer", serverId: "mine" }).state).toBe("ready");
  });
});

describe("terminateServer", () => {
  it("waits for players until its deadline, taking nobody new", () => {
    const r = arena({ scaling: { minServers: 1 } });
    const { server, session } = r.must<Placement>(join("ann"));
    const agent = r.agentOf(server.id);
    agent.join(server.id, session.id, 1, r.nowMs);
    r.must({ type: "terminateServer", serverId: server.id, drainSecs: 30, force: false, reason: "maintenance" });
    expect(agent.notices.map(({ notice }) => notice.kind)).toContain("draining");
    const bob = r.must<Queued>(join("bob"));
    r.advance(20_000);
    expect(r.must<Session>({ type: "getSession", sessionId: bob.sessionId }).serverId).not.toBe(server.id);
    expect(r.must<Server>({ type: "getServer", serverId: server.id })).toMatchObject({ state: "draining", players: 1 });
    agent.leave(server.id, session.id, r.nowMs);
    r.run();
    expect(r.must<Server>({ type: "getServer", serverId: server.id })).toMatchObject({
      state: "terminated",
      reason: "maintenance",
    });
  });

  it("moves players at the deadline: a seat elsewhere first, then the old one goes", () => {
    const r = arena({ scaling: { minServers: 2 } });
    const { server, session } = r.must<Placement>(join("ann"));
    r.agentOf(server.id).join(server.id, session.id, 1, r.nowMs);
    const order: string[] = [];
    r.watch = (decision) => {
      if (decision.type === "send" && (decision.body.kind === "grant" || decision.body.kind === "release"))
        order.push(decision.body.kind);
      if (decision.type === "stop") order.push("stop");
    };
    r.must({ type: "terminateServer", serverId: server.id, drainSecs: 5, force: false, reason: "maintenance" });
    r.advance(6000);
    expect(order).toEqual(["grant", "release", "stop"]);
    expect(r.must<Session>({ type: "getSession", sessionId: session.id })).toMatchObject({ generation: 2, moves: 1 });
    expect(r.must<Server>({ type: "getServer", serverId: server.id }).state).toBe("terminated");
  });

  it("starts what it needs for the players it moves", () => {
    const r = arena({ scaling: { minServers: 1 } });
    const { server, session } = r.must<Placement>(join("ann"));
    r.must({ type: "terminateServer", serverId: server.id, drainSecs: 0, force: false, reason: "bad node" });
    r.advance(1000);
    expect(r.must<Session>({ type: "getSession", sessionId: session.id }).serverId).not.toBe(server.id);
  });

  it("keeps players on where there is no place elsewhere, until they are lost", () => {
    const r = arena({ scaling: { minServers: 1, maxServers: 1 } });
    const { server, session } = r.must<Placement>(join("ann"));
    r.agentOf(server.id).join(server.id, session.id, 1, r.nowMs);
    r.must({ type: "terminateServer", serverId: server.id, drainSecs: 0, force: false, reason: "asked" });
    r.advance(50_000);
    expect(r.engine.running(server.id)).toBe(true);
    r.advance(11_000);
    expect(r.eventTypes()).toContain("session.lost");
    expect(r.engine.running(server.id)).toBe(false);
  });

  it("with force stops at once and says what became of the players", () => {
    const r = arena({ scaling: { minServers: 2 } });
    const { server, session } = r.must<Placement>(join("ann"));
    r.must({ type: "terminateServer", serverId: server.id, drainSecs: 0, force: true, reason: "now" });
    expect(r.engine.running(server.id)).toBe(false);
    expect(r.must<Session>({ type: "getSession", sessionId: session.id })).toMatchObject({
      state: "reserved",
      moves: 1,
    });
    expect(r.eventTypes()).toEqual(expect.arrayContaining(["session.migrating", "session.moved"]));
  });

  it("a second time is refused, unless it is stricter", () => {
    const r = arena({ scaling: { minServers: 2 } });
    const { server } = r.must<Placement>(join("ann"));
    const terminate = (drainSecs: number, force = false): string =>
      code(r.call({ type: "terminateServer", serverId: server.id, drainSecs, force, reason: "x" }));
    expect([
      terminate(60),
      terminate(60),
      terminate(90),
      terminate(10),
      terminate(60, true),
      terminate(60, true),
    ]).toEqual(["ok", "alreadyTerminated", "alreadyTerminated", "ok", "ok", "alreadyTerminated"]);
    expect(code(r.call({ type: "terminateServer", serverId: "none", drainSecs: 0, force: false, reason: "x" }))).toBe(
      "unknownServer",
    );
  });

  it("is waited for while the agent is away: only a closed server is stopped", () => {
    const r = arena({ scaling: { minServers: 1 } });
    const [server] = r.must<Server[]>(servers);
    r.cut("n1");
    r.must({ type: "terminateServer", serverId: server?.id ?? "", drainSecs: 0, force: false, reason: "x" });
    r.advance(20_000);
    expect(r.engine.running(server?.id ?? "")).toBe(true);
    r.connect("n1");
    r.run();
    expect(r.engine.running(server?.id ?? "")).toBe(false);
  });
});

describe("labels", () => {
  it("are changed here and at the agent, and null takes one away", () => {
    const r = arena();
    const [server] = r.must<Server[]>(servers);
    const serverId = server?.id ?? "";
    r.must({ type: "labelServer", serverId, labels: { a: "1", b: "2" }, annotations: { note: "x" } });
    r.must({ type: "labelServer", serverId, labels: { a: null } });
    expect(r.must<Server>({ type: "getServer", serverId })).toMatchObject({
      labels: { b: "2" },
      annotations: { note: "x" },
    });
    expect(r.agentOf(serverId).servers.get(serverId)?.labels).toEqual({ b: "2" });
    expect(code(r.call({ type: "labelServer", serverId: "none", labels: {} }))).toBe("unknownServer");
  });
});

it("a server that asks to be shut down ends its players' sessions and goes", () => {
  const r = arena({ scaling: { minServers: 1 } });
  const { server, session } = r.must<Placement>(join("ann"));
  r.agentOf(server.id).say(server.id, { kind: "shutdownAsked" }, r.nowMs);
  r.run();
  expect(r.must<Session>({ type: "getSession", sessionId: session.id })).toMatchObject({ state: "ended" });
  expect(r.must<Server>({ type: "getServer", serverId: server.id }).state).toBe("terminated");
  expect(r.must<Server[]>(servers)).toHaveLength(1);
});
