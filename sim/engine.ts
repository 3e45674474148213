import {
  EngineError,
  type Engine,
  type EngineEvent,
  type EngineServer,
  type ServerLaunch,
  type StopRequest,
} from "../controller/engine";
import type { Network } from "./network";
import { nodeDown, type VirtualNomad } from "./nomad";
import type { Process } from "./process";

const ANSWER_MS = 2000;
const LOOK_MS = 1000;

/** The engine port of one controller, to the modelled Nomad: orders and events go over the network. */
export class VirtualEngine implements Engine {
  readonly kind = "nomad";
  readonly avoidsNodes: boolean;
  private readonly listeners = new Set<(event: EngineEvent) => void>();
  private missed = false;
  /** Nodes that it has told to be out of reach. */
  private readonly down = new Set<string>();
  private readonly eventOrder = { lastAtMs: 0 };

  constructor(
    private readonly nomad: VirtualNomad,
    private readonly network: Network,
    private readonly process: Process,
  ) {
    this.avoidsNodes = nomad.avoidsNodes;
    this.look();
  }

  start(launch: ServerLaunch): Promise<void> {
    return this.order(`start ${launch.serverId}`, () => this.nomad.start(launch));
  }

  stop(serverId: string, { graceSecs }: StopRequest): Promise<void> {
    return this.order(`stop ${serverId}`, () => this.nomad.stop(serverId, graceSecs));
  }

  forget(serverId: string): Promise<void> {
    return this.order(`forget ${serverId}`, () => this.nomad.forget(serverId));
  }

  /** Whoever has only just learned what runs hears as well what is out of reach, and what is back from it. */
  async list(): Promise<readonly EngineServer[]> {
    const { servers, down } = await this.order("list", () => ({ servers: this.nomad.list(), down: this.nomad.down() }));
    this.process.after(0, () => {
      for (const nodeId of this.down) if (!down.includes(nodeId)) this.tell({ type: "nodeUp", nodeId });
      for (const nodeId of down) this.tell(nodeDown(nodeId));
    });
    return servers;
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

  close(): Promise<void> {
    this.listeners.clear();
    return Promise.resolve();
  }

  /** An event of Nomad's stream is on its way here. */
  event(event: EngineEvent): void {
    const text = `${event.type} ${"server" in event ? event.server.serverId : "serverId" in event ? event.serverId : ""}`;
    this.network.post(
      {
        from: this.nomad.host,
        to: this.process.host,
        phase: "engine",
        text,
        reader: this.process,
        order: this.eventOrder,
        deliver: () => this.tell(event),
      },
      () => this.miss(),
    );
  }

  /** Events may have been missed: it is found out by and by. */
  miss(): void {
    this.missed = true;
  }

  private look(): void {
    const reachable = !this.network.isCut(this.nomad.host, this.process.host);
    if (this.missed && reachable) {
      this.missed = false;
      this.tell({ type: "resync" });
    }
    this.process.after(LOOK_MS, () => this.look());
  }

  private tell(event: EngineEvent): void {
    if (event.type === "nodeDown") this.down.add(event.nodeId);
    else if (event.type === "nodeUp") this.down.delete(event.nodeId);
    for (const listener of this.listeners) listener(event);
  }

  private order<T>(text: string, carryOut: () => T): Promise<T> {
    const { host } = this.process;
    return new Promise((resolve, reject) => {
      const fail = (): void =>
        reject(new EngineError("engineUnavailable", `Nomad did not answer within ${String(ANSWER_MS)} ms`));
      const cancel = this.process.after(ANSWER_MS, fail);
      const letter = { phase: "engine" as const, text };
      this.network.post({
        ...letter,
        from: host,
        to: this.nomad.host,
        reader: undefined,
        deliver: () => {
          const answer = carryOut();
          this.network.post({
            ...letter,
            from: this.nomad.host,
            to: host,
            reader: this.process,
            deliver: () => {
              cancel();
              resolve(answer);
            },
          });
        },
      });
    });
  }
}
