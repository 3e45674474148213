import type { EngineServer, ServerLaunch } from "../controller/engine";
import type { CallAnswer } from "../agent/gate/pending-calls";
import type { Process } from "./process";
import type { VirtualGate } from "./gate";

/** Somebody who is on a server, told when that ends. */
export interface Visitor {
  readonly playerId: string;
  readonly ticket: string;
  onAnswer(answer: { readonly admitted: boolean; readonly code: string }): void;
  /** The connection has ended: the server has gone, or has sent the player away. */
  onCut(): void;
}

export interface Inside {
  readonly visitor: Visitor;
  readonly sessionId: string;
  readonly generation: number;
}

interface Surroundings {
  /** The node's gate, while there is one. */
  readonly gate: () => VirtualGate | undefined;
}

const HEARTBEAT_MS = 4000;
const AGAIN_MS = 300;
const CALL_TRIES = 6;
/** That a player has left must be told, or the seat stays taken. */
const LEAVE_TRIES = 200;

/**
 * A model game server with the SDK: ready, heartbeats, a stream, joins and leaves. Of a match it says Ready again when its
 * last player has gone.
 */
export class VirtualServer {
  readonly inside = new Map<string, Inside>();
  /** Players whose ticket is being checked. */
  private readonly arriving = new Map<string, Visitor>();
  private playedMatch = false;
  private hosting = false;
  hangsUntilMs = -Infinity;

  constructor(
    readonly process: Process,
    readonly server: EngineServer,
    readonly launch: ServerLaunch,
    readonly maxPlayers: number,
    private readonly isMatch: boolean,
    /** How long it keeps to whoever took it without naming players, in milliseconds; undefined where nobody does. */
    private readonly hostsMs: number | undefined,
    private readonly around: Surroundings,
  ) {
    process.whenEnded(() => this.onEnd());
  }

  boot(bootMs: number): void {
    this.process.after(bootMs, () => this.sayReady());
  }

  /** It may have missed a heartbeat. */
  get hasHung(): boolean {
    return this.hangsUntilMs > -Infinity || this.process.stalledUntilMs > -Infinity;
  }

  get hangs(): boolean {
    return this.process.clock.now() < this.hangsUntilMs || this.process.stalledUntilMs > this.process.clock.now();
  }

  /** A player connects and shows a ticket. */
  connect(visitor: Visitor): void {
    if (!this.process.alive) return visitor.onCut();
    if (this.hangs) {
      this.process.after(AGAIN_MS, () => this.connect(visitor));
      return;
    }
    this.arriving.set(visitor.playerId, visitor);
    this.knock(visitor, false);
  }

  private knock(visitor: Visitor, rejoin: boolean): void {
    const { playerId, ticket } = visitor;
    this.call("/v1/players/join", { ticket, ...(rejoin ? { rejoin } : {}) }, (answer) => {
      // The agent has a player in who is not on: the connection broke before anybody could tell it.
      if (!rejoin && problemOf(answer) === "ticketReplayed" && !this.inside.has(playerId))
        return this.knock(visitor, true);
      if (this.arriving.get(playerId) === visitor) this.arriving.delete(playerId);
      this.onJoin(visitor, answer);
    });
  }

  /** A player goes. */
  disconnect(playerId: string): void {
    this.arriving.delete(playerId);
    if (!this.inside.delete(playerId)) return;
    this.call("/v1/players/leave", { playerId }, () => undefined, LEAVE_TRIES);
    this.endMatch();
  }

  sayReady(): void {
    const gate = this.around.gate();
    const { serverId, allocationId } = this.server;
    if (!gate?.isOpen(serverId, allocationId)) {
      this.process.after(AGAIN_MS, () => this.sayReady());
      return;
    }
    this.call("/v1/ready", {}, () => this.stream());
    this.beat();
  }

  /** It wishes to be shut down. */
  askShutdown(): void {
    this.call("/v1/shutdown", {}, () => undefined);
  }

