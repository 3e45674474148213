import { once } from "node:events";
import { renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Fleet, Server } from "../../controller/core/resources";
import { verifyWebhook } from "../../sdk/src/webhook";
import { ForgeRun } from "./forge-run";
import { buildPocketGame, pocketExperience, QUICK_HEALTH } from "./pocket";

jest.setTimeout(120_000);

const SECRET = "a secret of the receiver";

interface Told {
  readonly type: string | undefined;
  readonly good: boolean;
}

/** A receiver of webhooks; `told` waits for the next event of a type. */
async function receiver(): Promise<{
  readonly url: string;
  told(type: string): Promise<Told>;
  close(): void;
}> {
  const all: Told[] = [];
  const server = createServer((request, response) => {
    request.toArray().then((chunks: Buffer[]) => {
      const check = verifyWebhook(SECRET, { body: Buffer.concat(chunks), headers: request.headers });
      all.push({ type: request.headers["forge-event-type"] as string, good: check.ok });
      response.writeHead(204).end();
      server.emit("told");
    }, console.error);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/forge`,
    async told(type) {
      for (;;) {
        const found = all.find((one) => one.type === type);
        if (found) return found;
        await once(server, "told", { signal: AbortSignal.timeout(30_000) });
      }
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

describe.each([[[]], [["--processes"]]])("forge.toml that is edited while it runs %p", (args) => {
  const game = buildPocketGame();
  let run: ForgeRun;
  let first: readonly string[];

  const config = (minServers: number, more = ""): string => `
${QUICK_HEALTH}
[[regions]]
name = "here"
${pocketExperience(game.file)}
[experiences.pocket.scaling]
min_servers = ${minServers}
max_servers = 5
scale_down_cooldown_secs = 0
${more}
`;

  beforeAll(async () => {
    const env = { FORGE_WEBHOOK_SECRET: SECRET };
    run = await ForgeRun.start({ config: config(1), args: ["--no-demo", ...args], env });
    await run.server("pocket");
    first = await processesOf();
  });
  afterAll(async () => {
    await run.dispose();
    game.remove();
  });

  /** Game servers, each with the number of its process: one that was started again has another. */
  async function processesOf(): Promise<readonly string[]> {
    const { items } = await run.ask<{ items: Server[] }>("GET", "/v1/servers?state=ready");
    return Promise.all(
      items.map(async ({ id, ports }) => {
        const answer = await fetch(`http://127.0.0.1:${ports.game}/state`);
        return `${id} ${((await answer.json()) as { pid: number }).pid}`;
      }),
    );
  }

  async function fleet(): Promise<Fleet> {
    return run.ask<Fleet>("GET", "/v1/fleets/pocket");
  }

  test("a higher minimum starts servers, and restarts none", async () => {
    const from = run.mark;
    run.folder.write("forge.toml", config(3));
    await run.next({ type: "config.changed" }, from);
    expect(await run.next({ type: "scaling", action: "up" }, from)).toMatchObject({ from: 1, to: 3 });
    for (const { serverId } of run.tap.all({ type: "server.spawned" }, from))
      await run.next({ type: "server.ready", serverId }, from);
    expect((await fleet()).policy.minServers).toBe(3);
    const now = await processesOf();
    expect(now).toHaveLength(3);
    expect(now).toEqual(expect.arrayContaining([...first]));
  });

  test("a broken edit changes nothing, and the one that mends it counts", async () => {
    const before = await processesOf();
    const from = run.mark;
    run.folder.write("forge.toml", config(4, "max_players = 'many'"));
    await run.folder.logged("the changed forge.toml is not used");
    expect(run.tap.all({ type: "config.changed" }, from)).toEqual([]);
    expect((await fleet()).policy.minServers).toBe(3);
    expect(await processesOf()).toEqual(before);
    expect(await run.ask("GET", "/ready")).toMatchObject({ status: "ready" });

    // As editors do it: a new file in place of the old one.
    const edited = join(run.folder.path, ".forge.toml.swp");
    writeFileSync(edited, config(4));
    renameSync(edited, run.folder.config);
    await run.next({ type: "config.changed" }, from);
    expect(await run.next({ type: "scaling", action: "up" }, from)).toMatchObject({ to: 4 });
    expect(await processesOf()).toEqual(expect.arrayContaining([...before]));
  });

  test("a lower minimum lets an empty server go, and not the one with a player on it", async () => {
    const placement = await run.place({ playerId: "ann", experienceId: "pocket" });
    const from = run.mark;
    run.folder.write("forge.toml", config(3));
    const { detail } = await run.next({ type: "scaling", action: "down" }, from);
    expect(detail["serverId"]).not.toBe(placement.server.id);
    await run.next({ type: "server.terminated", serverId: detail["serverId"] }, from);
    const { session } = placement;
    expect(await run.ask("GET", `/v1/sessions/${session.id}`)).toMatchObject({ generation: 1, state: "reserved" });
  });

  test("a page of an origin that is added makes players' calls at once, and none once it is taken out", async () => {
    const origin = "https://game.example";
    const asked = async (): Promise<unknown> => {
      const headers = { origin, "access-control-request-method": "POST" };
      const { status, headers: answered } = await fetch(`${run.url}/v1/sessions`, { method: "OPTIONS", headers });
      return [status, answered.get("access-control-allow-origin")];
    };
    expect(await asked()).toEqual([403, null]);
    for (const [more, outcome] of [
      [`[api]\norigins = ["${origin}"]`, [200, origin]],
      ["", [403, null]],
    ] as const) {
      const from = run.mark;
      run.folder.write("forge.toml", config(3, more));
      await run.next({ type: "config.changed" }, from);
      expect(await asked()).toEqual(outcome);
    }
  });

  test("a receiver of webhooks that is added, and one that takes its place, are told at once, signed", async () => {
    const [one, two] = [await receiver(), await receiver()];
    const hook = (url: string, ...events: string[]): string =>
      `[[webhooks]]\nurl = "${url}"\nevents = ${JSON.stringify(events)}`;
    try {
      run.folder.write("forge.toml", config(3, hook(one.url, "config.changed")));
      expect(await one.told("config.changed")).toEqual({ type: "config.changed", good: true });
      // Its own word for it: on a busy machine the change before may be read, and told, twice.
      run.folder.write("forge.toml", config(3, hook(two.url, "config.changed", "session.reserved")));
      expect(await two.told("config.changed")).toMatchObject({ good: true });
      await run.place({ playerId: "bob", experienceId: "pocket" });
      expect(await two.told("session.reserved")).toMatchObject({ good: true });
    } finally {
      one.close();
      two.close();
    }
  });
});
