import { readFileSync } from "node:fs";
import { join } from "node:path";
import { renderTemplate } from "../../cli/templates/templates";
import type { Server } from "../../controller/core/resources";
import { freePort } from "../../protocol/free-ports";
import { findProgram, skipUnless } from "../skips";
import { ForgeRun } from "./forge-run";
import { LuantiClient } from "./luanti-client";
import { ROOT } from "./run-folder";

jest.setTimeout(180_000);

const folder = join(ROOT, "cli", "templates");
const readFile = (path: string): string => readFileSync(path, "utf8");
const [template] = renderTemplate("luanti", "survival", { folder, readFile });
const WORLD = ".forge/data/volumes/local/survival/world";

const withServer = skipUnless(
  "a Luanti world",
  "minetestserver is not installed",
  findProgram("minetestserver") !== undefined,
);

withServer("a Luanti world by the template, with real players", () => {
  let run: ForgeRun;
  let port: number;
  const clients = new Set<LuantiClient>();

  beforeAll(async () => {
    port = await freePort();
    const config = (template?.contents ?? "").replace("static = 30000", `static = ${port}`);
    run = await ForgeRun.start({ config, args: ["--no-demo"] });
  });
  afterAll(async () => {
    for (const client of clients) client.close();
    await run.dispose();
  });

  async function enter(player: string): Promise<LuantiClient> {
    const client = await LuantiClient.join(port, player);
    clients.add(client);
    return client;
  }

  /** The world's one server, with how many players it counts. */
  async function world(): Promise<Server> {
    const { items } = await run.ask<{ items: Server[] }>("GET", "/v1/servers");
    expect(items).toHaveLength(1);
    return items[0] as Server;
  }

  async function counted(players: number): Promise<void> {
    await run.until(world, (server) => server.players === players);
  }

  test("is up on its port once its log says so", async () => {
    const id = await run.server("survival");
    expect(await world()).toMatchObject({ id, state: "ready", ports: { game: port }, players: 0, maxPlayers: 15 });
    expect(await run.ask("GET", "/v1/fleets/survival")).toMatchObject({ kind: "world", desired: 1 });
    expect(await run.ask("GET", `/v1/servers/${id}/logs`)).toContain(`listening on [::]:${port}`);
  });

  test("counts by its log who plays: whoever was routed to it, and who walked in", async () => {
    const placement = await run.place({ playerId: "ann", experienceId: "survival" });
    expect(placement.server.ports).toEqual({ game: port });
    const ann = await enter("ann");
    await run.next({ type: "session.joined", playerId: "ann", sessionId: placement.session.id });
    const bob = await enter("bob");
    await counted(2);
    bob.leave();
    await counted(1);
    ann.leave();
    await run.next({ type: "session.left", playerId: "ann" });
    await counted(0);
  });

  test("after SIGKILL the same map is back on the same port, and its players with it", async () => {
    const before = await world();
    const ann = await run.place({ playerId: "ann", experienceId: "survival" });
    await enter("ann");
    await run.next({ type: "session.joined", sessionId: ann.session.id });
    // One who has a seat and is not there yet.
    const eve = await run.place({ playerId: "eve", experienceId: "survival" });
    const map = run.folder.read(`${WORLD}/map_meta.txt`);
    expect(map).toMatch(/^seed = \d+$/m);
    const settings = run.folder.read(`${WORLD}/world.mt`);

    const from = run.mark;
    const server = run.folder.processes(run.runId).find((line) => line.includes("minetestserver"));
    process.kill(Number(server?.split(" ")[0]), "SIGKILL");
    await run.next({ type: "failover", step: "replace", serverId: before.id }, from);
    const steps = run.tap.all({ type: "failover", serverId: before.id }, from).map(({ step }) => step);
    expect(steps).toEqual(["detect", "isolate", "migrate", "terminate", "replace"]);
    for (const { session } of [ann, eve]) {
      const { serverId } = await run.next({ type: "session.moved", sessionId: session.id }, from);
      expect(serverId).toBe((await world()).id);
    }
    const after = await world();
    expect(after).toMatchObject({ state: "ready", ports: { game: port } });
    expect(after.id).not.toBe(before.id);
    expect(run.folder.read(`${WORLD}/map_meta.txt`)).toBe(map);
    expect(run.folder.read(`${WORLD}/world.mt`)).toBe(settings);

    // The account that ann made in her first life is known to the world: she logs in with her password.
    await enter("ann");
    await enter("eve");
    for (const { session } of [ann, eve]) {
      await run.next({ type: "session.joined", sessionId: session.id, serverId: after.id }, from);
      expect(await run.ask("GET", `/v1/sessions/${session.id}`)).toMatchObject({ state: "active", moves: 1 });
    }
    expect(run.tap.all({ type: "session.lost" })).toEqual([]);
  });

  test("ends by its own saving, and the next run finds the map as it was", async () => {
    const map = run.folder.read(`${WORLD}/map_meta.txt`);
    const { runId } = run;
    expect(await run.end("SIGINT")).toEqual({ code: 0, signal: null, left: [] });
    run = await ForgeRun.in(run.folder, ["--no-demo"]);
    expect(run.runId).not.toBe(runId);
    await run.server("survival");
    expect(await world()).toMatchObject({ ports: { game: port } });
    expect(run.folder.read(`${WORLD}/map_meta.txt`)).toBe(map);
  });
});
