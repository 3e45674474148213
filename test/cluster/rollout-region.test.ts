import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Fleet, Server } from "../../sdk/src";
import { skipUnless } from "../skips";
import { HOST_PROGRAMS, LONG_TESTS } from "./local-hosts";
import { until } from "../until";
import { PlayedRegion, type SeatedPlayer } from "./played-region";
import { TERRAFORM } from "./terraform";

const REGION = "us-east";

/** What stands behind the regions in forge.toml. */
function games(version: string): string {
  const program = `command = ${JSON.stringify(process.execPath)}
driver = "raw_exec"
args = [${JSON.stringify(join(__dirname, "strict-server.cjs"))}]
max_players = 4
cpu = 100
memory = 64
ports = { game = "tcp" }
`;
  return `[scaling]
min_servers_per_region = 0
max_servers_per_region = 12
scale_down_cooldown_secs = 1
[experiences.strict]
${program}version = "${version}"
priority = 70
rollout = { canary = "25%" }
scaling = { min_servers = 4, max_servers = 8 }
[experiences.asleep]
${program}scaling = { min_servers = 0, max_servers = 2 }
`;
}

skipUnless(
  "a new version on Nomad with players on the old",
  LONG_TESTS.available ? TERRAFORM.reason : LONG_TESTS.reason,
  LONG_TESTS.available && HOST_PROGRAMS.available && TERRAFORM.available,
)("a new version on Nomad with players on the old", () => {
  jest.setTimeout(400_000);
  let region: PlayedRegion;
  let players: readonly SeatedPlayer[];

  beforeAll(async () => {
    region = await PlayedRegion.deploy(games("1.0.0"));
    const servers = await region.servers(4);
    players = [await region.seat("ann", servers[0] ?? ""), await region.seat("bo", servers[1] ?? "")];
  });
  afterAll(() => region.remove());

  const fleet = (): Promise<Fleet> => region.forge.getFleet("strict", REGION);
  const strict = async (): Promise<readonly Server[]> => {
    const all = await region.forge.getServers(REGION, { experienceId: "strict" });
    return all.filter(({ state }) => state === "ready");
  };
  /** Ready servers by version. */
  async function versions(): Promise<Readonly<Record<string, number>>> {
    const count: Record<string, number> = {};
    for (const { version } of await strict()) count[version] = (count[version] ?? 0) + 1;
    return count;
  }
  const runs = (wanted: Readonly<Record<string, number>>): Promise<unknown> =>
    until(`servers run ${JSON.stringify(wanted)}`, async () => {
      const now = await versions();
      const all = { ...now, ...wanted };
      return Object.entries(all).every(([version, count]) => (now[version] ?? 0) === count);
    });
  async function playOn(): Promise<void> {
    expect(players.filter(({ connected }) => !connected())).toEqual([]);
    for (const { sessionId, serverId } of players)
      expect(await region.forge.getSession(sessionId)).toMatchObject({ state: "active", serverId, generation: 1 });
  }

  test("forge deploy takes it in by its canary", async () => {
    const { file } = region.hosts;
    const text = readFileSync(file, "utf8");
    writeFileSync(file, text.slice(0, text.indexOf("[scaling]")) + games("1.1.0"));
    await region.command("deploy", "--all", "--yes");
    await runs({ "1.0.0": 3, "1.1.0": 1 });
    expect(await fleet()).toMatchObject({
      version: "1.0.0",
      rollout: { state: "canary", share: 0.25, fromVersion: "1.0.0", toVersion: "1.1.0" },
    });
    const placed = await region.forge.createSession({
      playerId: "cy",
      experienceId: "strict",
      region: REGION,
      version: ">=1.1",
    });
    if (!("server" in placed)) throw new Error("the canary had no room");
    expect((await strict()).find(({ id }) => id === placed.server.id)?.version).toBe("1.1.0");
    await region.forge.endSession(placed.session.id);
    await playOn();
  });

  test("a new leader goes on with it, from Consul", async () => {
    const [before] = await region.allocations("controller");
    const { rollout } = await fleet();
    const { epoch } = (await region.forge.getRegions())[0] ?? { epoch: 0 };
    region.kill("controller");
    await until("another leads", async () => {
      const [now] = await region.forge.getRegions();
      return (now?.epoch ?? 0) > epoch;
    });
    expect(before).toBeDefined();
    const after = await until("the rollout is known", async () => (await fleet()).rollout ?? undefined);
    expect(after).toMatchObject({ state: "canary", share: 0.25, startedAt: rollout?.startedAt });
    await runs({ "1.0.0": 3, "1.1.0": 1 });
    await playOn();
  });

  test("promoted, all but those with players on run it; they go with their last", async () => {
    await region.forge.putFleet("strict", { rollout: "promote" }, REGION);
    await runs({ "1.0.0": 2, "1.1.0": 2 });
    await playOn();
    for (const { sessionId } of players) await region.forge.endSession(sessionId);
    await runs({ "1.0.0": 0, "1.1.0": 4 });
    await until("it is done", async () => (await fleet()).rollout === null);
  });

  test("rolled back, the version before is all that is left", async () => {
    await region.forge.putFleet("strict", { version: "1.2.0", canary: 0.5 }, REGION);
    await runs({ "1.1.0": 2, "1.2.0": 2 });
    await region.forge.putFleet("strict", { rollout: "rollback" }, REGION);
    await runs({ "1.1.0": 4, "1.2.0": 0 });
    expect(await fleet()).toMatchObject({ version: "1.1.0", rollout: null });
  });

  test("its jobs have the experience's priority, and a fleet at zero wakes and sleeps again", async () => {
    const jobs = await region.clients.nomad.json<readonly { readonly ID: string; readonly Priority: number }[]>(
      "GET",
      "/v1/jobs",
      { query: { namespace: "*" } },
    );
    const priorityOf = (name: string): readonly number[] => [
      ...new Set(
        jobs.filter(({ ID }) => ID.startsWith(`${REGION}.gameserver.${name}/`)).map(({ Priority }) => Priority),
      ),
    ];
    expect(priorityOf("strict")).toEqual([70]);
    expect(priorityOf("asleep")).toEqual([]);
    const ask = { playerId: "dee", experienceId: "asleep", region: REGION };
    let placed = await region.forge.createSession(ask);
    while (!("session" in placed)) placed = await region.forge.waitQueue(placed.queueTicket);
    await region.forge.endSession(placed.session.id);
    await until("it sleeps", async () => {
      const { servers } = await region.forge.getFleet("asleep", REGION);
      return Object.values(servers).every((count) => count === 0);
    });
  });
});
