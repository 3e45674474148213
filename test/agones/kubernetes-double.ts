import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Socket } from "node:net";

interface Patch {
  readonly op: "test" | "replace" | "add" | "remove";
  readonly path: string;
  readonly value?: unknown;
}

type Json = Record<string, unknown>;

const GAME_SERVERS = "/apis/agones.dev/v1/namespaces/default/gameservers";

/**
 * A double of Kubernetes' API with one GameServer, as much as Agones' own SDK server asks of it: list, watch, JSON patch,
 * and events that nobody reads. In place of Agones' controllers it makes RequestReady Ready, at once.
 */
export class KubernetesDouble {
  gameServer: Json;
  readonly #server: Server;
  readonly #watchers = new Set<ServerResponse>();
  readonly #sockets = new Set<Socket>();
  #version = 1;

  private constructor(gameServer: Json) {
    this.gameServer = gameServer;
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
  }

  static async start(gameServer: Json): Promise<KubernetesDouble> {
    const double = new KubernetesDouble(gameServer);
    double.#server.listen(0, "127.0.0.1");
    await once(double.#server, "listening");
    return double;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    const closed = once(this.#server.close(), "close");
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? "/", this.url);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (request.method === "GET" && pathname === GAME_SERVERS) {
      return searchParams.get("watch") === "true" ? this.#watch(response, searchParams) : this.#list(response);
    }
    if (request.method === "GET" && pathname.startsWith(`${GAME_SERVERS}/`))
      return send(response, 200, this.#current());
    if (request.method === "PATCH" && pathname.startsWith(`${GAME_SERVERS}/`)) {
      return this.#patch(response, JSON.parse(Buffer.concat(chunks).toString()) as Patch[]);
    }
    // Events, and what else is written down for people.
    if (request.method === "POST") return send(response, 201, JSON.parse(Buffer.concat(chunks).toString()) as Json);
    send(response, 404, { kind: "Status", apiVersion: "v1", status: "Failure", reason: "NotFound", code: 404 });
  }

  #list(response: ServerResponse): void {
    const metadata = { resourceVersion: String(this.#version) };
    send(response, 200, { kind: "GameServerList", apiVersion: "agones.dev/v1", metadata, items: [this.#current()] });
  }

  #watch(response: ServerResponse, query: URLSearchParams): void {
    // Clients that ask for a list and a watch in one take this for "not here" and ask for both.
    if (query.has("sendInitialEvents")) {
      const status = { kind: "Status", apiVersion: "v1", status: "Failure", reason: "Invalid", code: 422 };
      return send(response, 422, status);
    }
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    this.#watchers.add(response);
    response.once("close", () => this.#watchers.delete(response));
  }

  #patch(response: ServerResponse, patch: readonly Patch[]): void {
    const next = structuredClone(this.#current());
    for (const { op, path, value } of patch) {
      if (op !== "test") apply(next, path.split("/").slice(1).map(unescape), op === "remove" ? undefined : value);
    }
    this.#become(next);
    send(response, 200, this.#current());
    const status = next["status"] as Json;
    if (status["state"] === "RequestReady") this.#become({ ...next, status: { ...status, state: "Ready" } });
  }

  #become(next: Json): void {
    this.#version += 1;
    this.gameServer = next;
    const line = `${JSON.stringify({ type: "MODIFIED", object: this.#current() })}\n`;
    for (const watcher of this.#watchers) watcher.write(line);
  }

  #current(): Json {
    const metadata = { ...(this.gameServer["metadata"] as Json), resourceVersion: String(this.#version) };
    return { ...this.gameServer, metadata };
  }
}

function unescape(part: string): string {
  return part.replace(/~1/g, "/").replace(/~0/g, "~");
}

/** RFC 6902, for what a GameServer's patches hold: set or take out what is at a path. */
function apply(of: Json, [first = "", ...rest]: readonly string[], value: unknown): void {
  const within = of[first];
  if (rest.length > 0) return apply((of[first] = (within ?? {}) as Json), rest, value);
  if (Array.isArray(of)) {
    const at = first === "-" ? of.length : Number(first);
    of.splice(at, value === undefined || at < of.length ? 1 : 0, ...(value === undefined ? [] : [value]));
  } else if (value === undefined) Reflect.deleteProperty(of, first);
  else of[first] = value;
}

function send(response: ServerResponse, status: number, body: Json): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
