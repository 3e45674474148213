import { randomUUID } from "node:crypto";
import { systemClock, type Clock } from "../../../protocol/clock";
import {
  EngineError,
  type Engine,
  type EngineEvent,
  type EngineServer,
  type LogOptions,
  type ServerLaunch,
  type StopRequest,
} from "../../engine";
import { logLines } from "./log-lines";
import { isPortFree, PortPool, type PortCheck, type PortRange } from "./ports";
import { RootClient, RootError, RootUnreachable, type RootAddress } from "./root-client";
import type { EntryView, LimitsDescription, RootEvent } from "./root-protocol";
import { serverFolders, removeServerFolders } from "./server-folders";
import { ServerOrders, type ServerOrder } from "./server-order";
import { nodeIdOf, readExit, readServer } from "./server-record";

export interface EmbeddedEngineOptions {
  readonly region: string;
  /** The root process that runs the servers: see `startRoot`. */
  readonly root: RootAddress;
  /** Folders of running servers, gone with them. */
  readonly runDir: string;
  /** Volumes: kept. */
  readonly dataDir: string;
  /** Where Forge is installed; `${FORGE_HOME}` to servers. */
  readonly home: string;
  /** What relative programs start from: the folder of forge.toml. */
  readonly baseDir: string;
  /** Ports for the region's servers: see `regionPorts`. */
  readonly ports: PortRange;
  /** Forge's own environment; servers get a few names of it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** For people: something is not as it should be. Never holds a secret. */
  readonly warn: (message: string) => void;
  readonly address?: string;
  readonly clock?: Clock;
  readonly random?: () => number;
  readonly newId?: () => string;
  readonly isPortFree?: PortCheck;
}

const DEFAULT_TAIL_BYTES = 64 * 1024;
/** A new root, or a new socket, is there within this time, or the node counts as down. */
const NODE_DOWN_AFTER_MS = 1_000;
/** Tries with other ports, where another region took the first ones in between. */
const PORT_TRIES = 5;

/**
 * Servers as processes of this machine, under the root process: they live on when this engine's own process ends, and a
 * new engine on the same root knows them all by `list`.
 */
export class EmbeddedEngine implements Engine {
  readonly kind = "embedded";
  /** It has one node: there is never another. */
  readonly avoidsNodes = true;
  private readonly listeners = new Set<(event: EngineEvent) => void>();
  private readonly known = new Map<string, EntryView>();
  private readonly starting = new Map<string, Promise<void>>();
  private readonly forgotten = new Set<string>();
  private readonly pool: PortPool;
  private readonly orders: ServerOrders;
  private readonly clock: Clock;
  private isDown = false;
  private cancelDown = () => {};

  private constructor(
    private readonly options: EmbeddedEngineOptions,
    private readonly root: RootClient,
  ) {
    this.clock = options.clock ?? systemClock;
    this.pool = new PortPool(options.ports, options.isPortFree ?? isPortFree, options.random ?? Math.random);
    this.orders = new ServerOrders({ address: "127.0.0.1", newId: randomUUID, ...options });
  }

  /** @throws {RootUnreachable} where no root answers, {RootError} `auth` where it is another's */
  static async connect(options: EmbeddedEngineOptions): Promise<EmbeddedEngine> {
    const root = await RootClient.connect(options.root, options.clock ?? systemClock);
    const engine = new EmbeddedEngine(options, root);
    root.subscribe({
      onEvent: (event) => engine.onRootEvent(event),
      onLost: (reason) => engine.onLost(reason),
      onReconnect: () => void engine.onReconnect(),
    });
    await engine.refresh();
    return engine;
  }

  /** Which limits this machine can put on servers. */
  get limits(): LimitsDescription {
    return this.root.welcome.limits;
  }

  start(launch: ServerLaunch): Promise<void> {
    const { serverId } = launch;
    if (this.known.has(serverId)) return Promise.resolve();
    const started = this.starting.get(serverId) ?? this.startNew(launch).finally(() => this.starting.delete(serverId));
    this.starting.set(serverId, started);
    return started;
  }

