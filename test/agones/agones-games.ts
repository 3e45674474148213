import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import AgonesSDK from "@google-cloud/agones-sdk";
import { AllocationClient } from "../../controller/agones/testing/allocation-client";
import type { Server } from "../../controller/core/resources";
import { findPart } from "../cluster/real-parts";
import { until } from "../until";

/** Agones' own game server, built from `examples/simple-game-server` of its repository, where somebody put it. */
export const SIMPLE_SERVER = findPart("agones-simple-game-server");
export const NO_SIMPLE_SERVER = "agones-simple-game-server is neither on PATH nor in Forge's cache";

/** Those whose connection to the SDK is their life: they end where it breaks. */
export const AGONES_GAMES: readonly string[] = [...(SIMPLE_SERVER === undefined ? [] : ["go"]), "node"];

/** A game server that was built for Agones as an experience: `go`, Agones' own; `node`, on its SDK from npm; `rest`. */
export function agonesGame(
  language: string,
  { id = language, regions = [] as readonly string[], cpu = 100 } = {},
): string {
  const program =
    language === "go"
      ? { command: SIMPLE_SERVER, args: ["-port", "${NOMAD_PORT_game}"] }
      : { command: process.execPath, args: [join(__dirname, `${language}-server.cjs`)] };
  return `
[experiences.${id}]
regions = ${JSON.stringify(regions)}
command = ${JSON.stringify(program.command)}
args = ${JSON.stringify(program.args)}
driver = "raw_exec"
env = { GAME_PORT = "\${NOMAD_PORT_game}" }
max_players = 16
tracked_players = 4
sdk = "agones"
cpu = ${String(cpu)}
memory = 64
ports = { game = "udp" }
counters = { rooms = { capacity = 100 } }
health = { sdk = true, period_secs = 2, failure_threshold = 2, initial_delay_secs = 2 }
stop = { grace_secs = 2 }
[experiences.${id}.scaling]
min_servers = 0
max_servers = 6
buffer = 1
scale_up_cooldown_secs = 0
scale_down_cooldown_secs = 3600
allocation_overflow = { labels = { over = "yes" } }
`;
}

/** What an allocation over REST is answered with. */
interface Answered {
  readonly gameServerName?: string;
  readonly source?: string;
  readonly code?: number;
}

type Place = Pick<Server, "address" | "ports">;

/** Says a word to a game server, again where its answer is not there within a second. @returns the answer */
export async function say(server: Place, words: string): Promise<string> {
  const socket = createSocket("udp4");
  try {
    const port = server.ports["game"] ?? 0;
    for (let tries = 0; tries < 5; tries++) {
      const answer = once(socket, "message", { signal: AbortSignal.timeout(3000) }) as Promise<[Buffer]>;
      socket.send(words, port, server.address ?? "127.0.0.1");
      const [heard] = await answer.catch(() => []);
      if (heard !== undefined) return String(heard).trim();
    }
    throw new Error(`${words} was not answered at port ${String(port)}`);
  } finally {
    socket.close();
  }
}

/** A region as matchmakers built for Agones see it, and its API beside that. */
export class AgonesRegion {
  constructor(
    private readonly at: { readonly url: string; readonly token: string; readonly allocator: string },
    readonly region: string,
  ) {}

  async servers(experienceId: string): Promise<readonly Server[]> {
    return (await this.get<{ items: Server[] }>(`/v1/servers?region=${this.region}&experienceId=${experienceId}`))
      .items;
  }

  server(id: string): Promise<Server> {
    return this.get<Server>(`/v1/servers/${id}`);
  }

  /** A server in this state, other than those named. */
  one(experienceId: string, state: Server["state"], not: readonly string[] = []): Promise<Server> {
    return until(`a server of ${experienceId} that is ${state}`, async () =>
      (await this.servers(experienceId)).find((server) => server.state === state && !not.includes(server.id)),
    );
  }

  becomes(id: string, what: string, fits: (server: Server) => boolean): Promise<Server> {
    return until(`server ${id} ${what}`, async () => {
      const server = await this.server(id);
      return fits(server) && server;
    });
  }

  /** As Agones' clients ask over REST. */
  async allocateByRest(experienceId: string): Promise<Server> {
    const { status, body } = await this.ask(experienceId);
    if (body.gameServerName === undefined) throw new Error(`the allocation was answered with ${String(status)}`);
    return this.server(body.gameServerName);
  }

  /** The same, whatever the answer is; `more` fields of the request. */
  async ask(experienceId: string, more: object = {}): Promise<{ status: number; body: Answered }> {
    const answer = await fetch(`${this.at.allocator}/gameserverallocation`, {
      method: "POST",
      headers: { authorization: `Bearer ${this.at.token}` },
      body: JSON.stringify({ namespace: this.region, ...wanted(experienceId), ...more }),
    });
    return { status: answer.status, body: (await answer.json()) as Answered };
  }

  /** And over gRPC. */
  async allocateByGrpc(experienceId: string): Promise<Server> {
    const client = await AllocationClient.connect(this.at.allocator);
    try {
      const request = { namespace: this.region, ...wanted(experienceId) };
      const { status, message, answer } = await client.allocate(request, { authorization: `Bearer ${this.at.token}` });
      if (status !== 0) throw new Error(`the allocation was answered with ${String(status)}: ${message}`);
      return await this.server(answer?.["gameServerName"] as string);
    } finally {
      await client.close();
    }
  }

  /** By the API, as an operator; the server sees it in its watch. */
  async label(id: string, labels: Readonly<Record<string, string>>): Promise<void> {
    await this.call("PATCH", `/v1/servers/${id}`, { labels });
  }

