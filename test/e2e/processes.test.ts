import type { Fleet, MatchAllocation, Placement, Region, Server, Session } from "../../controller/core/resources";
import { ForgeRun } from "./forge-run";
import { buildPocketGame, pocketExperience, PocketServer, QUICK_HEALTH } from "./pocket";

jest.setTimeout(120_000);

describe("programs that are killed one by one under --processes, with players on", () => {
  const game = buildPocketGame();
  let run: ForgeRun;
  let ann: Placement;
  let pocket: PocketServer;
  let pid: number;

  beforeAll(async () => {
    run = await ForgeRun.start({
      config: `
${QUICK_HEALTH}
[[regions]]
name = "here"
[[regions]]
name = "there"
${pocketExperience(game.file)}
[experiences.pocket.scaling]
min_servers = 1
max_servers = 3
scale_down_cooldown_secs = 3600
`,
      args: ["--no-demo", "--processes"],
    });
    for (const region of ["here", "there"]) await run.next({ type: "server.ready", region });
    const wanted = { experienceId: "pocket", region: "here", labels: { map: "dust" } };
    const server = await run.ask<Server>("POST", "/v1/servers?wait=ready", wanted);
    await run.ask("PUT", "/v1/fleets/pocket?region=here", { desired: 2 });
    const routed = await run.ask<{ items: Placement[] }>("POST", `/v1/servers/${server.id}/sessions`, {
      players: ["ann"],
    });
    ann = routed.items[0] as Placement;
    pocket = PocketServer.at(ann.server);
    await pocket.join(ann.ticket);
    await pocket.post("/score", { playerId: "ann", score: 11 });
    await pocket.post("/save");
    await run.next({ type: "session.joined", playerId: "ann" });
    ({ pid } = await pocket.state());
  });
  afterAll(async () => {
    await run.dispose();
    game.remove();
  });

  function kill(program: "controller" | "agent" | "gate", region = "here"): void {
    const mark = `/programs/${program}.${region}.json`;
    const line = run.folder.processes(run.runId).find((words) => words.includes(mark));
    process.kill(Number(line?.split(" ")[0]), "SIGKILL");
  }

  /** Another controller leads, and its node is there: that may have come before it led, and then no event tells. */
  async function leadsAgain(region: string, from: number): Promise<void> {
    await run.next({ type: "leader.changed", region }, from);
    const at = { url: run.ready.regions[region] ?? "" };
    await run.until(
      () => run.ask<{ items: Region[] }>("GET", "/v1/regions", undefined, at),
      ({ items }) => items.some(({ name, nodes }) => name === region && nodes[0]?.state === "connected"),
    );
    await run.until(
      () => run.call("GET", "/ready", undefined, at),
      ({ status }) => status === 200,
    );
  }

  /** She plays where she played: the same server, in the same process, with the same session. */
  async function annPlaysOn(): Promise<void> {
    const { id, generation } = ann.session;
    const session = { id, generation, state: "active", serverId: ann.server.id, moves: 0 };
    expect(await run.ask("GET", `/v1/sessions/${id}`)).toMatchObject(session);
    expect(await pocket.state()).toMatchObject({ pid, players: { ann: { score: 11 } } });
    expect(run.tap.all({ type: "session.lost" })).toEqual([]);
  }

  /** A newcomer finds a place, and gets in: agent, gate and controller are all at work. */
  async function newcomer(playerId: string): Promise<void> {
    const placement = await run.place({ playerId, experienceId: "pocket", region: "here" });
    const server = PocketServer.at(placement.server);
    expect(await server.join(placement.ticket)).toMatchObject({ admitted: true, playerId });
    await run.next({ type: "session.joined", playerId });
    await server.post("/leave", { playerId });
    await run.next({ type: "session.left", playerId });
  }

  test("the controller: a new one leads with a higher epoch and knows everything", async () => {
    const before = await run.ask<Server>("GET", `/v1/servers/${ann.server.id}`);
    const fleet = await run.ask("GET", "/v1/fleets/pocket?region=here");
    const from = run.mark;
    kill("controller");
    // Another region goes on meanwhile, and says who is missing.
    const there = run.ready.regions["there"] ?? "";
    expect(await run.call("GET", "/v1/servers?region=there", undefined, { url: there })).toMatchObject({ status: 200 });
    await leadsAgain("here", from);

    await annPlaysOn();
    const after = await run.ask<Server>("GET", `/v1/servers/${ann.server.id}`);
    const { stats: _stats, reason: _reason, readyAt: _readyAt, ...kept } = before;
    expect(after).toMatchObject(kept);
    expect((await run.ask("GET", "/v1/fleets/pocket?region=here")).servers).toEqual(fleet.servers);
    // Her ticket from before the change is still hers.
    const again = await run.ask<Placement>("POST", "/v1/sessions", { playerId: "ann", experienceId: "pocket" });
    expect(again).toMatchObject({ existing: true, session: { id: ann.session.id } });
    expect(run.tap.all({ type: "failover" }, from)).toEqual([]);
    await newcomer("bo");
  });

  test("the controller, with calls made again at the new one: each has the effect of once", async () => {
    const spawn = { experienceId: "pocket", region: "there" };
    const match = { experienceId: "pocket", region: "there", matchId: "m-1", players: [{ playerId: "mia" }] };
    const key = { headers: { "idempotency-key": "evening" } };
    const place = { playerId: "sam", experienceId: "pocket", region: "there" };
    const before = {
      server: await run.ask<Server>("POST", "/v1/servers?wait=ready", spawn, key),
      match: await run.ask<MatchAllocation>("POST", "/v1/allocations", match, key),
      session: await run.ask<Placement>("POST", "/v1/sessions", place, key),
    };
    const from = run.mark;
    kill("controller", "there");
    await leadsAgain("there", from);

    // Asked at the new controller itself: the one that is called keeps answers of its own.
    const there = { ...key, url: run.ready.regions["there"] ?? "" };
    const again = {
      server: await run.ask<Server>("POST", "/v1/servers?wait=ready", spawn, there),
      match: await run.ask<MatchAllocation>("POST", "/v1/allocations", match, there),
      session: await run.ask<Placement>("POST", "/v1/sessions", place, there),
    };
    expect(again.server.id).toBe(before.server.id);
    expect([again.match.server.id, again.match.connection]).toEqual([before.match.server.id, before.match.connection]);
    expect(again.session).toMatchObject({ existing: true, session: { id: before.session.session.id } });
    expect(run.tap.all({ type: "server.spawned", region: "there" }, from)).toEqual([]);
    for (const playerId of ["mia", "sam"]) {
      const { items } = await run.ask<{ items: Session[] }>("GET", `/v1/sessions?playerId=${playerId}`);
      expect(items).toHaveLength(1);
    }
  });

  test("the controller in the middle of a canary: the new one goes on with it, and back when it is told to", async () => {
    const fleet = "/v1/fleets/pocket?region=there";
    const from = run.mark;
    await run.ask("PUT", fleet, { desired: 2, policy: { buffer: 1 } });
    await run.ask("PUT", fleet, { version: "2", canary: 0.5 });
    await run.next({ type: "server.spawned", region: "there", reason: "the first server of version 2" }, from);
    const before = await run.ask<Fleet>("GET", fleet);
    const killed = run.mark;
    kill("controller", "there");
    await leadsAgain("there", killed);
    const { version, policy, rollout } = await run.until(
      () => run.ask<Fleet>("GET", fleet),
      ({ rollout: now }) => now !== null,
    );
    expect({ version, policy }).toEqual({ version: before.version, policy: before.policy });
    expect(rollout).toMatchObject({ state: "canary", share: 0.5, startedAt: before.rollout?.startedAt });
    await run.until(
      () => run.call("PUT", fleet, { rollout: "rollback" }),
      ({ status }) => status === 200,
    );
    expect(await run.next({ type: "rollout", step: "rolledBack" }, killed)).toMatchObject({ toVersion: version });
    await run.ask("PUT", fleet, { desired: 0, policy: { buffer: 0 } });
  });

  test("the agent: a new one knows the seats from its journal", async () => {
    const from = run.mark;
    kill("agent");
    await run.next({ type: "node.connected", region: "here" }, from);
    await annPlaysOn();
    // Who is in is in: the ticket does not let anybody in a second time.
    expect(await pocket.post("/join", { ticket: ann.ticket })).toMatchObject({ admitted: false });
    expect(run.tap.all({ type: "failover" }, from)).toEqual([]);
    await newcomer("cy");
  });

  test("the gate: its servers connect anew, and none of them has failed", async () => {
    const from = run.mark;
    kill("gate");
    await newcomer("dee");
    await annPlaysOn();
    expect(run.tap.all({ type: "failover" }, from)).toEqual([]);
  });

  test("controller and agent at once", async () => {
    const [server] = (await run.ask<{ items: Server[] }>("GET", "/v1/servers?region=here&state=ready")).items;
    const from = run.mark;
    kill("agent");
    kill("controller");
    await leadsAgain("here", from);
    await newcomer("eve");
    expect(await run.ask("GET", `/v1/servers/${server?.id}`)).toMatchObject({ state: "ready" });
    expect(run.tap.all({ type: "session.lost" })).toEqual([]);
  });
});