  async stop(serverId: string, { graceSecs }: StopRequest): Promise<void> {
    await this.starting.get(serverId)?.catch(() => {});
    await this.ask(() => this.root.stop(serverId, graceSecs));
  }

  async list(): Promise<readonly EngineServer[]> {
    const entries = await this.refresh();
    return entries.flatMap((entry) => readServer(entry, this.options.region) ?? []);
  }

  async forget(serverId: string): Promise<void> {
    await this.ask(() => this.root.forget(serverId));
    const entry = this.known.get(serverId);
    if (entry === undefined || (entry.state !== "ending" && entry.state !== "ended")) return;
    this.forgotten.add(serverId);
    if (entry.state === "ended") await this.dropForgotten(entry);
  }

  subscribe(listener: (event: EngineEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async tasks(serverId: string): Promise<readonly string[] | undefined> {
    const entry = this.known.get(serverId) ?? (await this.find(serverId));
    return entry?.tasks.map(({ name }) => name);
  }

  /** Each item is one line without its end. Nothing for a server that is not known. */
  async *logs(serverId: string, options: LogOptions): AsyncGenerator<string> {
    const tasks = (this.known.get(serverId) ?? (await this.find(serverId)))?.tasks ?? [];
    const task = options.task === undefined ? tasks[0] : tasks.find(({ name }) => name === options.task);
    if (task === undefined) return;
    const reading = {
      tailBytes: options.tailBytes ?? DEFAULT_TAIL_BYTES,
      follow: options.follow ?? false,
      signal: options.signal,
      hasEnded: () => (this.known.get(serverId)?.state ?? "ended") === "ended",
    };
    yield* logLines(task.logFile, reading, this.clock);
  }

  /** The servers run on. */
  close(): Promise<void> {
    this.cancelDown();
    this.listeners.clear();
    this.root.close();
    return Promise.resolve();
  }

  private async startNew(launch: ServerLaunch): Promise<void> {
    const order = this.orders.check(launch);
    for (let tries = 1; ; tries += 1) {
      const spec = await this.orders.prepare(order, () => this.choosePorts(launch));
      try {
        const { created } = await this.ask(() => this.root.spawn(spec));
        if (!created) await this.orders.discard(spec);
        return;
      } catch (error) {
        await this.orders.discard(spec);
        if (!(error instanceof RootError)) throw error;
        await this.refresh();
        this.refuseClaimed(error, order, tries);
      }
    }
  }

  private async choosePorts(launch: ServerLaunch): Promise<Readonly<Record<string, number>>> {
    let choice = await this.pool.choose(launch.ports, ...this.portsInUse());
    if (!choice.ok) {
      // The holder may be on its way out by now: stops are asked of root, which tells of them at their end.
      await this.refresh();
      choice = await this.pool.choose(launch.ports, ...this.portsInUse());
    }
    if (choice.ok) return choice.ports;
    const { first, last } = this.options.ports;
    if (choice.taken === undefined) {
      const message = `no port from ${first} to ${last} is free on this machine for ${launch.serverId}; stop servers, or run with fewer regions`;
      throw new EngineError("noCapacity", message);
    }
    throw this.portTaken(choice.taken.name, choice.taken.port, launch.experienceId);
  }

  private portTaken(name: string, port: number, experienceId: string): EngineError {
    const holder = this.holderOf(`port:${port}`);
    const who = holder === undefined ? "a program that is not Forge's" : `server ${holder.id}`;
    const message = `port ${port} ("${name}" of ${experienceId}, static in forge.toml) is taken by ${who}; free it, or give another port or none`;
    return new EngineError("portTaken", message);
  }

  /** Returns where another try may help. */
  private refuseClaimed(error: RootError, { launch, volumeClaims }: ServerOrder, tries: number): void {
    const { code, claim = "", holder } = error.problem;
    if (code !== "claimed") {
      throw new EngineError(code === "closing" ? "engineUnavailable" : "startFailed", error.message);
    }
    const volume = volumeClaims[claim];
    if (volume !== undefined) {
      const message = `volume ${volume} of ${launch.experienceId} is in use by server ${holder}; one server at a time may have it`;
      throw new EngineError("volumeBusy", message);
    }
    const fixed = launch.ports.find((port) => claim === `port:${port.static}`);
    if (fixed?.static !== undefined) throw this.portTaken(fixed.name, fixed.static, launch.experienceId);
    if (tries >= PORT_TRIES) throw new EngineError("noCapacity", `no free port after ${tries} tries: ${error.message}`);
  }

  private portsInUse(): [held: ReadonlySet<number>, ending: ReadonlySet<number>] {
    const held = new Set<number>();
    const ending = new Set<number>();
    for (const { claims, state } of this.known.values()) {
      for (const claim of claims) {
        if (claim.startsWith("port:")) (state === "ending" ? ending : held).add(Number(claim.slice("port:".length)));
      }
    }
    return [held, ending];
  }

  private holderOf(claim: string): EntryView | undefined {
    return [...this.known.values()].find(({ claims }) => claims.includes(claim));
  }

  private async refresh(): Promise<readonly EntryView[]> {
    const entries = await this.ask(() => this.root.list());
    this.known.clear();
    for (const entry of entries) this.known.set(entry.id, entry);
    return entries;
  }

  private async find(serverId: string): Promise<EntryView | undefined> {
    return (await this.refresh()).find(({ id }) => id === serverId);
  }

  private onRootEvent({ event, entry }: RootEvent): void {
    this.known.set(entry.id, entry);
    if (event === "added") this.emitServer("placed", entry);
    else if (event === "started") this.emitServer("running", entry);
    else if (event === "exited") this.emitExit(entry);
    else if (this.forgotten.has(entry.id)) void this.dropForgotten(entry);
  }

  private emitServer(type: "placed" | "running", entry: EntryView): void {
    const server = readServer(entry, this.options.region);
    if (server !== undefined) this.emit({ type, server });
  }

  private emitExit(entry: EntryView): void {
    const server = readServer(entry, this.options.region);
    const { exit } = entry;
    if (server === undefined || exit === null) return;
    if (exit.spawnError === null) return this.emit({ type: "exited", server, exit: readExit(exit) });
    const reason = `task ${exit.task} could not be started: ${exit.spawnError.message}`;
    this.emit({ type: "blocked", serverId: entry.id, reason, code: "startFailed", final: true });
  }

  private onLost(reason: string): void {
    if (this.isDown) return;
    this.cancelDown();
    this.cancelDown = this.clock.after(NODE_DOWN_AFTER_MS, () => {
      this.isDown = true;
      this.emit({ type: "nodeDown", nodeId: nodeIdOf(this.options.region), reason });
    });
  }

  private async onReconnect(): Promise<void> {
    this.cancelDown();
    try {
      await this.refresh();
    } catch {
      return; // lost again already; the next connection does this anew
    }
    if (this.isDown) this.emit({ type: "nodeUp", nodeId: nodeIdOf(this.options.region) });
    this.isDown = false;
    this.emit({ type: "resync" });
  }

  private async dropForgotten(entry: EntryView): Promise<void> {
    const server = readServer(entry, this.options.region);
    this.forgotten.delete(entry.id);
    this.known.delete(entry.id);
    if (server === undefined) return;
    const folders = serverFolders(this.options.runDir, server.allocationId);
    await removeServerFolders(folders).catch((error: Error) => this.options.warn(`${folders.root}: ${error.message}`));
  }

  private async ask<T>(question: () => Promise<T>): Promise<T> {
    try {
      return await question();
    } catch (error) {
      if (error instanceof RootUnreachable) throw new EngineError("engineUnavailable", error.message);
      throw error;
    }
  }

  private emit(event: EngineEvent): void {
    for (const listener of this.listeners) listener(event);
  }
}
