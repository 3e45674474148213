import type { Server } from "../../controller/core/resources";
import { findProgram, skipUnless } from "../skips";
import { ForgeRun } from "./forge-run";

jest.setTimeout(180_000);

/** A dedicated server from the distribution, which knows nothing of Forge. */
const CONFIG = `
[health]
check_interval_secs = 0.5
timeout_secs = 1
unhealthy_threshold = 3
healthy_threshold = 1

[[regions]]
name = "local"

[experiences.duel]
command = "openarena-server"
args = [
  "+set", "dedicated", "1",
  "+set", "net_ip", "\${NOMAD_IP_game}",
  "+set", "net_port", "\${NOMAD_PORT_game}",
  "+set", "sv_hostname", "duel \${FORGE_SERVER_ID}",
  "+set", "sv_maxclients", "4",
  "+set", "sv_master1", "",
  "+map", "oa_dm1",
]
env = { HOME = "\${NOMAD_TASK_DIR}" }
max_players = 4
sdk = "none"
cpu = 500
memory = 256
ports = { game = "udp" }
health = { query = "quake3" }
stop = { grace_secs = 3 }
scaling = { min_servers = 1, max_servers = 2 }
`;

skipUnless(
  "OpenArena under Forge",
  "openarena-server is not installed",
  findProgram("openarena-server") !== undefined,
)("a dedicated server by configuration alone", () => {
  let run: ForgeRun;
  beforeAll(async () => {
    run = await ForgeRun.start({ config: CONFIG, args: ["--no-demo"] });
  });
  afterAll(() => run.dispose());

  test("is ready when it answers its query, counts nobody, takes who is routed to it, and is replaced when killed", async () => {
    const id = await run.server("duel");
    const server = await run.ask<Server>("GET", `/v1/servers/${id}`);
    expect(server).toMatchObject({ state: "ready", players: 0, maxPlayers: 4, ports: { game: expect.any(Number) } });
    // Its own numbers, from outside.
    const measured = await run.until(
      () => run.ask<Server>("GET", `/v1/servers/${id}`),
      ({ stats }) => (stats?.memoryBytes ?? 0) > 10e6,
    );
    expect(measured.players).toBe(0);
    const placement = await run.place({ playerId: "ann", experienceId: "duel" });
    expect(placement.server).toEqual({ id, address: server.address, ports: server.ports });

    const from = run.mark;
    const line = run.folder.processes(run.runId).find((words) => words.includes(id));
    expect(line).toContain("ioq3ded");
    process.kill(Number(line?.split(" ")[0]), "SIGKILL");
    const replaced = await run.next({ type: "server.replaced", serverId: id }, from);
    const next = replaced.detail["replacementId"] as string;
    expect(await run.ask("GET", `/v1/servers/${next}`)).toMatchObject({ state: "ready" });
    // The seat is held there: no game client told of it, so it is the backend that hears of the move.
    expect(await run.next({ type: "session.moved", playerId: "ann" }, from)).toMatchObject({
      serverId: next,
      sessionId: placement.session.id,
    });
    expect(await run.ask("GET", `/v1/servers/${id}`)).toMatchObject({ state: "terminated" });
  });
});
