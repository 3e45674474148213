import { once } from "node:events";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { Desk } from "../../cli/sdk-local/desk";
import { DEFAULT_SERVER } from "../../cli/sdk-local/game-server-file";
import { freePorts } from "../../protocol/free-ports";
import { systemClock } from "../../protocol/clock";
import { findPart } from "../cluster/real-parts";
import { skipUnless } from "../skips";

/** The calls that Agones asks of each SDK's conformance client (`build/includes/sdk.mk`), and of those who know more. */
const ALL = ["Ready", "Reserve", "Allocate", "Health", "GetGameServer", "SetLabel", "SetAnnotation", "Shutdown"];
const COUNTS = ["GetCounter", "UpdateCounter", "GetList", "UpdateList", "AddListValue", "RemoveListValue"];
const PLAYERS = [
  ...["SetPlayerCapacity", "GetPlayerCapacity", "PlayerConnect", "IsPlayerConnected", "GetConnectedPlayers"],
  ...["PlayerDisconnect", "GetPlayerCount"],
];
const CLIENTS = [
  { name: "Go", program: "agones-sdk-client-go", command: [], calls: [...ALL, ...COUNTS, ...PLAYERS] },
  { name: "REST", program: "agones-sdk-client-rest", command: [], calls: [...ALL, ...COUNTS, ...PLAYERS] },
  { name: "Node", program: "agones-sdk-client-node", command: [process.execPath], calls: [...ALL, ...COUNTS] },
];
const SERVER = findPart("agones-sdk-server");

/** For all of them, chosen together: they begin at once, and two who choose at one moment may choose the same. */
let chosen: Promise<number[]> | undefined;
async function takePorts(count: number): Promise<readonly number[]> {
  chosen ??= freePorts(CLIENTS.length * 5).then((ports) => [...ports]);
  const taken = (await chosen).splice(0, count);
  return taken.length === count ? taken : freePorts(count);
}

interface Ports {
  readonly grpcPort: number;
  readonly httpPort: number;
}

/** @returns its exit code and what it said */
async function run(command: readonly string[], { grpcPort, httpPort }: Ports): Promise<[code: number, said: string]> {
  const [program = "", ...args] = command;
  const child = spawn(program, args, {
    env: {
      PATH: process.env["PATH"] ?? "",
      NODE_PATH: join(__dirname, "../../node_modules"),
      AGONES_SDK_GRPC_PORT: String(grpcPort),
      AGONES_SDK_HTTP_PORT: String(httpPort),
      FEATURE_GATES: "PlayerTracking=true&CountsAndLists=true",
    },
    timeout: 40_000,
  });
  let said = "";
  child.stdout.on("data", (text: Buffer) => (said += text.toString()));
  child.stderr.on("data", (text: Buffer) => (said += text.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  return [code ?? -1, said];
}

/** Its local mode, for which these clients were written. */
async function agones(): Promise<Ports & { readonly stop: () => Promise<void> }> {
  let said = "";
  for (let tries = 0; tries < 5; tries++) {
    const [grpcPort = 0, httpPort = 0, healthPort = 0] = await takePorts(3);
    const child = spawn(SERVER ?? "", [
      ...["--local", "--address", "127.0.0.1", "--grpc-port", String(grpcPort), "--http-port", String(httpPort)],
      ...["--health-port", String(healthPort), "--feature-gates", "PlayerTracking=true", "--sdk-name", "forge"],
    ]);
    said = "";
    child.stdout.resume();
    child.stderr.on("data", (text: Buffer) => (said += text.toString()));
    let alive = true;
    const ended = once(child, "exit").then(() => (alive = false));
    while (alive) {
      const answer = await fetch(`http://127.0.0.1:${httpPort}/gameserver`).catch(() => undefined);
      if (answer?.ok && alive) {
        const stop = async (): Promise<void> => {
          child.kill("SIGKILL");
          await ended;
        };
        return { grpcPort, httpPort, stop };
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    // Somebody else listens there by now: once more, at other ports.
  }
  throw new Error(`agones-sdk-server does not come up: ${said}`);
}

/** All at once: these clients mostly wait. */
const runs = CLIENTS.map(({ name, program, command, calls }) => {
  const client = findPart(program);
  let seen: Promise<{ forge: [number, string]; agones: [number, string] | undefined; heard: string[] }> | undefined;
  return { name, program, client, calls, look: () => (seen ??= compare([...command, client ?? ""])) };
});

async function compare(command: readonly string[]) {
  const [forge, theirs] = await Promise.all([onForge(command), SERVER === undefined ? undefined : onAgones(command)]);
  return { forge: forge.end, heard: forge.heard, agones: theirs };
}

async function onForge(command: readonly string[]): Promise<{ end: [number, string]; heard: string[] }> {
  const [grpcPort = 0, httpPort = 0] = await takePorts(2);
  const options = { token: "t", seats: "match", maxPlayers: 16, version: "0", clock: systemClock } as const;
  const desk = await Desk.start({ ...options, server: DEFAULT_SERVER, grpcPort, httpPort });
  const heard = new Set<string>();
  desk.on("call", ({ path }, status) => status < 400 && heard.add(path.split("/").at(-1) ?? ""));
  const end = await run(command, { grpcPort, httpPort });
  await desk.close();
  return { end, heard: [...heard] };
}

async function onAgones(command: readonly string[]): Promise<[number, string]> {
  const { stop, ...ports } = await agones();
  const end = await run(command, ports);
  await stop();
  return end;
}

beforeAll(() => Promise.all(runs.filter(({ client }) => client !== undefined).map(({ look }) => look())), 60_000);

for (const { name, program, client, calls, look } of runs) {
  skipUnless(
    `Agones' conformance client (${name})`,
    `${program} is neither on PATH nor in Forge's cache; docs/testing.md says how it is built`,
    client !== undefined,
  )(`Agones' conformance client (${name})`, () => {
    it("finds every call on Forge as it expects it", async () => {
      const { forge, heard } = await look();
      expect(forge).toEqual([0, forge[1]]);
      expect(heard).toEqual(expect.arrayContaining(calls));
    });

    skipUnless(
      "Agones' SDK server",
      "agones-sdk-server is not here to compare with",
      SERVER !== undefined,
    )("with Agones' own SDK server", () => {
      it("finds the same there", async () => {
        const { agones: theirs } = await look();
        expect(theirs).toEqual([0, theirs?.[1]]);
      });
    });
  });
}
