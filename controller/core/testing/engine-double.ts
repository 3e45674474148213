import type { EngineEvent, EngineServer, ServerExit, ServerLaunch } from "../../engine";
import { inTurn, placedServer } from "./placed-server";

/** TEST DOUBLE of an engine: runs nothing, places servers on its nodes in turn and says what would have happened. */
export class EngineDouble {
  readonly servers = new Map<string, EngineServer>();
  readonly launches = new Map<string, ServerLaunch>();
  readonly events: EngineEvent[] = [];
  /** How many starts and stops were carried out, for tests that count. */
  starts = 0;
  stops = 0;
  /** Set to have starts refused for good. */
  refuse: string | undefined;
  /** So many run at once at most; what finds no room is not kept. */
  room = Infinity;
  /** Set to have it place all servers there, unless they are to avoid it. */
  favourite: string | undefined;
  private next = 0;

  constructor(
    private readonly region: string,
    private readonly nodeIds: readonly string[],
    /** Off: it places servers as if it knew of no nodes to avoid. */
    readonly avoidsNodes = true,
  ) {}

  start(launch: ServerLaunch): void {
    if (this.servers.has(launch.serverId)) return;
    if (this.refuse !== undefined) {
      this.events.push({
        type: "blocked",
        serverId: launch.serverId,
        reason: this.refuse,
        code: "programMissing",
        final: true,
      });
      return;
    }
    if ([...this.servers.values()].filter(({ state }) => state !== "exited").length >= this.room) {
      const { serverId } = launch;
      this.events.push({ type: "blocked", serverId, reason: "every node is full", code: "noCapacity", final: false });
      return;
    }
    this.starts++;
    const index = this.next++;
    const server = placedServer(launch, {
      allocationId: `alloc-${String(index)}`,
      nodeId: this.nodeFor(index, launch),
      address: "10.0.0.1",
      firstPort: 20_000 + index * 8,
    });
    this.launches.set(launch.serverId, launch);
    this.set(server, { type: "placed", server });
    const running = { ...server, state: "running" as const, pids: { server: 1000 + index } };
    this.set(running, { type: "running", server: running });
  }

  stop(serverId: string, nowMs: number): void {
    if (this.running(serverId)) {
      this.stops++;
      this.end(serverId, { exitCode: 0, signal: undefined, requested: true }, nowMs);
    }
  }

  /** A process ends by itself or is killed. */
  end(serverId: string, how: Pick<ServerExit, "exitCode" | "signal" | "requested">, nowMs: number): void {
    const server = this.servers.get(serverId);
    if (!server || server.state === "exited") return;
    const exit: ServerExit = { task: "server", outOfMemory: false, atMs: nowMs, ...how };
    const exited = { ...server, state: "exited" as const, exit };
    this.set(exited, { type: "exited", server: exited, exit });
  }

  running(serverId: string): boolean {
    const server = this.servers.get(serverId);
    return server !== undefined && server.state !== "exited";
  }

  forget(serverId: string): void {
    if (!this.running(serverId)) this.servers.delete(serverId);
  }

  list(): readonly EngineServer[] {
    return [...this.servers.values()];
  }

  private nodeFor(index: number, launch: ServerLaunch): string {
    const avoidNodes = this.avoidsNodes ? launch.avoidNodes : [];
    if (this.favourite !== undefined && !avoidNodes.includes(this.favourite)) return this.favourite;
    return inTurn(this.nodeIds, index, { avoidNodes });
  }

  private set(server: EngineServer, event: EngineEvent): void {
    this.servers.set(server.serverId, server);
    this.events.push(event);
  }
}
