import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "smol-toml";
import type { Server } from "../../controller/core/resources";
import { findProgram, skipUnless } from "../skips";
import { ForgeRun } from "./forge-run";
import { LuantiClient } from "./luanti-client";
import { joinMumble } from "./mumble-client";
import { ROOT } from "./run-folder";

jest.setTimeout(180_000);

/** Lets somebody in; the result lets them go. */
type Join = (port: number) => Promise<() => void>;

interface Known {
  readonly experience: string;
  readonly program: string;
  readonly join?: Join;
}

const SERVERS: readonly Known[] = [
  { experience: "openarena", program: "openarena-server" },
  { experience: "minetest", program: "minetestserver", join: luanti },
  { experience: "openttd", program: "openttd" },
  { experience: "mumble", program: "murmurd", join: mumble },
  { experience: "bzflag", program: "bzfs", join: bzflag },
  { experience: "teeworlds", program: "teeworlds-server" },
];
const HERE = SERVERS.filter(({ program }) => findProgram(program, programPath()) !== undefined);

/** Debian keeps daemons in folders that a user's PATH may leave out. */
function programPath(): string {
  return [process.env["PATH"], "/usr/games", "/usr/sbin"].join(":");
}

async function luanti(port: number): Promise<() => void> {
  const client = await LuantiClient.join(port, "ann");
  return () => client.leave();
}

async function mumble(port: number): Promise<() => void> {
  const client = await joinMumble(port, "ann");
  return () => client.destroy();
}

/** Its own client, which plays nothing and sees all. */
function bzflag(port: number): Promise<() => void> {
  const bin = findProgram("bzadmin") ?? "bzadmin";
  const client = spawn(bin, ["-ui", "stdout", `ann@127.0.0.1:${String(port)}`], {
    stdio: ["pipe", "ignore", "ignore"],
  });
  return Promise.resolve(() => void client.kill("SIGKILL"));
}

describe("dedicated servers by the example's forge.toml", () => {
  let run: ForgeRun;

  beforeAll(async () => {
    const all = parse(readFileSync(join(ROOT, "examples", "dedicated-servers", "forge.toml"), "utf8"));
    const experiences = Object.entries(all["experiences"] as object);
    const here = experiences.filter(([id]) => HERE.some(({ experience }) => experience === id));
    if (here.length > 0)
      run = await ForgeRun.start({
        config: stringify({ ...all, experiences: Object.fromEntries(here) }),
        args: ["--no-demo"],
      });
  });
  afterAll(async () => {
    await (run as ForgeRun | undefined)?.dispose();
  });

  const server = (id: string): Promise<Server> => run.ask<Server>("GET", `/v1/servers/${id}`);

  /** The process that is the server, not a shell around it. */
  function processOf(id: string): number {
    const pids = run.folder.processes(run.runId).map((line) => Number(line.split(" ")[0]));
    const own = pids.filter((pid) =>
      readFileSync(`/proc/${pid}/environ`, "latin1").includes(`FORGE_SERVER_ID=${id}\0`),
    );
    return Math.max(...own);
  }

  async function counted(id: string, on: number): Promise<void> {
    await run.until(
      () => server(id),
      ({ players }) => players === on,
    );
  }

  describe.each(SERVERS)("$experience", ({ experience, program, join: enter }) => {
    skipUnless(
      `${program} under Forge`,
      `${program} is not installed`,
      HERE.some((each) => each.experience === experience),
    )("as it is in Debian", () => {
      test("is ready by its own word, counts who is on, and is replaced when it is killed", async () => {
        const id = await run.server(experience);
        const { ports } = await server(id);
        expect(await server(id)).toMatchObject({ state: "ready", players: 0 });
        await run.until(
          () => server(id),
          ({ stats }) => (stats?.memoryBytes ?? 0) > 1e6,
        );
        if (enter) {
          const leave = await enter(ports["game"] ?? 0);
          try {
            await counted(id, 1);
          } finally {
            leave();
          }
          await counted(id, 0);
        }
        const { session } = await run.place({ playerId: `ann-${experience}`, experienceId: experience });
        expect(session.serverId).toBe(id);
        const from = run.mark;
        process.kill(processOf(id), "SIGKILL");
        const { detail } = await run.next({ type: "server.replaced", serverId: id }, from);
        const next = detail["replacementId"] as string;
        expect(["ready", "allocated"]).toContain((await server(next)).state);
        const moved = await run.next({ type: "session.moved", sessionId: session.id }, from);
        expect(moved.serverId).toBe(next);
      });
    });
  });
});