  private stream(): void {
    const gate = this.around.gate();
    const { serverId, allocationId } = this.server;
    if (!gate?.isOpen(serverId, allocationId)) {
      this.process.after(AGAIN_MS, () => this.stream());
      return;
    }
    gate.openStream(serverId, (event, data) => {
      if (this.process.alive) this.onPush(event, data);
    });
    gate.process.whenEnded(() => {
      if (this.process.alive) this.process.after(AGAIN_MS, () => this.stream());
    });
  }

  private onPush(event: string, data: unknown): void {
    if (event === "moved") this.sendAway((data as { readonly playerIds: readonly string[] }).playerIds);
    else if (event === "gameserver") {
      const { players, state } = data as {
        readonly state: string;
        readonly players: readonly { readonly playerId: string }[];
      };
      if (state === "allocated" && this.hostsMs !== undefined) this.host(this.hostsMs);
      const seated = new Set(players.map(({ playerId }) => playerId));
      this.sendAway([...this.inside.keys()].filter((playerId) => !seated.has(playerId)));
    }
  }

  /** They have no seat here any more. */
  private sendAway(playerIds: readonly string[]): void {
    for (const playerId of playerIds) {
      const inside = this.inside.get(playerId);
      if (!inside) continue;
      this.inside.delete(playerId);
      inside.visitor.onCut();
    }
    this.endMatch();
  }

  private onJoin(visitor: Visitor, answer: CallAnswer | undefined): void {
    const body = answer?.body as { readonly sessionId?: string; readonly generation?: number } | undefined;
    if (answer?.status === 200 && body?.sessionId !== undefined) {
      const before = this.inside.get(visitor.playerId);
      if (before && before.visitor !== visitor) before.visitor.onCut();
      this.inside.set(visitor.playerId, {
        visitor,
        sessionId: body.sessionId,
        generation: body.generation ?? 0,
      });
      this.playedMatch = true;
      visitor.onAnswer({ admitted: true, code: "" });
      return;
    }
    visitor.onAnswer({ admitted: false, code: problemOf(answer) });
  }

  private endMatch(): void {
    if (!this.isMatch || !this.playedMatch || this.inside.size > 0 || this.arriving.size > 0) return;
    this.playedMatch = false;
    this.call("/v1/ready", {}, () => undefined);
  }

  /** Somebody has taken it; when they are done it is free again. */
  private host(ms: number): void {
    if (this.hosting) return;
    this.hosting = true;
    this.process.after(ms, () => {
      this.hosting = false;
      this.call("/v1/ready", {}, () => undefined);
    });
  }

  private beat(): void {
    if (!this.hangs) this.call("/v1/health", {}, () => undefined, 1);
    this.process.after(HEARTBEAT_MS, () => this.beat());
  }

  /** Calls until there is an answer; a join that is tried again says so. */
  private call(
    path: string,
    body: Readonly<Record<string, unknown>>,
    answered: (answer: CallAnswer | undefined) => void,
    tries = CALL_TRIES,
    again = false,
  ): void {
    if (!this.process.alive) return;
    const gate = this.around.gate();
    const { serverId, allocationId } = this.server;
    const retry = (): void => {
      if (tries <= 1) answered(undefined);
      else this.process.after(AGAIN_MS, () => this.call(path, body, answered, tries - 1, again));
    };
    if (!gate?.isOpen(serverId, allocationId)) return retry();
    let done = false;
    gate.process.whenEnded(() => {
      if (done || !this.process.alive) return;
      done = true;
      again = true;
      retry();
    });
    const sent = again && path.endsWith("/join") ? { ...body, rejoin: true } : body;
    gate.call(serverId, path, sent, (answer) => {
      if (done || !this.process.alive) return;
      done = true;
      const { status } = answer;
      if (status !== 503 && status !== 429) return answered(answer);
      again = true;
      retry();
    });
  }

  private onEnd(): void {
    this.around.gate()?.endStream(this.server.serverId);
    for (const { visitor } of this.inside.values()) visitor.onCut();
    for (const visitor of this.arriving.values()) visitor.onCut();
    this.inside.clear();
    this.arriving.clear();
  }
}

function problemOf(answer: CallAnswer | undefined): string {
  return (answer?.body as { readonly code?: string } | undefined)?.code ?? "unavailable";
}
