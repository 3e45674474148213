import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ForgeController, PlayerClient, type ForgeEvent } from "../../sdk/src/index";
import { ForgeRun } from "./forge-run";
import { buildPocketGame, pocketExperience, PocketServer } from "./pocket";
import { ROOT } from "./run-folder";

jest.setTimeout(120_000);

const readme = readFileSync(join(ROOT, "sdk", "README.md"), "utf8");
const [, tenLines = ""] = /^```ts\n([^]*?)^```$/m.exec(readme) ?? [];

/** Two regions, as README's example and the sample have them, with the pocket game for an arena. */
const config = (file: string): string => `
[[regions]]
name = "us-east"
location = [38.9, -77.4]
[[regions]]
name = "eu-west"
location = [53.3, -6.3]
${pocketExperience(file).replace("experiences.pocket", "experiences.arena")}
[experiences.arena.scaling]
min_servers = 1
max_servers = 4
scale_down_cooldown_secs = 3600
`;

describe("the SDK at a real run", () => {
  const game = buildPocketGame();
  let run: ForgeRun;
  let forge: ForgeController;

  beforeAll(async () => {
    run = await ForgeRun.start({ config: config(game.file), args: ["--no-demo"] });
    for (const region of ["us-east", "eu-west"]) await run.next({ type: "server.ready", region });
  });
  beforeEach(() => {
    forge = new ForgeController({ url: run.url, token: run.token });
  });
  afterEach(() => forge.close());
  afterAll(async () => {
    await run.dispose();
    game.remove();
  });

  /** The first event of this name about this subject, from now on. */
  function heard(
    name: "serverSpawned" | "playerConnected" | "scaling",
    about: Partial<ForgeEvent>,
  ): Promise<ForgeEvent> {
    return new Promise((resolve) => {
      const off = forge.on(name, (event) => {
        if (!Object.entries(about).every(([key, value]) => event[key as keyof typeof event] === value)) return;
        off();
        resolve(event);
      });
    });
  }

  test("five calls and the events that they lead to, of the region asked and of another", async () => {
    const connected = new Promise<void>((resolve) => forge.on("connected", () => resolve()));
    const spawned = heard("serverSpawned", { region: "eu-west" });
    const joined = heard("playerConnected", { region: "eu-west" });
    await connected;

    const server = await forge.spawnServer({ experienceId: "arena", region: "eu-west" }, { waitReady: true });
    expect(server).toMatchObject({ region: "eu-west", experienceId: "arena", state: "ready" });
    expect(await spawned).toMatchObject({ serverId: server.id });
    expect((await forge.getServers("eu-west")).map(({ id }) => id)).toContain(server.id);
    expect((await forge.getServers("us-east")).map(({ id }) => id)).not.toContain(server.id);

    const placement = await forge.routePlayer("ann", server.id);
    expect(await PocketServer.at(placement.server).join(placement.ticket)).toMatchObject({ playerId: "ann" });
    expect(await joined).toMatchObject({ playerId: "ann", serverId: server.id });
    expect(await forge.getSessions(server.id)).toEqual([
      expect.objectContaining({ id: placement.session.id, playerId: "ann", state: "active" }),
    ]);

    await forge.endSession(placement.session.id);
    const from = run.mark;
    expect(await forge.terminateServer(server.id)).toMatchObject({ id: server.id, state: "draining" });
    await run.next({ type: "server.terminated", serverId: server.id }, from);
  });

  test("scaling is heard of, and each refusal is an error with its code", async () => {
    const connected = new Promise<void>((resolve) => forge.on("connected", () => resolve()));
    const scaling = heard("scaling", { region: "us-east" });
    await connected;
    await forge.putFleet("arena", { policy: { minServers: 2 } }, "us-east");
    expect(await scaling).toMatchObject({ experienceId: "arena", action: "up", to: 2 });
    await expect(forge.routePlayer("bo", "srv-us-east-0")).rejects.toMatchObject({
      code: "unknownServer",
      status: 404,
    });
    await expect(forge.spawnServer({ experienceId: "chess", region: "us-east" })).rejects.toMatchObject({
      code: "unknownExperience",
      detail: expect.stringContaining("arena"),
    });
  });

  test("a player measures, connects, is moved with the server's end, follows, and leaves", async () => {
    const { token } = await run.ask("POST", "/v1/tokens", { sub: "cy", role: "player" });
    const player = new PlayerClient({ url: run.url, token });
    const latencies = await player.measureLatencies();
    expect(Object.keys(latencies).sort()).toEqual(["eu-west", "us-east"]);
    const placement = await player.connect({ playerId: "cy", experienceId: "arena", region: "us-east", latencies });
    const server = PocketServer.at(placement.server);
    await server.join(placement.ticket);
    await player.report({ latencyMs: 12, packetLoss: 0 });
    expect(await forge.getSession(placement.session.id)).toMatchObject({ latencyMs: 12, state: "active" });

    process.kill((await server.state()).pid, "SIGKILL");
    const outcome = await player.follow({ moved: true });
    expect(outcome).toMatchObject({ kind: "moved", place: { session: { id: placement.session.id } } });
    expect(player.place?.server.id).not.toBe(server.id);
    await player.leave();
    expect(await forge.getSession(placement.session.id)).toMatchObject({ state: "ended" });
  });

  test("README's ten lines, as they stand there, as a program of its own", async () => {
    expect(tenLines.trim().split("\n")).toHaveLength(10);
    // Run from the checkout, where the package is its source.
    const example = join(ROOT, "sdk", "examples", "ten-lines.mts");
    expect(readFileSync(example, "utf8")).toBe(tenLines);
    const from = run.mark;
    const env = { FORGE_ADDR: run.url, FORGE_TOKEN: run.token };
    const tsx = join(ROOT, "node_modules", "tsx", "dist", "cli.mjs");
    const { code, stdout, stderr } = await run.folder.command(process.execPath, [tsx, example], env, ROOT);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^ann may connect to 127\.0\.0\.1:\d+ and show \S+$/m);
    expect(stdout).toContain("playerId: 'ann'");
    expect(stdout).toMatch(/^(server|session)\.\w+: /m);
    const { serverId } = await run.next({ type: "server.spawned", reason: "asked for" }, from);
    await run.next({ type: "server.terminated", serverId }, from);
  });
});
