import { ACCESS } from "../../controller/api/access";
import type { MatchAllocation, Placement, Queued, Server } from "../../controller/core/resources";
import { ApiContract } from "./api-contract";
import { EventReader } from "./event-reader";
import { ForgeRun } from "./forge-run";
import { buildPocketGame, pocketExperience, PocketServer } from "./pocket";

jest.setTimeout(120_000);

const ids = (items: readonly { readonly id: string }[]): string[] => items.map(({ id }) => id).sort();

/** Two regions; a reported experience everywhere, and one of whole matches. Nothing scales by itself. */
const config = (file: string): string => `
[scaling]
min_servers_per_region = 0

[[regions]]
name = "east"
location = [38.9, -77.4]
[[regions]]
name = "west"
location = [45.6, -121.2]
${pocketExperience(file)}
[experiences.pocket.scaling]
min_servers = 1
max_servers = 3
scale_down_cooldown_secs = 3600

[experiences.duel]
command = "${file}"
max_players = 2
seats = "match"
cpu = 100
memory = 96
ports = { game = "http" }
regions = ["east"]
[experiences.duel.scaling]
min_servers = 1
max_servers = 2
`;

describe("every call of the API at a real run", () => {
  const game = buildPocketGame();
  let run: ForgeRun;
  let api: ApiContract;
  let eastern: Server;

  beforeAll(async () => {
    run = await ForgeRun.start({ config: config(game.file), args: ["--no-demo"] });
    api = await ApiContract.of(run);
    for (const region of ["east", "west"]) await run.next({ type: "server.ready", experienceId: "pocket", region });
    await run.server("duel");
  });
  afterAll(async () => {
    await run.dispose();
    game.remove();
  });

  test("what the controller says of itself is open to all", async () => {
    const open = { token: null };
    expect((await api.call("GET /health", open)).body).toMatchObject({ status: "ok", region: "east" });
    expect((await api.call("GET /ready", open)).body).toMatchObject({ status: "ready", leader: true, epoch: 1 });
    const metrics = (await api.call("GET /metrics", open)).body;
    expect(metrics).toMatch(/^forge_agents_connected\{region="east"\} 1$/m);
    expect(metrics).toMatch(/^forge_servers\{region="east",experience="pocket",state="ready"\} 1$/m);
    expect(metrics).toMatch(/^forge_spawn_seconds_count\{region="east",experience="pocket"\} 1$/m);
    expect((await api.call("GET /.well-known/jwks.json", open)).body).toEqual({ keys: [] });
    expect((await api.call("GET /openapi.json", open)).body).toMatchObject({ openapi: "3.1.0" });
    const page = await run.call("GET", "/", undefined, open);
    expect([page.status, page.headers.get("content-type")]).toEqual([200, expect.stringContaining("text/html")]);
  });

  test("servers: spawn, once for one Idempotency-Key, in the other region too; list, page, label, logs", async () => {
    const body = { experienceId: "pocket", region: "east", maxPlayers: 1, labels: { mode: "solo", map: "dust" } };
    const headers = { "idempotency-key": "walk-1" };
    const spawn = { query: "?wait=ready", body, headers, status: 201 };
    const spawned = await api.call<Server>("POST /v1/servers", spawn);
    eastern = spawned.body;
    expect(spawned.headers.get("location")).toBe(`/v1/servers/${eastern.id}`);
    expect(eastern).toMatchObject({ state: "ready", region: "east", maxPlayers: 1, labels: body.labels });
    expect((await api.call<Server>("POST /v1/servers", spawn)).body.id).toBe(eastern.id);

    const there = await api.call<Server>("POST /v1/servers", {
      ...spawn,
      headers: {},
      body: { ...body, region: "west" },
    });
    expect(there.body).toMatchObject({ region: "west", state: "ready" });
    // Empty and not needed, but asked for just now: a change of policy has scaling look at once, and both stay.
    for (const region of ["east", "west"]) {
      const fleet = { path: { experienceId: "pocket" }, query: `?region=${region}` };
      await api.call("PUT /v1/fleets/:experienceId", { ...fleet, body: { policy: { targetCpu: 0.6 } } });
      await run.next({ type: "config.changed", region });
      await api.call("PUT /v1/fleets/:experienceId", { ...fleet, body: { desired: 2 } });
    }
    const path = { id: there.body.id };
    expect((await api.call<Server>("GET /v1/servers/:id", { path })).body).toMatchObject(path);

    const all = (await api.call("GET /v1/servers")).body.items;
    expect(ids(all)).toEqual(expect.arrayContaining([eastern.id, there.body.id].sort()));
    const pages: Server[] = [];
    for (let next = ""; ;) {
      const page = (await api.call("GET /v1/servers", { query: `?limit=2${next && `&after=${next}`}` })).body;
      expect(page.items.length).toBeLessThanOrEqual(2);
      pages.push(...page.items);
      if (page.next === null) break;
      next = page.next;
    }
    expect(ids(pages)).toEqual(ids(all));
    const query = "?region=west&experienceId=pocket&state=ready";
    const western: Server[] = (await api.call("GET /v1/servers", { query })).body.items;
    expect(new Set(western.map(({ region, state }) => `${region} ${state}`))).toEqual(new Set(["west ready"]));

    const labels = { labels: { mode: null, season: "9" }, annotations: { note: "labelled by the walk" } };
    const labelled = await api.call("PATCH /v1/servers/:id", { path: { id: eastern.id }, body: labels });
    expect(labelled.body).toMatchObject({ labels: { map: "dust", season: "9" }, annotations: labels.annotations });
    const log = await api.call("GET /v1/servers/:id/logs", { path });
    expect(log.body).toContain(`pocket game of ${there.body.id} is up`);
  });

  test("a log that is followed ends with its server", async () => {
    const body = { experienceId: "pocket", region: "west" };
    const { id } = (await api.call<Server>("POST /v1/servers", { query: "?wait=ready", body, status: 201 })).body;
    const followed = api.call("GET /v1/servers/:id/logs", { path: { id }, query: "?follow=true" });
    const ended = await api.call("DELETE /v1/servers/:id", { path: { id }, query: "?drain=0&reason=walked" });
    expect(ended.body).toMatchObject({ id, state: "draining", reason: "walked" });
    expect((await followed).body).toMatch(/is up\n(.*\n)*asked to stop\n$/);
    await run.next({ type: "server.terminated", serverId: id });
  });

  test("sessions: route to a server, all or none; place, find, follow, report, end", async () => {
    const path = { id: eastern.id };
    const routed = await api.call("POST /v1/servers/:id/sessions", { path, body: { players: ["ann"] } });
    const [placement] = routed.body.items as Placement[];
    expect(placement).toMatchObject({ server: { id: eastern.id }, session: { playerId: "ann", state: "reserved" } });
    const full = await api.call("POST /v1/servers/:id/sessions", {
      path,
      body: { players: ["bo", "cy"] },
      status: 409,
    });
    expect(full.body).toMatchObject({ code: "serverFull" });
    const listed = await api.call("GET /v1/servers/:id/sessions", { path });
    expect(ids(listed.body.items)).toEqual([placement?.session.id]);

    // The server knows what it was started with and what was changed since; what it sets itself comes on top.
    const pocket = PocketServer.at(eastern);
    await pocket.post("/labels", { round: "2" });
    await pocket.join(placement?.ticket ?? "");
    await run.next({ type: "session.joined", playerId: "ann" });
    const labels = { map: "dust", season: "9", round: "2" };
    expect(await pocket.get("/gameserver")).toMatchObject({ labels, annotations: { note: "labelled by the walk" } });
    expect((await api.call<Server>("GET /v1/servers/:id", { path })).body.labels).toEqual(labels);

    const wanted = { playerId: "dee", experienceId: "pocket", latencies: { west: 9, east: 80 } };
    const placed = (await api.call<Placement>("POST /v1/sessions", { body: wanted })).body;
    expect(placed.session).toMatchObject({ region: "west", state: "reserved" });
    expect(await PocketServer.at(placed.server).join(placed.ticket)).toMatchObject({ admitted: true });
    await run.next({ type: "session.joined", playerId: "dee" });
    const session = { id: placed.session.id };
    const found = await api.call("GET /v1/sessions", { query: "?playerId=dee" });
    expect(found.body.items).toEqual([expect.objectContaining({ ...session, state: "active" })]);
    const report = { latencyMs: 9, packetLoss: 0.02, lastActivity: new Date().toISOString() };
    await api.call("PATCH /v1/sessions/:id", { path: session, body: report });
    const read = (await api.call("GET /v1/sessions/:id", { path: session })).body;
    expect(read).toMatchObject({ latencyMs: 9, packetLoss: 0.02, serverId: placed.server.id });
    const followed = await api.call("GET /v1/sessions/:id", { path: session, query: "?wait=1&generation=0" });
    expect(followed.body).toMatchObject({ session, server: { id: placed.server.id }, ticket: expect.any(String) });
    for (const id of [placed.session.id, placement?.session.id ?? ""])
      expect((await api.call("DELETE /v1/sessions/:id", { path: { id } })).body).toMatchObject({ id, state: "ended" });
  });

  test("the queue: wait, give up, and get the seat that becomes free", async () => {
    const body = (playerId: string) => ({ playerId, experienceId: "pocket", region: "west" });
    await api.call("PUT /v1/fleets/:experienceId", {
      path: { experienceId: "pocket" },
      query: "?region=west",
      body: { policy: { maxServers: 2 } },
    });
    // West has a server of two seats and one of one.
    const seated: Placement[] = [];
    for (const playerId of ["p1", "p2", "p3"]) seated.push(await run.place(body(playerId)));
    const [first, second] = await Promise.all(
      ["p4", "p5"].map(async (player) => {
        return (await api.call<Queued>("POST /v1/sessions", { body: body(player), status: 202 })).body;
      }),
    );
    const waiting = (await api.call("GET /v1/queue", { query: "?experienceId=pocket" })).body.items;
    expect(waiting.map(({ playerId }: { playerId: string }) => playerId).sort()).toEqual(["p4", "p5"]);
    const ticket = { queueTicket: second?.queueTicket ?? "" };
    expect((await api.call("GET /v1/queue/:queueTicket", { path: ticket, status: 202 })).body).toMatchObject(ticket);
    expect((await api.call("DELETE /v1/queue/:queueTicket", { path: ticket })).body).toMatchObject(ticket);

    const path = { queueTicket: first?.queueTicket ?? "" };
    const place = api.call<Placement>("GET /v1/queue/:queueTicket", { path, query: "?wait=25" });
    await api.call("DELETE /v1/sessions/:id", { path: { id: seated[0]?.session.id ?? "" } });
    expect((await place).body).toMatchObject({ server: { id: seated[0]?.server.id }, session: { state: "reserved" } });
    for (const { session } of [...seated.slice(1), (await place).body])
      await api.call("DELETE /v1/sessions/:id", { path: { id: session.id } });
  });

  test("allocations: a whole match, the same for the same matchId, over when its server is ready again", async () => {
    const match = { experienceId: "duel", matchId: "m-1", players: [{ playerId: "ann" }, { playerId: "bo" }] };
    const { server, connection, tickets } = (await api.call<MatchAllocation>("POST /v1/allocations", { body: match }))
      .body;
    expect(connection).toBe(`${server.address}:${server.ports.game}`);
    expect(Object.keys(tickets).sort()).toEqual(["ann", "bo"]);
    const again = await api.call<MatchAllocation>("POST /v1/allocations", { body: match });
    expect(again.body.server.id).toBe(server.id);
    expect((await api.call("GET /v1/servers/:id", { path: { id: server.id } })).body).toMatchObject({
      state: "allocated",
      matchId: "m-1",
    });
    const pocket = PocketServer.at(server);
    const from = run.mark;
    await pocket.post("/ready");
    await run.next({ type: "session.ended", playerId: "ann" }, from);
    expect((await api.call("GET /v1/servers/:id", { path: { id: server.id } })).body).toMatchObject({
      state: "ready",
      matchId: null,
    });

    await api.call("PATCH /v1/servers/:id", { path: { id: server.id }, body: { labels: { map: "ice" } } });
    const wanted = { experienceId: "duel", matchId: "m-2", players: [{ playerId: "cy" }] };
    const selectors = [{ matchLabels: { map: "lava" } }, { matchLabels: { map: "ice" }, gameServerState: "Ready" }];
    const selected = await api.call<MatchAllocation>("POST /v1/allocations", { body: { ...wanted, selectors } });
    expect(selected.body.server).toMatchObject({ id: server.id, labels: { map: "ice" } });
    const next = run.mark;
    await pocket.post("/ready");
    await run.next({ type: "session.ended", playerId: "cy" }, next);
  });

  test("allocations as Agones asks for them: a whole server, until it is ready again", async () => {
    const spec = {
      selectors: [{ matchLabels: { "agones.dev/fleet": "duel" } }],
      metadata: { labels: { mode: "ranked" } },
    };
    const { body } = await api.call("POST /v1/gameserverallocations", { body: { region: "east", spec } });
    const server = (await api.call<Server>("GET /v1/servers/:id", { path: { id: body.gameServerName } })).body;
    expect(server).toMatchObject({ state: "allocated", labels: { mode: "ranked" }, address: body.address });
    const from = run.mark;
    await PocketServer.at(server).post("/ready");
    await run.next({ type: "server.ready", serverId: server.id }, from);
  });

  test("the same through Kubernetes' routes, and what there is", async () => {
    const path = { namespace: "east" };
    for (const key of ["GET /api", "GET /api/v1", "GET /apis", "GET /version"]) await api.call(key);
    const { body: kinds } = await api.call("GET /apis/agones.dev/v1");
    expect(kinds.resources).toMatchObject([{ kind: "GameServer" }, { kind: "Fleet" }]);
    await api.call("GET /apis/allocation.agones.dev/v1");
    const fleets = "GET /apis/agones.dev/v1/namespaces/:namespace/fleets";
    expect((await api.call(fleets, { path })).body.items).toHaveLength(2);
    expect((await api.call("GET /apis/agones.dev/v1/fleets")).body.items).toHaveLength(2);
    const west = await api.call(fleets, { path: { namespace: "west" } });
    expect(west.body.items).toMatchObject([{ metadata: { name: "pocket", namespace: "west" } }]);
    const fleet = await api.call(`${fleets}/:name`, { path: { ...path, name: "duel" } });
    expect(fleet.body).toMatchObject({ kind: "Fleet", status: { readyReplicas: 1 } });
    const servers = "GET /apis/agones.dev/v1/namespaces/:namespace/gameservers";
    expect((await api.call(servers, { path, query: "?labelSelector=agones.dev/fleet=duel" })).body.items).toHaveLength(
      1,
    );
    await api.call("GET /apis/agones.dev/v1/gameservers");
    const allocate = "POST /apis/allocation.agones.dev/v1/namespaces/:namespace/gameserverallocations";
    const spec = { selectors: [{ matchLabels: { "agones.dev/fleet": "duel" } }] };
    const { status } = (await api.call(allocate, { path, body: { spec }, status: 201 })).body;
    expect(status).toMatchObject({ state: "Allocated" });
    const name: string = status.gameServerName;
    const server = await api.call(`${servers}/:name`, { path: { ...path, name } });
    expect(server.body).toMatchObject({ kind: "GameServer", status: { state: "Allocated" } });
    const from = run.mark;
    await PocketServer.at((await api.call<Server>("GET /v1/servers/:id", { path: { id: name } })).body).post("/ready");
    await run.next({ type: "server.ready", serverId: name }, from);
  });

  test("a shift from Agones: planned, and given up", async () => {
    const agones = { url: "http://127.0.0.1:9", namespace: "default", fleet: "duel" };
    const gate = { holdSecs: 60, minMatches: 1, maxErrorRate: 0, maxP99Ms: 1000, maxLost: 0 };
    const body = { experienceId: "duel", agones, steps: [50, 100], gate, soakSecs: 60 };
    expect((await api.call("PUT /v1/shift", { body })).body).toMatchObject({ plan: { state: "planned" } });
    await api.call("POST /v1/shift", { body: { action: "start" } });
    const given = await api.call("POST /v1/shift", { body: { action: "abort" } });
    expect(given.body.plan).toMatchObject({ state: "aborted", signedOff: { by: "operator" } });
    expect((await api.call("GET /v1/shift", { query: "?region=east" })).body.plan).toEqual(given.body.plan);
  });

  test("fleets: read and set, in force at once", async () => {
    const path = { experienceId: "pocket" };
    expect((await api.call("GET /v1/fleets")).body.items).toHaveLength(3);
    const before = (await api.call("GET /v1/fleets/:experienceId", { path, query: "?region=east" })).body;
    expect(before).toMatchObject({ experienceId: "pocket", region: "east", policy: { minServers: 1, maxServers: 3 } });
    const from = run.mark;
    const body = { policy: { minServers: 3 } };
    const set = await api.call("PUT /v1/fleets/:experienceId", { path, query: "?region=east", body });
    expect(set.body.policy).toMatchObject({ minServers: 3, maxServers: 3 });
    expect(await run.next({ type: "scaling", region: "east" }, from)).toMatchObject({ action: "up", to: 3 });
  });

  test("regions: read, drain, and take players again", async () => {
    const names = (await api.call("GET /v1/regions")).body.items.map(({ name }: { name: string }) => name);
    expect(names).toEqual(["east", "west"]);
    const path = { name: "west" };
    const summary = (await api.call("GET /v1/regions/:name/summary", { path })).body;
    expect(summary).toMatchObject({ region: "west", state: "up", location: [45.6, -121.2] });
    expect((await api.call("GET /v1/regions/:name/unheard", { path })).body).toEqual({ items: [], next: null });
    expect((await api.call("POST /v1/regions/:name/drain", { path })).body).toMatchObject({ state: "draining" });
    await run.next({ type: "region.draining", region: "west" });
    const body = { playerId: "gus", experienceId: "pocket", region: "west" };
    const refused = await api.call("POST /v1/sessions", { body, status: 503 });
    expect(refused.body).toMatchObject({ code: "unavailable", detail: expect.stringContaining("drained") });
    // Who names no region is placed where there are places.
    const east = await run.place({ playerId: "gus", experienceId: "pocket", latencies: { west: 9, east: 80 } });
    expect(east.session.region).toBe("east");
    await api.call("DELETE /v1/sessions/:id", { path: { id: east.session.id } });
    expect((await api.call("DELETE /v1/regions/:name/drain", { path })).body).toMatchObject({ state: "up" });
    const back = await run.place(body);
    expect(back.session.region).toBe("west");
    await api.call("DELETE /v1/sessions/:id", { path: { id: back.session.id } });

    // What a region that is being drained asks of the next.
    const hal = {
      playerId: "hal",
      party: ["hal"],
      latencies: {},
      connectedAtMs: 0,
      sessionId: "ses-east-1",
      generation: 3,
    };
    const arrival = { fromRegion: "east", experienceId: "pocket", mods: [], players: [{ ...hal, moves: 0 }] };
    const taken = await api.call("POST /v1/regions/:name/arrivals", { path, body: arrival });
    expect(taken.body.items).toMatchObject([{ session: { playerId: "hal", region: "west", generation: 4, moves: 1 } }]);
    await api.call("DELETE /v1/sessions/:id", { path: { id: taken.body.items[0].session.id } });
  });

  test("events: from the first one, of one kind, of all regions, and on from where a reader was", async () => {
    const all = await EventReader.open(run, "", "1-0");
    expect(all.response.headers.get("content-type")).toContain("text/event-stream");
    api.walked.add("GET /v1/events");
    const first = await all.next({ type: "leader.changed" });
    expect(first.id).toBe("1-1");
    const seen = await all.next({ type: "server.ready", serverId: eastern.id });
    await all.close();

    const servers = await EventReader.open(run, "?region=*&type=server.*");
    const resumed = await EventReader.open(run, "?type=server.*", seen.id);
    const body = { experienceId: "duel", region: "east" };
    const { id } = (await api.call<Server>("POST /v1/servers", { body, status: 201 })).body;
    await servers.next({ type: "server.ready", serverId: id });
    const western = (await run.ask("GET", "/v1/servers?region=west")).items as Server[];
    await run.ask("DELETE", `/v1/servers/${western[0]?.id}`);
    await servers.next({ type: "server.terminated", region: "west", serverId: western[0]?.id ?? "" });
    await run.ask("DELETE", `/v1/servers/${eastern.id}`);
    await resumed.next({ type: "server.terminated", serverId: eastern.id });
    expect(resumed.events.filter(({ id: at }) => at === seen.id)).toEqual([]);
    const kinds = [...servers.events, ...resumed.events].map(({ type }) => type.split(".")[0]);
    expect(new Set(kinds)).toEqual(new Set(["server"]));
    await Promise.all([servers.close(), resumed.close()]);

    const lost = await EventReader.open(run, "", "7-12345");
    await lost.next({ type: "reset" });
    await lost.close();
  });

  test("why, by whom, and a token for somebody lesser", async () => {
    const decision = (await api.call("GET /v1/decisions/:id", { path: { id: eastern.id } })).body;
    expect(decision).toMatchObject({ kind: "drain", subject: eastern.id });
    const same = await api.call("GET /v1/decisions/:id", { path: { id: decision.id } });
    expect(same.body).toEqual(decision);
    const audit = await api.call("GET /v1/audit", { query: "?action=server.spawn&limit=10" });
    expect(audit.body.items[0]).toMatchObject({ sub: "operator", role: "operator", region: "east", status: 201 });

    const body = { sub: "ann", role: "player", regions: ["east"], expiresInSecs: 60 };
    const { token } = (await api.call("POST /v1/tokens", { body, status: 201 })).body;
    const own = await run.call("GET", "/v1/sessions", undefined, { token });
    expect([own.status, own.body.items]).toEqual([200, []]);
    const refused = await api.call("GET /v1/servers", { token, status: 403 });
    expect(refused.body).toMatchObject({ code: "roleNotAllowed" });
  });

  test("none was left out", () => {
    expect([...api.walked].sort()).toEqual([...api.keys].sort());
    expect([...api.keys].sort()).toEqual(Object.keys(ACCESS).sort());
  });
});
