import { EngineError } from "../../controller/engine";
import { EngineStage, launchOf, lineOf, type EngineUnderTest } from "./engine-harness";
import { describeEnds, describeStop } from "./engine-contract-ends";
import { describeLogs, describeMemory, describeRefusals } from "./engine-contract-memory";

export interface EngineAbilities {
  /** Whether servers are killed for holding more memory than they asked for; else why not. */
  readonly memoryLimit: true | string;
  /** Whether a server's own stop command is run first; else why not. */
  readonly stopCommand: true | string;
  /** Whether a port that a program outside of the engine has is known to be taken; else why not. */
  readonly foreignPorts: true | string;
  /** How `${NOMAD_NO_SUCH_THING}` is written so that it reaches the server as it is. */
  readonly unknownReference: string;
  /** Whether process ids and folders are the engine's to tell; else its nodes' agents find them. */
  readonly tellsPids: boolean;
}

/**
 * What every engine does, told only in terms of the port: `embedded` and `nomad` pass the same.
 *
 * @param make called once; the servers of all tests run under what it makes
 */
export function describeEngine(name: string, make: () => Promise<EngineUnderTest>, abilities: EngineAbilities): void {
  describe(`engine ${name}`, () => {
    const stage = new EngineStage();
    beforeAll(async () => stage.open(await make()));
    afterAll(() => stage.close());

    describeStart(stage, abilities);
    describeSurroundings(stage, abilities);
    describeStop(stage, name, abilities.stopCommand);
    describeEnds(stage, name, abilities.memoryLimit);
    describeRefusals(stage, name, abilities.foreignPorts);
    describeMemory(stage);
    describeLogs(stage);
  });
}

function describeStart(stage: EngineStage, { tellsPids }: EngineAbilities): void {
  describe("start", () => {
    it("says placed, running and exited, in this order", async () => {
      const launch = launchOf();
      const server = await stage.up(launch);
      expect(server).toMatchObject({ state: "running", experienceId: "probe", version: "1.0.0", role: "server" });
      expect(stage.pids(server).primary).toBeGreaterThan(0);
      expect(Object.keys(server.pids)).toEqual(tellsPids ? ["primary"] : []);
      await stage.stop(launch.serverId);
      expect(stage.log.types(launch.serverId)).toEqual(["placed", "running", "exited"]);
    });

    it("knows ports and node when it says placed", async () => {
      const launch = launchOf();
      await stage.engine.start(launch);
      const { server } = await stage.log.of("placed", launch.serverId);
      expect(Object.keys(server.ports).sort()).toEqual(["game", "sdk"]);
      expect(server.nodeId).not.toBe("");
      expect(server.allocationId).not.toBe("");
      await stage.stop(launch.serverId);
    });

    it("starts a server once, however often it is asked", async () => {
      const launch = launchOf();
      await Promise.all([stage.engine.start(launch), stage.engine.start(launch)]);
      const server = await stage.up(launch);
      await stage.engine.start(launch);
      expect((await stage.engine.list()).filter(({ serverId }) => serverId === launch.serverId)).toHaveLength(1);
      expect((await stage.listed(launch.serverId))?.pids).toEqual(server.pids);
      await stage.stop(launch.serverId);
      expect(stage.log.types(launch.serverId)).toEqual(["placed", "running", "exited"]);
    });

    it("gives each server its own ports, and they can be bound", async () => {
      const ports = ["game", "query", "sdk"].map((port) => ({
        name: port,
        protocol: "udp" as const,
        static: undefined,
      }));
      const launches = [1, 2, 3].map(() => launchOf({ args: ["listen"], ports }));
      await Promise.all(launches.map((launch) => stage.engine.start(launch)));
      await Promise.all(launches.map(({ serverId }) => lineOf(stage.engine, serverId, "bound")));
      const servers = await Promise.all(launches.map(async ({ serverId }) => await stage.listed(serverId)));
      const given = servers.flatMap((server) => Object.values(server?.ports ?? {}));
      expect(new Set(given).size).toBe(9);
      await Promise.all(launches.map(({ serverId }) => stage.stop(serverId)));
    });

    it("starts a server even where the only node is one to avoid", async () => {
      const first = await stage.up();
      const second = await stage.up(launchOf({ avoidNodes: [first.nodeId] }));
      expect(second.nodeId).toBe(first.nodeId);
      await Promise.all([stage.stop(first.serverId), stage.stop(second.serverId)]);
    });

    it("gives another allocation to each start", async () => {
      const first = await stage.up();
      const second = await stage.up();
      expect(second.allocationId).not.toBe(first.allocationId);
      await Promise.all([stage.stop(first.serverId), stage.stop(second.serverId)]);
    });
  });
}

