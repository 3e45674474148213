import { randomUUID } from "node:crypto";
import type { Engine, EngineEvent, EngineServer, ServerExit, ServerLaunch } from "../controller/engine";

/** Below what systems hand out to clients, and apart from what the embedded engine gives to real servers. */
const FIRST_PORT = 12_000;

/**
 * A DOUBLE of an engine: runs no process. It says of every server that it was placed on one of the nodes, in turn, and
 * runs; of every stop that the server ended as asked. What a server does (its SDK calls) is done by someone else.
 */
export class VirtualEngine implements Engine {
  readonly kind = "embedded";
  private readonly servers = new Map<string, EngineServer>();
  private readonly listeners = new Set<(event: EngineEvent) => void>();
  private nextNode = 0;
  private nextPort = FIRST_PORT;

  constructor(private readonly nodeIds: readonly string[]) {}

  start(launch: ServerLaunch): Promise<void> {
    if (this.servers.has(launch.serverId)) return Promise.resolve();
    const server: EngineServer = {
      serverId: launch.serverId,
      allocationId: randomUUID(),
      nodeId: this.nodeIds[this.nextNode++ % this.nodeIds.length] ?? "",
      state: "pending",
      experienceId: launch.experienceId,
      version: launch.version,
      role: launch.role,
      address: "127.0.0.1",
      ports: Object.fromEntries(launch.ports.map(({ name }) => [name, this.nextPort++])),
      pids: {},
      logFiles: {},
      meta: launch.meta,
      exit: undefined,
    };
    this.tell({ type: "placed", server });
    this.tell({ type: "running", server: { ...server, state: "running" } });
    return Promise.resolve();
  }

  stop(serverId: string): Promise<void> {
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
    return Promise.resolve([...this.servers.values()]);
  }

  forget(serverId: string): Promise<void> {
    this.servers.delete(serverId);
    return Promise.resolve();
  }

  subscribe(listener: (event: EngineEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async *logs(): AsyncIterable<string> {
    // They write none.
  }

  close(): Promise<void> {
    this.listeners.clear();
    return Promise.resolve();
  }

  /** Later, as a real one would: whoever asked for a start is not told of it before the call returns. */
  private tell(event: Extract<EngineEvent, { server: EngineServer }>): void {
    this.servers.set(event.server.serverId, event.server);
    setImmediate(() => {
      for (const listener of this.listeners) listener(event);
    });
  }
}
