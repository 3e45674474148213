import type { Decision } from "../controller/core/decision";
import type { AllocationRequest } from "../controller/core/allocation";
import type { CoreSettings, Input } from "../controller/core/input";
import type { Server } from "../controller/core/resources";
import type { Ack, FromAgent, Request } from "../protocol/messages";
import { Client, PLAYERS } from "./client";
import { VirtualConsul } from "./consul";
import { ControllerHost } from "./controller-host";
import type { VirtualServer } from "./game-server";
import type { Network } from "./network";
import { VirtualNode } from "./node";
import { VirtualNomad } from "./nomad";
import { Player, type PlayerObserver } from "./player";
import type { Random } from "./random";
import { simSettings, type WorldKind } from "./settings";

export interface RegionEvents {
  readonly onDecision: (region: VirtualRegion, host: ControllerHost, input: Input, decision: Decision) => void;
  readonly onDifference: (host: ControllerHost, evidence: string) => void;
  readonly onFailure: (where: string, error: unknown) => void;
  readonly onKept: (region: VirtualRegion, text: string, before: string | undefined) => void;
  readonly onStop: (region: VirtualRegion, node: VirtualNode, server: VirtualServer) => void;
  readonly onRequest: (region: VirtualRegion, node: VirtualNode, request: Request, acked: number) => void;
  readonly onSaid: (region: VirtualRegion, node: VirtualNode, message: FromAgent) => void;
  readonly onAck: (region: VirtualRegion, node: VirtualNode, request: Request, ack: Ack) => void;
  readonly onAdmission: (region: VirtualRegion, node: VirtualNode, serverId: string, ticket: string) => void;
  readonly onAllocated: (server: Server, request: AllocationRequest) => void;
  readonly players: PlayerObserver;
}

const CAPACITY = 4;
/** The region whose engine keeps servers off isolated nodes; the other's does not, as a real Nomad. */
const AVOIDS_NODES = "east";
const TICKET_SECRET = "the virtual world's ticket secret";

/** One region: two controllers, three nodes, a Nomad, a Consul and its players. */
export class VirtualRegion {
  settings: CoreSettings;
  readonly kind: WorldKind;
  /** Servers that each node has room for. */
  readonly capacity = CAPACITY;
  readonly consul: VirtualConsul;
  readonly nomad: VirtualNomad;
  readonly controllers: ControllerHost[] = [];
  readonly nodes: VirtualNode[] = [];
  readonly players: Player[] = [];
  readonly client: Client;
  other: VirtualRegion | undefined;
  /** All of it has gone. */
  lost = false;

  constructor(
    readonly name: string,
    readonly network: Network,
    random: Random,
    readonly events: RegionEvents,
    size: {
      readonly controllers: number;
      readonly nodes: number;
      readonly players: number;
      readonly kind: WorldKind;
      readonly slowness: number;
    },
  ) {
    this.kind = size.kind;
    this.settings = simSettings(name, size.kind);
    this.consul = new VirtualConsul(`${name}-consul`, network);
    this.consul.onKept = (text, before) => events.onKept(this, text, before);
    this.nomad = new VirtualNomad(`${name}-nomad`, network, name === AVOIDS_NODES);
    this.nomad.onEvent = (event) => {
      for (const controller of this.controllers) controller.engineEvent(event);
    };
    for (let i = 1; i <= size.controllers; i++)
      this.controllers.push(this.newController(`${name}-c${String(i)}`, random));
    for (let i = 1; i <= size.nodes; i++) this.nodes.push(this.newNode(`${name}-n${String(i)}`, random));
    this.client = new Client(this.controllers, network, random.fork("client"));
    for (let i = 1; i <= size.players; i++)
      this.players.push(this.newPlayer(`${name}-p${String(i)}`, random, size.slowness));
  }

  /** Starts whatever is down. */
  bootAll(): void {
    for (const node of this.nodes) node.boot();
    for (const controller of this.controllers) controller.boot();
  }

  /** Live config: forge.toml says this from now on; each controller hears of it in its own time. */
  configure(settings: CoreSettings): void {
    this.settings = settings;
    for (const controller of this.controllers) controller.hearOfSettings();
  }

  get leader(): ControllerHost | undefined {
    return this.controllers.find(({ leads, process }) => leads && process?.alive);
  }

  findServer(serverId: string): { readonly node: VirtualNode; readonly server: VirtualServer } | undefined {
    for (const node of this.nodes) {
      const server = node.servers.get(serverId);
      if (server) return { node, server };
    }
    return undefined;
  }

  *servers(): Iterable<{ readonly node: VirtualNode; readonly server: VirtualServer }> {
    for (const node of this.nodes) for (const server of node.servers.values()) yield { node, server };
  }

  private newController(host: string, random: Random): ControllerHost {
    const { events } = this;
    return new ControllerHost(
      host,
      {
        region: this.name,
        network: this.network,
        nomad: this.nomad,
        consul: this.consul,
        keeps: this.kind === "busy",
        settings: () => this.settings,
        controllerAt: (url) => this.controllers.find((controller) => controller.url === url),
        otherRegion: () => this.other && { region: this.other.name, controllers: this.other.controllers },
        onDecision: (of, input, decision) => events.onDecision(this, of, input, decision),
        onDifference: events.onDifference,
        onFailure: events.onFailure,
      },
      random.fork(host),
    );
  }

  private newNode(nodeId: string, random: Random): VirtualNode {
    const node = new VirtualNode(
      nodeId,
      {
        region: this.name,
        network: this.network,
        nomad: this.nomad,
        controllers: () => this.controllers,
        ticketSecret: TICKET_SECRET,
        seatsOf: (experienceId) => this.settings.experiences[experienceId]?.seats,
        onFailure: this.events.onFailure,
        onStop: (of, server) => this.events.onStop(this, of, server),
        onRequest: (of, request, acked) => this.events.onRequest(this, of, request, acked),
        onSaid: (of, message) => this.events.onSaid(this, of, message),
        onAck: (of, request, ack) => this.events.onAck(this, of, request, ack),
        onAdmission: (of, serverId, ticket) => this.events.onAdmission(this, of, serverId, ticket),
      },
      random.fork(nodeId),
    );
    this.nomad.addNode(node, CAPACITY);
    return node;
  }

  private newPlayer(id: string, random: Random, slowness: number): Player {
    const { network } = this;
    return new Player(id, {
      schedule: network.schedule,
      client: this.client,
      random: random.fork(id),
      clientOf: (sessionId) =>
        this.other && sessionId.startsWith(`ses-${this.other.name}-`) ? this.other.client : this.client,
      findServer: (serverId) => (this.findServer(serverId) ?? this.other?.findServer(serverId))?.server,
      wayTo: (server) =>
        network.isCut(PLAYERS, server.process.host) ? undefined : network.latency(PLAYERS, server.process.host),
      handOver: (playerId, ticket) => {
        const player = this.players.find((other) => other.id === playerId);
        if (player && (player.state === "asking" || player.state === "away")) player.given(ticket, player.experienceId);
      },
      someStayLong: this.kind === "busy",
      slowness,
      observe: this.events.players,
    });
  }
}
