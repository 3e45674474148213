import { timingSafeEqual } from "node:crypto";
import { chmodSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import {
  lineSplitter,
  ROOT_PROTOCOL,
  type EntryView,
  type RootEventName,
  type RootProblem,
  type RootRequest,
  type Welcome,
} from "../root-protocol";
import { checkRequest, MalformedRequest, readFrame } from "./check-request";
import { RootRefusal, type Entries } from "./entries";

/** A client that does not read its events is cut off; it may come back and ask for `list`. */
const MAX_UNREAD_BYTES = 16 * 1024 * 1024;
const HELLO_WITHIN_MS = 5_000;

export interface RootServerOptions {
  readonly socketPath: string;
  readonly secret: string;
  readonly welcome: Welcome;
  readonly entries: Entries;
  readonly warn: (message: string) => void;
  readonly onShutdown: (graceSecs: number) => void;
}

/** Root's unix socket: answers requests, and tells events to every client. */
export class RootServer {
  private readonly server: Server;
  private readonly clients = new Set<Socket>();
  private readonly connections = new Set<Socket>();

  constructor(private readonly options: RootServerOptions) {
    this.server = createServer((socket) => this.accept(socket));
  }

  async listen(): Promise<void> {
    const { socketPath } = this.options;
    rmSync(socketPath, { force: true });
    // Nobody else may connect, not even between listening and chmod.
    const before = process.umask(0o177);
    try {
      await new Promise<void>((resolve, reject) => {
        this.server.once("error", reject);
        this.server.listen(socketPath, resolve);
      });
      chmodSync(socketPath, 0o600);
    } finally {
      process.umask(before);
    }
    this.server.on("error", (error) => this.options.warn(`socket: ${error.message}`));
  }

  tell(event: RootEventName, entry: EntryView): void {
    const line = `${JSON.stringify({ event, entry })}\n`;
    for (const client of this.clients) {
      if (client.writableLength > MAX_UNREAD_BYTES) client.destroy();
      else client.write(line);
    }
  }

  close(): void {
    this.server.close();
    for (const socket of this.connections) socket.destroy();
    rmSync(this.options.socketPath, { force: true });
  }

  private accept(socket: Socket): void {
    this.connections.add(socket);
    const hello = setTimeout(() => socket.destroy(), HELLO_WITHIN_MS);
    const onLine = (line: string) => {
      clearTimeout(hello);
      this.answer(socket, line);
    };
    socket.on(
      "data",
      lineSplitter(onLine, () => socket.destroy()),
    );
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      clearTimeout(hello);
      this.clients.delete(socket);
      this.connections.delete(socket);
    });
  }

  private answer(socket: Socket, line: string): void {
    if (socket.destroyed) return;
    let n = 0;
    try {
      const frame = readFrame(line);
      n = frame.n;
      this.handle(socket, n, checkRequest(frame.fields));
    } catch (error) {
      const problem = problemOf(error);
      if (problem === undefined) throw error;
      socket.write(`${JSON.stringify({ n, error: problem })}\n`);
      if (!this.clients.has(socket)) socket.end();
    }
  }

  private handle(socket: Socket, n: number, request: RootRequest): void {
    const { entries, welcome } = this.options;
    const ok = (value: unknown, written?: () => void) => socket.write(`${JSON.stringify({ n, ok: value })}\n`, written);
    if (request.op !== "hello" && !this.clients.has(socket)) {
      throw new RootRefusal({ code: "auth", message: "the first request must be hello" });
    }
    switch (request.op) {
      case "hello":
        this.admit(request.secret, request.protocol);
        this.clients.add(socket);
        return void ok(welcome);
      case "spawn": {
        const { spawned, start } = entries.add(request.spec);
        // The client learns of ports and folders before there is a process that uses them.
        return void ok(spawned, start);
      }
      case "signal":
        entries.signal(request.id, request.signal as NodeJS.Signals);
        return void ok({});
      case "stop":
        ok({});
        return entries.stop(request.id, request.graceSecs);
      case "list":
        return void ok({ entries: entries.list() });
      case "forget":
        entries.forget(request.id);
        return void ok({});
      case "shutdown":
        ok({});
        return this.options.onShutdown(request.graceSecs);
    }
  }

  private admit(secret: string, protocol: number): void {
    const given = Buffer.from(secret);
    const right = Buffer.from(this.options.secret);
    if (given.length !== right.length || !timingSafeEqual(given, right)) {
      throw new RootRefusal({ code: "auth", message: "the secret is not this root's" });
    }
    if (protocol === ROOT_PROTOCOL) return;
    const message = `protocol ${protocol} is not spoken here, only ${ROOT_PROTOCOL}; start Forge anew`;
    throw new RootRefusal({ code: "malformed", message });
  }
}

function problemOf(error: unknown): RootProblem | undefined {
  if (error instanceof RootRefusal) return error.problem;
  if (error instanceof MalformedRequest) return { code: "malformed", message: error.message };
  return undefined;
}
