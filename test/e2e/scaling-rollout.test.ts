import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DecisionRecord, Fleet, Placement, Server, Session } from "../../controller/core/resources";
import { ForgeRun } from "./forge-run";
import { buildPocketGame, pocketExperience, PocketServer } from "./pocket";

jest.setTimeout(120_000);

/** An experience of the pocket game under another name; more of its keys may follow. */
const game = buildPocketGame();
const named = (name: string): string =>
  pocketExperience(game.file).replace("[experiences.pocket]", `[experiences.${name}]`);

describe("versions and sizes of fleets on real servers of the embedded engine", () => {
  let run: ForgeRun;
  const config = (version: string, clients: string): string => `
[[regions]]
name = "here"
[scaling]
min_servers_per_region = 0
scale_up_cooldown_secs = 0
scale_down_cooldown_secs = 1
${named("arena").replace("1.0.0", version)}
clients = "${clients}"
rollout = { canary = "50%" }
scaling = { min_servers = 2, max_servers = 6 }
${named("asleep")}
scaling = { min_servers = 0, max_servers = 2 }
${named("thin")}
scaling = { min_servers = 1, max_servers = 3, defragment = "move", defragment_interval_secs = 1 }
${named("hourly")}
[experiences.hourly.scaling]
min_servers = 0
max_servers = 4
chain = [{ id = "calm", buffer = { buffer_size = 1 } }]
[experiences.rooms]
command = ${JSON.stringify(process.execPath)}
args = [${JSON.stringify(join(__dirname, "counting-server.cjs"))}]
max_players = 4
sdk = "agones"
ports = { game = "http" }
counters = { rooms = { count = 0, capacity = 10 } }
[experiences.rooms.scaling]
min_servers = 1
max_servers = 4
chain = [{ id = "rooms", counter = { key = "rooms", buffer_size = 5 } }]
`;

  beforeAll(async () => {
    run = await ForgeRun.start({ config: config("1.0.0", "<2"), args: ["--no-demo"] });
  });
  afterAll(async () => {
    await run.dispose();
    game.remove();
  });

  const fleet = (name: string): Promise<Fleet> => run.ask<Fleet>("GET", `/v1/fleets/${name}?region=here`);
  const put = (name: string, change: object): Promise<Fleet> =>
    run.ask("PUT", `/v1/fleets/${name}?region=here`, change);
  const place = (playerId: string, experienceId: string, version?: string): Promise<Placement> =>
    run.place({ playerId, experienceId, ...(version === undefined ? {} : { version }) });
  const joinOn = async ({ server, ticket }: Placement): Promise<PocketServer> => {
    const at = PocketServer.at(server);
    expect(await at.join(ticket)).toMatchObject({ admitted: true });
    return at;
  };
  async function ready(name: string): Promise<readonly Server[]> {
    const { items } = await run.ask<{ items: Server[] }>(
      "GET",
      `/v1/servers?region=here&experienceId=${name}&state=ready`,
    );
    return items;
  }
  /** Once so many servers are ready, and no other is on its way. */
  const settled = (name: string, count: number): Promise<Fleet> =>
    run.until(
      () => fleet(name),
      ({ servers }) => servers.ready === count && Object.values(servers).reduce((sum, each) => sum + each, 0) === count,
    );
  const inSecs = (secs: number): string => new Date(Date.now() + secs * 1000).toISOString();
  const why = async (name: string): Promise<string> => {
    const { outcome, reasons } = await run.ask<DecisionRecord>("GET", `/v1/decisions/${name}`);
    return [outcome, ...reasons].join("\n");
  };

  test("a version that forge.toml names is a canary first; its clients find it, and players on the old stay to their end", async () => {
    const ann = await place("ann", "arena");
    const old = await joinOn(ann);
    const { pid } = await old.state();
    const from = run.mark;
    writeFileSync(`${run.folder.config}.new`, config("1.1.0", ">=2 <3"));
    renameSync(`${run.folder.config}.new`, run.folder.config);
    await run.next({ type: "rollout", step: "started", experienceId: "arena" }, from);
    const canary = await run.until(
      () => fleet("arena"),
      ({ rollout, servers }) => rollout?.servers["1.1.0"] === 1 && servers.starting === 0,
    );
    expect(canary).toMatchObject({ version: "1.0.0", rollout: { state: "canary", share: 0.5, toVersion: "1.1.0" } });
    expect(await why("arena")).toContain("forge.toml names this version");

    const speaks = async (playerId: string, wish: Readonly<Record<string, string>>): Promise<string> => {
      const { server } = await run.until(
        () => run.ask<Placement>("POST", "/v1/sessions", { playerId, experienceId: "arena", ...wish }),
        (answer) => "server" in answer,
      );
      return (await run.ask<Server>("GET", `/v1/servers/${server.id}`)).version;
    };
    expect(await speaks("bo", { clientVersion: "1.5.0" })).toBe("1.0.0");
    expect(await speaks("cy", { version: ">=1.1", clientVersion: "2.0.0" })).toBe("1.1.0");
    const none = await run.call("POST", "/v1/sessions", { playerId: "dee", experienceId: "arena", version: "^2" });
    expect(none).toMatchObject({ status: 404, body: { code: "unknownVersion" } });
    const tooNew = { playerId: "dee", experienceId: "arena", clientVersion: "3.0.0" };
    const info = { versions: { "1.0.0": "<2", "1.1.0": ">=2 <3" } };
    expect(await run.call("POST", "/v1/sessions", tooNew)).toMatchObject({
      status: 409,
      body: { code: "clientUnsupported", info },
    });

    await put("arena", { rollout: "promote" });
    await run.next({ type: "rollout", step: "promoted" }, from);
    expect(await old.state()).toMatchObject({ pid, players: { ann: {} } });
    for (const playerId of ["bo", "cy"]) {
      const [session] = (await run.ask<{ items: Session[] }>("GET", `/v1/sessions?playerId=${playerId}`)).items;
      await run.ask("DELETE", `/v1/sessions/${session?.id}`);
    }
    await run.until(
      () => ready("arena"),
      (servers) => servers.filter(({ version }) => version === "1.0.0").length === 1,
    );
    expect(await old.state()).toMatchObject({ pid, players: { ann: {} } });
    await old.post("/leave", { playerId: "ann" });
    await run.next({ type: "rollout", step: "done" }, from);
    expect((await ready("arena")).map(({ version }) => version)).not.toContain("1.0.0");
    expect(run.tap.all({ type: "session.lost" }, from)).toEqual([]);
  });

  test("and back, with players on the canary to their end", async () => {
    const from = run.mark;
    await put("arena", { version: "1.2.0", canary: 0.5 });
    await run.until(
      () => ready("arena"),
      (servers) => servers.some(({ version }) => version === "1.2.0"),
    );
    const eve = await place("eve", "arena", "1.2.0");
    const on = await joinOn(eve);
    await put("arena", { rollout: "rollback" });
    await run.next({ type: "rollout", step: "rolledBack" }, from);
    expect(await run.ask<Server>("GET", `/v1/servers/${eve.server.id}`)).toMatchObject({ state: "ready", players: 1 });
    await on.post("/leave", { playerId: "eve" });
    await run.next({ type: "server.terminated", serverId: eve.server.id }, from);
    expect([...new Set((await ready("arena")).map(({ version }) => version))]).toEqual(["1.1.0"]);
    expect(await why("arena")).toContain("asked for");
  });

  test("a fleet at zero wakes for who waits and for who does not, and sleeps again", async () => {
    expect(await ready("asleep")).toEqual([]);
    const refused = await run.call("POST", "/v1/sessions", { playerId: "fay", experienceId: "asleep", deadlineMs: 0 });
    expect(refused).toMatchObject({ status: 503, body: { code: "noCapacity" } });
    const first = await run.server("asleep");
    expect(await why("asleep")).toContain("1 of them were sent away, as nothing was free");
    const fay = await place("fay", "asleep");
    expect(fay.server.id).toBe(first);
    const on = await joinOn(fay);
    const from = run.mark;
    await on.post("/leave", { playerId: "fay" });
    await run.next({ type: "server.terminated", serverId: first }, from);
    await settled("asleep", 0);
  });

  test("a chain keeps its schedule, and then its next entry", async () => {
    await settled("hourly", 1);
    const from = run.mark;
    const calm = { id: "calm", buffer: { bufferSize: 1 } };
    const busyUntil = (end: string) => ({ id: "busy", buffer: { bufferSize: 2 }, schedule: { between: { end } } });
    await put("hourly", { policy: { chain: [busyUntil(inSecs(3600)), calm] } });
    await run.next({ type: "scaling", experienceId: "hourly", action: "up", to: 2 }, from);
    expect(await why("hourly")).toContain("policy: entry busy of the chain keeps 2 servers free");
    // However long that took, it still applies; now its end comes near.
    await put("hourly", { policy: { chain: [busyUntil(inSecs(2)), calm] } });
    await run.next({ type: "server.terminated", experienceId: "hourly" }, from);
    await settled("hourly", 1);
    const text = await why("hourly");
    expect(text).toContain("policy: entry calm of the chain keeps 1 servers free");
    expect(text).toContain("busy does not apply any more");
  });

  test("a chain counts what the servers count", async () => {
    await settled("rooms", 1);
    const [server] = await ready("rooms");
    const set = await fetch(`http://${server?.address}:${server?.ports["game"]}/rooms?count=8`, { method: "POST" });
    expect(set.status).toBe(200);
    await settled("rooms", 2);
    expect(await why("rooms")).toContain("counter rooms has 8 of 10 in use and 5 shall be left");
  });

  test("players spread thin are moved together, and what is empty goes", async () => {
    await put("thin", { desired: 2 });
    const [one, two] = await run.until(
      () => ready("thin"),
      (servers) => servers.length === 2,
    );
    const seated = await Promise.all(
      [one, two].map(async (server, i) => {
        const players = [`thin-${String(i)}`];
        const routed = await run.ask<{ items: Placement[] }>("POST", `/v1/servers/${server?.id}/sessions`, { players });
        const placed = routed.items[0] as Placement;
        await joinOn(placed);
        return placed;
      }),
    );
    const from = run.mark;
    await put("thin", { desired: 0 });
    const moved = await run.next({ type: "session.moved", experienceId: "thin" }, from);
    await settled("thin", 1);
    const staying = seated.find(({ session }) => session.id !== moved.sessionId);
    expect(await run.ask<Session>("GET", `/v1/sessions/${moved.sessionId}`)).toMatchObject({
      serverId: staying?.server.id,
      moves: 1,
    });
    expect(run.tap.all({ type: "session.lost" }, from)).toEqual([]);
  });
});
