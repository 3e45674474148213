import type { Placement, Session } from "../../controller/core/resources";
import { ForgeRun } from "./forge-run";
import { buildPocketGame, pocketExperience, PocketServer, QUICK_HEALTH } from "./pocket";
import type { Loose } from "./loose";

jest.setTimeout(120_000);

const STEPS = ["detect", "isolate", "migrate", "terminate", "replace"];

describe("players of a server that goes", () => {
  const game = buildPocketGame();
  let run: ForgeRun;

  beforeAll(async () => {
    run = await ForgeRun.start({
      config: `
${QUICK_HEALTH}
[[regions]]
name = "here"
${pocketExperience(game.file)}
[experiences.pocket.scaling]
min_servers = 2
max_servers = 4
scale_down_cooldown_secs = 3600
`,
      args: ["--no-demo"],
    });
    await run.server("pocket");
  });
  afterAll(async () => {
    await run.dispose();
    game.remove();
  });

  /** Places a player and lets them in; `score` is what the server has saved of them. */
  async function play(playerId: string, score?: number): Promise<{ placement: Placement; server: PocketServer }> {
    const placement = await run.place({ playerId, experienceId: "pocket" });
    const server = PocketServer.at(placement.server);
    expect(await server.join(placement.ticket)).toMatchObject({ admitted: true, playerId, restore: null });
    await run.next({ type: "session.joined", playerId });
    if (score !== undefined) {
      await server.post("/score", { playerId, score });
      await server.post("/save");
    }
    return { placement, server };
  }

  /** Where the session is after its first move, asked with the old ticket as a player does. */
  async function follow({ session, ticket }: Placement): Promise<Placement> {
    return run.ask<Placement>("GET", `/v1/sessions/${session.id}?wait=25`, undefined, {
      token: null,
      headers: { authorization: `Ticket ${ticket}` },
    });
  }

  async function leave(playerId: string, server: PocketServer): Promise<void> {
    const from = run.mark;
    await server.post("/leave", { playerId });
    await run.next({ type: "session.ended", playerId }, from);
  }

  test("SIGKILL: detect, isolate, migrate, terminate, replace; the player plays on with what was saved", async () => {
    const { placement, server } = await play("ann", 7);
    const from = run.mark;
    process.kill((await server.state()).pid, "SIGKILL");

    const serverId = server.id;
    await run.next({ type: "failover", step: "replace", serverId }, from);
    const steps = run.tap.all({ type: "failover", serverId }, from);
    expect(steps.map(({ step }) => step)).toEqual(STEPS);
    const times = steps.map(({ at }) => Date.parse(at));
    expect(times.every(Number.isFinite)).toBe(true);
    expect([...times].sort((a, b) => a - b)).toEqual(times);

    const moved = await run.next({ type: "session.moved", playerId: "ann" }, from);
    const now = await follow(placement);
    expect(now.session).toMatchObject({ id: placement.session.id, playerId: "ann", moves: 1 });
    expect(now.session.generation).toBeGreaterThan(placement.session.generation);
    expect(now.server.id).not.toBe(serverId);
    expect(now.session.restoredAgeMs).toBeGreaterThanOrEqual(0);
    expect(moved.detail["restoredAgeMs"]).toBe(now.session.restoredAgeMs);

    const next = PocketServer.at(now.server);
    const admission = await next.join(now.ticket);
    expect(admission).toMatchObject({ admitted: true, playerId: "ann", restore: { data: "7" } });
    expect(admission["restore"].ageMs).toBeGreaterThanOrEqual(now.session.restoredAgeMs as number);
    expect((await next.state()).players["ann"]?.score).toBe(7);

    // What took its place is ready, and of the lost one it is said how it ended.
    const replaced = await run.next({ type: "server.replaced", serverId }, from);
    await run.next({ type: "server.ready", serverId: replaced.detail["replacementId"] as string }, from);
    expect(await run.ask("GET", `/v1/servers/${serverId}`)).toMatchObject({ state: "terminated", players: 0 });
    await leave("ann", next);
  });

  test("a server that hangs is given up after its failed checks, and its process is gone", async () => {
    const { placement, server } = await play("bob", 3);
    const from = run.mark;
    await server.post("/hang");
    const serverId = server.id;
    await run.next({ type: "failover", step: "replace", serverId }, from);
    expect(run.tap.all({ type: "failover", serverId }, from).map(({ step }) => step)).toEqual(STEPS);
    const [detect] = run.tap.all({ type: "failover", step: "detect", serverId }, from);
    expect(detect).toMatchObject({
      detail: { gone: false, sessions: 1 },
      reason: expect.stringContaining("unhealthy"),
    });
    const now = await follow(placement);
    expect(now.server.id).not.toBe(serverId);
    const next = PocketServer.at(now.server);
    expect(await next.join(now.ticket)).toMatchObject({ admitted: true, restore: { data: "3" } });
    await run.next({ type: "server.terminated", serverId }, from);
    await leave("bob", next);
  });

  test("a drained server keeps its players until the deadline, then they are moved with their state", async () => {
    const { placement, server } = await play("cleo", 5);
    const from = run.mark;
    const answer = await run.ask("DELETE", `/v1/servers/${server.id}?drain=3&reason=patch+day`);
    expect(answer).toMatchObject({ id: server.id, state: "draining", reason: "patch day", players: 1 });
    const { deadlineMs, reason } = await server.told("draining");
    expect(reason).toBe("patch day");

    // Who is there stays and plays, and nobody new comes on.
    expect(await run.ask<Session>("GET", `/v1/sessions/${placement.session.id}`)).toMatchObject({
      state: "active",
      serverId: server.id,
      generation: placement.session.generation,
    });
    const other = await play("dora");
    expect(other.server.id).not.toBe(server.id);

    const moved = await run.next({ type: "session.moved", playerId: "cleo" }, from);
    expect(Date.parse(moved.at)).toBeGreaterThanOrEqual(deadlineMs as number);
    expect(run.tap.all({ type: "failover", serverId: server.id }, from)).toEqual([]);
    const now = await follow(placement);
    const next = PocketServer.at(now.server);
    expect(await next.join(now.ticket)).toMatchObject({ admitted: true, restore: { data: "5" } });
    await run.next({ type: "server.terminated", serverId: server.id }, from);
    await leave("cleo", next);
    await leave("dora", other.server);
  });

  test("a drained server ends as soon as its last player has left", async () => {
    const { placement, server } = await play("eve");
    const from = run.mark;
    await run.ask("DELETE", `/v1/servers/${server.id}?drain=3600`);
    await leave("eve", server);
    await run.next({ type: "server.terminated", serverId: server.id }, from);
    expect(run.tap.all({ type: "session.moved" }, from)).toEqual([]);
    expect(await run.ask("GET", `/v1/sessions/${placement.session.id}`)).toMatchObject({ state: "ended" });
  });

  test("force ends a server with players on it, and says so", async () => {
    const { placement, server } = await play("finn", 9);
    const { pid } = await server.state();
    const from = run.mark;
    // It ends when its stop has been looked at: where players are still to be moved then, that is the newest decision about it.
    process.kill(pid, "SIGSTOP");
    await run.ask("DELETE", `/v1/servers/${server.id}?force=true&reason=on+fire`);
    const stopping = await run.next({ type: "server.stopping", serverId: server.id }, from);
    expect(stopping).toMatchObject({ reason: "on fire", detail: { force: true, players: 1 } });
    const decision = await run.ask<Loose>("GET", `/v1/decisions/${server.id}`);
    expect(decision).toMatchObject({ kind: "stop", outcome: "stopped with players on" });
    // As long as it has not ended, what it waits for comes after them.
    expect((decision.reasons as string[]).slice(0, 2)).toEqual(["on fire", "1 players on it"]);
    process.kill(pid, "SIGCONT");
    const { items } = await run.ask<{ items: Loose[] }>("GET", "/v1/audit?action=server.terminate");
    expect(items[0]).toMatchObject({ sub: "operator", path: `/v1/servers/${server.id}`, status: 200 });
    // Even so the player is held a seat elsewhere.
    const now = await follow(placement);
    expect(now.server.id).not.toBe(server.id);
    const next = PocketServer.at(now.server);
    expect(await next.join(now.ticket)).toMatchObject({ admitted: true, restore: { data: "9" } });
    await run.next({ type: "server.terminated", serverId: server.id }, from);
    await leave("finn", next);
  });

  test("nobody was lost", () => {
    expect(run.tap.all({ type: "session.lost" })).toEqual([]);
    expect(run.strange).toEqual([]);
  });
});