function describeSurroundings(stage: EngineStage, { unknownReference }: EngineAbilities): void {
  describe("what the server sees", () => {
    it("has its ports, names and folders in its environment, and references filled in", async () => {
      const launch = launchOf({
        args: ["env", "--port=${NOMAD_PORT_game}", "${NOMAD_TASK_NAME}", "$HOME", unknownReference],
        task: { env: { WHERE: "${NOMAD_ADDR_game}", FORGE_MAX_PLAYERS: "16" } },
        meta: { sdkToken: "token-of-the-server", colour: "blue" },
      });
      await stage.engine.start(launch);
      const line = await lineOf(stage.engine, launch.serverId, "env ");
      const { env, args } = JSON.parse(line.slice(4)) as { env: Record<string, string>; args: string[] };
      const { server } = await stage.log.of("running", launch.serverId);
      const { game, sdk } = server.ports;
      expect(env).toMatchObject({
        FORGE_SERVER_ID: launch.serverId,
        FORGE_ALLOCATION_ID: server.allocationId,
        FORGE_REGION: "here",
        FORGE_EXPERIENCE: "probe",
        FORGE_VERSION: "1.0.0",
        FORGE_ROLE: "server",
        FORGE_SDK_URL: `http://127.0.0.1:${sdk}`,
        FORGE_SDK_TOKEN: "token-of-the-server",
        FORGE_MAX_PLAYERS: "16",
        FORGE_PORT_GAME: `${game}`,
        NOMAD_PORT_game: `${game}`,
        NOMAD_HOST_PORT_game: `${game}`,
        NOMAD_ALLOC_ID: server.allocationId,
        NOMAD_META_colour: "blue",
        NOMAD_TASK_NAME: "primary",
        NOMAD_CPU_LIMIT: "100",
        NOMAD_MEMORY_LIMIT: "256",
      });
      expect(env.WHERE).toBe(`${env.NOMAD_IP_game}:${game}`);
      expect(env.NOMAD_ADDR_game).toBe(env.WHERE);
      for (const name of ["NOMAD_ALLOC_DIR", "NOMAD_TASK_DIR", "NOMAD_SECRETS_DIR", "NOMAD_JOB_NAME", "NOMAD_DC"]) {
        expect(env[name]).not.toBe("");
      }
      expect(args).toEqual([`--port=${game}`, "primary", "$HOME", "${NOMAD_NO_SUCH_THING}"]);
      await stage.stop(launch.serverId);
    });

    it("keeps a volume from one server to the next", async () => {
      const launch = { args: ["remember"], experienceId: "kept", volumes: { world: "/data" } };
      const first = launchOf(launch);
      await stage.engine.start(first);
      expect(await lineOf(stage.engine, first.serverId, "notes")).toBe("notes 1");
      await stage.stop(first.serverId, 0);
      const second = launchOf(launch);
      await stage.engine.start(second);
      expect(await lineOf(stage.engine, second.serverId, "notes")).toBe("notes 2");
      await stage.stop(second.serverId);
    });

    it("lets one server at a time have a volume", async () => {
      const launch = { experienceId: "exclusive", volumes: { world: "/data" } };
      const first = await stage.up(launchOf(launch));
      const refused = await stage.engine.start(launchOf(launch)).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(EngineError);
      expect(refused).toMatchObject({ code: "volumeBusy" });
      expect((refused as Error).message).toContain(first.serverId);
      await stage.stop(first.serverId);
      const next = await stage.up(launchOf(launch));
      await stage.stop(next.serverId);
    });
  });
}
