import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { buildSync } from "esbuild";
import { WebSocket } from "ws";
import { freePort } from "../../protocol/free-ports";
import { sealTicket } from "../../protocol/ticket";
import { renderTemplate } from "./templates";

const ROOT = join(__dirname, "..", "..");

/** What a gate answers to the template's server: admits everybody but those called `banned`. */
class FakeGate {
  readonly heard: string[] = [];
  private readonly waiting = new Map<string, () => void>();
  private readonly watchers: ServerResponse[] = [];
  private readonly server: Server;

  constructor() {
    this.server = createServer((request, response) => void this.answer(request, response));
  }

  async listen(): Promise<string> {
    this.server.listen(0, "127.0.0.1");
    await once(this.server, "listening");
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  async hears(call: string): Promise<void> {
    if (!this.heard.includes(call)) await new Promise<void>((resolve) => this.waiting.set(call, resolve));
  }

  tell(event: string, data: object): void {
    for (const watcher of this.watchers) watcher.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = "";
    for await (const chunk of request) text += String(chunk);
    const body = JSON.parse(text === "" ? "{}" : text) as { playerId?: string; ticket?: string };
    if (request.url === "/v1/watch") {
      response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
      this.watchers.push(response);
      return;
    }
    const player = body.ticket === undefined ? body.playerId : playerOf(body.ticket);
    const call = [request.method, request.url, player].filter((part) => part !== undefined).join(" ");
    this.heard.push(call);
    this.waiting.get(call)?.();
    const [status, answer] = this.reply(request.url ?? "", player);
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(answer));
  }

  private reply(url: string, playerId: string | undefined): [number, object] {
    if (url === "/v1/gameserver") return [200, { serverId: "s1", allocationId: "a1", ticketKey: "k", restore: null }];
    if (url !== "/v1/players/join") return [200, {}];
    if (playerId === "banned")
      return [409, { code: "ticketUnknown", status: 409, title: "no seat", detail: "no seat" }];
    const restore = playerId === "bob" ? { data: JSON.stringify({ score: 40 }), ageMs: 1200 } : null;
    return [200, { playerId, sessionId: `session-${playerId}`, generation: 1, restore }];
  }
}

function ticketOf(playerId: string): string {
  const claims = { sessionId: `session-${playerId}`, playerId, serverId: "s1", allocationId: "a1", generation: 1 };
  return sealTicket("k", { ...claims, expiresAtMs: Number.MAX_SAFE_INTEGER });
}

function playerOf(ticket: string): string {
  const claims = JSON.parse(Buffer.from(ticket.split(".")[0] ?? "", "base64url").toString()) as { p: string };
  return claims.p;
}

/** A new project, with the packages that `npm install` would bring. */
function install(folder: string): void {
  const readFile = (path: string) => readFileSync(path, "utf8");
  for (const { path, contents } of renderTemplate("websocket", "arena", { folder: __dirname, readFile })) {
    writeFileSync(join(folder, path), contents);
  }
  const sdk = join(folder, "node_modules", "eustress-forge-sdk");
  mkdirSync(sdk, { recursive: true });
  writeFileSync(join(sdk, "package.json"), readFileSync(join(ROOT, "sdk", "package.json")));
  const outfile = join(sdk, "dist", "server.js");
  buildSync({
    entryPoints: [join(ROOT, "sdk", "src", "server.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format: "cjs",
  });
  symlinkSync(dirname(require.resolve("ws/package.json")), join(folder, "node_modules", "ws"));
}

/** A player's connection, with the messages that came. */
class Client {
  private readonly messages: string[] = [];
  private readonly socket: WebSocket;
  readonly closed: Promise<number>;

  constructor(port: number, ticket: string) {
    this.socket = new WebSocket(`ws://127.0.0.1:${port}`);
    this.socket.on("open", () => this.socket.send(ticket));
    this.socket.on("message", (data: Buffer) => this.messages.push(data.toString()));
    this.closed = once(this.socket, "close").then(([code]) => code as number);
  }

  send(text: string): void {
    this.socket.send(text);
  }

  leave(): void {
    this.socket.close();
  }

  async sees(scores: Readonly<Record<string, number>>): Promise<void> {
    const expected = JSON.stringify({ scores });
    while (!this.messages.includes(expected)) await once(this.socket, "message");
  }
}

describe("the websocket template's server", () => {
  let folder: string;
  let gate: FakeGate;
  let server: ChildProcess;
  let port: number;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "forge-template-"));
    install(folder);
    gate = new FakeGate();
    port = await freePort();
    const forge = { FORGE_SDK_URL: await gate.listen(), FORGE_SDK_TOKEN: "t", FORGE_PORT_GAME: String(port) };
    const env = { ...process.env, ...forge, NOMAD_IP_game: "127.0.0.1" };
    server = spawn(process.execPath, ["server.mjs"], { cwd: folder, env, stdio: ["ignore", "ignore", "inherit"] });
    await gate.hears("POST /v1/ready");
  });
  afterAll(async () => {
    const ended = once(server, "exit");
    server.kill("SIGTERM");
    expect(await ended).toEqual([0, null]);
    gate.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test("admits by ticket, tells everyone the scores, gives back what was saved, and frees seats", async () => {
    const alice = new Client(port, ticketOf("alice"));
    await alice.sees({ alice: 0 });
    const bob = new Client(port, ticketOf("bob"));
    await alice.sees({ alice: 0, bob: 40 });
    bob.send("2");
    bob.send("not a number");
    await alice.sees({ alice: 0, bob: 42 });
    bob.leave();
    await gate.hears("POST /v1/players/leave bob");
    await alice.sees({ alice: 0 });
    alice.leave();
    await gate.hears("POST /v1/players/leave alice");
  });

  test("turns away whom Forge has no seat for", async () => {
    expect(await new Client(port, ticketOf("banned")).closed).toBe(4003);
    expect(await new Client(port, "no ticket at all").closed).toBe(4003);
  });

  test("closes the connection of a player who was moved, and reports nobody as left", async () => {
    const carol = new Client(port, ticketOf("carol"));
    await carol.sees({ carol: 0 });
    gate.tell("moved", { playerIds: ["carol"], reason: "drained" });
    expect(await carol.closed).toBe(4001);
    const dave = new Client(port, ticketOf("dave"));
    await dave.sees({ dave: 0 });
    dave.leave();
    await gate.hears("POST /v1/players/leave dave");
    expect(gate.heard).not.toContain("POST /v1/players/leave carol");
  });
});
