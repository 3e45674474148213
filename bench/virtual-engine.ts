import { randomUUID } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inTurn, placedServer } from "../controller/core/testing/placed-server";
import type { Engine, EngineEvent, EngineServer, ServerExit, ServerLaunch } from "../controller/engine";

/** Below what systems hand out to clients, and apart from what the embedded engine gives to real servers. */
const FIRST_PORT = 12_000;

/**
 * A DOUBLE of an engine: runs no process. It says of every server that it was placed on one of the nodes, in turn, and
 * runs; of every stop that the server ended as asked. What a server does (its SDK calls) is done by someone else.
 */
export class VirtualEngine implements Engine {
  readonly kind = "embedded";
  readonly avoidsNodes = true;
  private readonly servers = new Map<string, EngineServer>();
  private readonly listeners = new Set<(event: EngineEvent) => void>();
  private nextNode = 0;
  private nextPort = FIRST_PORT;

  /** @param folder where engines of several controllers have their servers in common; what one starts, the others list */
  constructor(
    private nodeIds: readonly string[],
    private readonly folder?: string,
  ) {
    if (folder !== undefined) mkdirSync(folder, { recursive: true });
  }

  start(launch: ServerLaunch): Promise<void> {
    this.read();
    if (this.servers.has(launch.serverId)) return Promise.resolve();
    const server = placedServer(launch, {
      allocationId: randomUUID(),
      nodeId: inTurn(this.nodeIds, this.nextNode++, launch),
      address: "127.0.0.1",
      firstPort: this.nextPort,
    });
    this.nextPort += launch.ports.length;
    this.tell({ type: "placed", server });
    this.tell({ type: "running", server: { ...server, state: "running" } });
    return Promise.resolve();
  }

  stop(serverId: string): Promise<void> {
    this.read();
    const server = this.servers.get(serverId);
    if (!server || server.state === "exited") return Promise.resolve();
    const exit: ServerExit = {
      task: "server",
      exitCode: 0,
      signal: undefined,
      outOfMemory: false,
      requested: true,
      atMs: Date.now(),
    };
    this.tell({ type: "exited", server: { ...server, state: "exited", exit }, exit });
    return Promise.resolve();
  }

  current(): Iterable<EngineServer> {
    return this.servers.values();
  }

  list(): Promise<readonly EngineServer[]> {
    this.read();
    return Promise.resolve([...this.servers.values()]);
  }

  forget(serverId: string): Promise<void> {
    this.servers.delete(serverId);
    if (this.folder !== undefined) rmSync(join(this.folder, `${serverId}.json`), { force: true });
    return Promise.resolve();
  }

  subscribe(listener: (event: EngineEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  tasks(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async *logs(): AsyncIterable<string> {
    // They write none.
  }

  /** The node is down, which it says at once, and gets no more servers. */
  loseNode(nodeId: string): void {
    this.nodeIds = this.nodeIds.filter((each) => each !== nodeId);
    for (const listener of this.listeners) listener({ type: "nodeDown", nodeId, reason: "as the benchmark asked" });
  }

  close(): Promise<void> {
    this.listeners.clear();
    return Promise.resolve();
  }

  /** Later, as a real one would: whoever asked for a start is not told of it before the call returns. */
  private tell(event: Extract<EngineEvent, { server: EngineServer }>): void {
    this.servers.set(event.server.serverId, event.server);
    this.write(event.server);
    setImmediate(() => {
      for (const listener of this.listeners) listener(event);
    });
  }

  private read(): void {
    const { folder } = this;
    if (folder === undefined) return;
    this.servers.clear();
    for (const name of readdirSync(folder).filter((file) => file.endsWith(".json"))) {
      const server = JSON.parse(readFileSync(join(folder, name), "utf8")) as EngineServer;
      this.servers.set(server.serverId, server);
      this.nextPort = Math.max(this.nextPort, ...Object.values(server.ports).map((port) => port + 1));
    }
  }

  private write(server: EngineServer): void {
    if (this.folder === undefined) return;
    const file = join(this.folder, `${server.serverId}.json`);
    writeFileSync(`${file}.new`, JSON.stringify(server));
    renameSync(`${file}.new`, file);
  }
}