  /** What the server has written. */
  async log(id: string): Promise<string> {
    return (await this.call("GET", `/v1/servers/${id}/logs`)).text();
  }

  /** Another version for its servers. */
  async roll(experienceId: string, version: string): Promise<void> {
    await this.call("PUT", `/v1/fleets/${experienceId}?region=${this.region}`, { version });
  }

  private async get<T>(path: string): Promise<T> {
    return (await (await this.call("GET", path)).json()) as T;
  }

  private async call(method: string, path: string, body?: unknown): Promise<Response> {
    const answer = await fetch(this.at.url + path, {
      method,
      headers: { authorization: `Bearer ${this.at.token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${path} was answered with ${String(answer.status)}: ${await answer.text()}`);
    return answer;
  }
}

function wanted(experienceId: string): object {
  return { gameServerSelectors: [{ matchLabels: { "agones.dev/fleet": experienceId } }] };
}

/**
 * A server's whole life, as Agones' documentation tells it: it gets ready, is allocated by both wires, tells of its
 * players, is given back, falls silent and is replaced, asks for its own end.
 */
export async function liveThrough(region: AgonesRegion, language: string): Promise<void> {
  await region.one(language, "ready");
  const first = await region.allocateByRest(language);
  expect(first).toMatchObject({ state: "allocated", experienceId: language });
  expect(await say(first, "hello")).toBe("ACK: hello");
  await say(first, "PLAYER_CONNECT ann");
  await region.becomes(first.id, "tells of ann", ({ tracked }) => tracked?.values.includes("ann") === true);
  await say(first, "PLAYER_DISCONNECT ann");
  await region.becomes(first.id, "tells of nobody", ({ tracked }) => tracked?.values.length === 0);

  // The buffer is ready by then.
  await region.one(language, "ready", [first.id]);
  const second = await region.allocateByGrpc(language);
  expect(second).toMatchObject({ state: "allocated" });
  expect(second.id).not.toBe(first.id);
  await say(second, "READY");
  await region.becomes(second.id, "is back from its match", ({ state }) => state === "ready");

  // Without a Health for two periods of two seconds.
  await say(first, "UNHEALTHY");
  const ended = await region.becomes(first.id, "is replaced", ({ state }) => state === "terminated");
  expect(ended.reason).toMatch(/health|sign of life|silent/i);
  await region.one(language, "ready", [first.id]);

  const third = await region.allocateByRest(language);
  // Its end may come before its answer.
  const asked = say(third, "EXIT").catch(() => undefined);
  await region.becomes(third.id, "has ended by its own wish", ({ state }) => state === "terminated");
  await asked;
  await region.one(language, "ready", [first.id, third.id]);
}

/** An allocated server, and what tells that it is the same as ever. */
export interface Match {
  readonly language: string;
  readonly server: Server;
}

/** A match of each language, with the server watching. */
export async function beginMatches(region: AgonesRegion, languages = AGONES_GAMES): Promise<readonly Match[]> {
  const matches: Match[] = [];
  for (const language of languages) {
    const server = await taken(region, language);
    if (language === "go") await say(server, "WATCH");
    matches.push({ language, server });
  }
  return matches;
}

/** The match is on, its process is the one that it was, and what is changed is seen by the watch that it began with. */
export async function playsOn(region: AgonesRegion, { language, server }: Match, mark: string): Promise<void> {
  const { allocationId, state } = await region.server(server.id);
  expect([allocationId, state]).toEqual([server.allocationId, "allocated"]);
  const before = language === "node" ? Number(await say(server, "SEEN")) : 0;
  await region.label(server.id, { mark });
  await until(`${language} sees the change in its watch`, async () => {
    if (language === "rest") return (await say(server, "hello")) === "ACK: hello";
    if (language === "node") return Number(await say(server, "SEEN")) > before;
    return (await region.log(server.id)).includes(`"mark":"${mark}"`);
  });
}

/**
 * So long that every silence since now would have been found: a server falls silent by itself, and is found so.
 * @returns once it is
 */
export async function silenceIsFound(region: AgonesRegion): Promise<void> {
  const silent = await taken(region, "node");
  await say(silent, "UNHEALTHY");
  await region.becomes(silent.id, "is found silent", ({ state }) => state === "terminated" || state === "unhealthy");
}

/** As matchmakers do: asked again while there is none. */
function taken(region: AgonesRegion, language: string): Promise<Server> {
  return until(`a server of ${language} is allocated`, () => region.allocateByRest(language));
}

/** This process is none of the server's: its calls are refused, over either wire, and change nothing. */
export async function strangersAreRefused(region: AgonesRegion): Promise<void> {
  const { id } = await taken(region, "node");
  const port = sdkPortOf(id);
  // The agent has to have found the server's processes.
  await until("a stranger is refused over REST", async () => {
    const { status } = await fetch(`http://127.0.0.1:${String(port)}/gameserver`);
    return status === 403;
  });
  process.env["AGONES_SDK_GRPC_PORT"] = String(port);
  const sdk = new AgonesSDK();
  await sdk.connect();
  await expect(sdk.shutdown()).rejects.toMatchObject({ code: 7 });
  sdk.close();
  expect(await region.server(id)).toMatchObject({ state: "allocated" });
}

/** As the server was told, in its environment. */
function sdkPortOf(serverId: string): number {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, "latin1");
      const port = environment.includes(serverId) && /AGONES_SDK_GRPC_PORT=(\d+)/.exec(environment)?.[1];
      if (port) return Number(port);
    } catch {
      // It has ended, or is somebody else's.
    }
  }
  throw new Error(`no process is of server ${serverId}`);
}
