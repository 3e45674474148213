import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer, type WebSocket } from "ws";
import type { GameServer } from "eustress-forge-sdk/server";
import { TICK_MS } from "../rules";
import { CLOSE, encodeState, MAX_CLIENT_MESSAGE_BYTES, type State } from "../wire";
import { AiLink } from "./ai-link";
import { Door, type Seat } from "./door";
import { Match } from "./match";
import { Metrics } from "./metrics";
import type { PhysicsLink } from "./physics-link";
import { PlayerConnection } from "./player-connection";
import { readSavedMatch } from "./saved";

/** Without an answer of the physics for so long there is no game. */
const PHYSICS_SILENCE_MS = 2_000;
/** After a pause of this very process the clock alone would blame the physics, whose answer is only unread. */
const MIN_SKIPPED = 4;
/** While nobody plays the arena only sees that the physics is there. */
const IDLE_TICK_MS = 500;
const HOUSEKEEPING_MS = 1_000;
const STATS_EVERY_MS = 5_000;

export interface ArenaOptions {
  readonly forge: GameServer;
  readonly physics: PhysicsLink;
  readonly host: string;
  readonly port: number;
  readonly random: () => number;
  readonly now: () => number;
  readonly log: (line: string) => void;
  /** The game cannot go on. */
  readonly onFailure: (reason: string) => void;
}

/** The arena: one match at 20 Hz over WebSocket, with `/health` and `/metrics` on the same port. */
export class Arena {
  private readonly match: Match;
  private readonly door: Door;
  private readonly ai: AiLink;
  private readonly http: Server;
  private readonly metrics = new Metrics();
  private readonly connections = new Set<PlayerConnection>();
  private readonly timers: NodeJS.Timeout[] = [];
  private tickTimer: NodeJS.Timeout | undefined;
  private nextTickAt = 0;
  private askedAt: number | undefined;
  private skipped = 0;
  private aiPresent = false;
  private stopping = false;

  constructor(private readonly options: ArenaOptions) {
    const { forge, log, random } = options;
    const saved = forge.info.restore ? readSavedMatch(forge.info.restore.data) : undefined;
    this.match = new Match(random, saved);
    this.door = new Door(forge, this.match, after, log);
    this.ai = new AiLink({
      addresses: () => forge.peers("ai"),
      question: () => (this.match.players > 0 ? this.match.positions() : undefined),
      onOrders: ({ go }) => {
        for (let i = 0; i + 2 < go.length; i += 3) this.match.steerNpc(go[i] ?? 0, go[i + 1] ?? 0, go[i + 2] ?? 0);
      },
      onPresent: (present) => this.match.setNpcs((this.aiPresent = present)),
      random,
    });
    this.http = createServer((request, response) => {
      const answer = this.answer(request.url ?? "/");
      response.writeHead(answer.status, { "content-type": answer.type }).end(answer.body);
    });
    const sockets = new WebSocketServer({
      server: this.http,
      maxPayload: MAX_CLIENT_MESSAGE_BYTES,
      perMessageDeflate: false,
    });
    sockets.on("connection", (socket) => this.connected(socket));
  }

  /** Listens and plays. Resolves with the port when players can come. */
  async start(): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.http.once("error", reject);
      this.http.listen(this.options.port, this.options.host, resolve);
    });
    this.options.physics.onClose((reason) => this.options.onFailure(`the physics is gone: ${reason}`));
    this.listenToForge();
    this.ai.start();
    this.timers.push(
      setInterval(() => this.keepHouse(), HOUSEKEEPING_MS),
      setInterval(() => this.reportStats(), STATS_EVERY_MS),
    );
    this.nextTickAt = this.options.now();
    this.tick();
    return (this.http.address() as AddressInfo).port;
  }

  /** Saves, tells everybody to ask Forge for their new place, and ends. */
  async stop(reason: string): Promise<void> {
    if (this.stopping) return;
    this.stopping = true;
    await this.options.forge.saveNow();
    for (const connection of this.connections) {
      connection.send({ type: "moved", final: true, reason });
      connection.close(CLOSE.moved, "stopping");
    }
    clearTimeout(this.tickTimer);
    for (const timer of this.timers) clearInterval(timer);
    this.ai.close();
    this.options.physics.close();
    this.http.close();
    this.http.closeIdleConnections();
  }

  private listenToForge(): void {
    const { forge, log } = this.options;
    forge.saveEvery({
      server: () => JSON.stringify(this.match.saved()),
      player: (playerId) => {
        const seat = this.door.seatOf(playerId);
        const saved = seat && this.match.savedPlayer(seat.entity);
        return saved && JSON.stringify(saved);
      },
    });
    forge.on("problem", (error) => log(`forge: ${error.message}`));
    forge.on("moved", ({ playerIds, reason }) => this.door.moved(playerIds, reason));
    forge.on("draining", ({ reason }) => {
      void forge.saveNow();
      for (const { connection } of this.door.all()) connection?.send({ type: "moved", final: false, reason });
    });
    forge.on("stopping", () => void this.stop("stopping"));
  }

  private connected(socket: WebSocket): void {
    let seat: Seat | undefined;
    const connection = new PlayerConnection(
      socket,
      {
        onJoin: (ticket) =>
          void this.door.join(connection, ticket).then((joined) => {
            seat = joined;
            this.metrics.add(joined ? "joins" : "refusals");
          }),
        onInput: ({ dx, dy }) => {
          this.metrics.add("inputs");
          if (seat) this.match.steer(seat.entity, dx, dy);
        },
        onLeave: () => {
          if (seat) this.door.gone(connection, seat, true);
          connection.close(1000, "left");
        },
        onClose: () => {
          this.connections.delete(connection);
          // While stopping every connection ends, and every seat is Forge's to move.
          if (seat && !this.stopping) this.door.gone(connection, seat, false);
        },
      },
      this.options.now,
    );
    if (this.connections.size === 0) this.wake();
    this.connections.add(connection);
  }

  /** A first player must not wait for an idle arena's next tick. */
  private wake(): void {
    clearTimeout(this.tickTimer);
    this.nextTickAt = this.options.now();
    this.tickTimer = setTimeout(() => this.tick(), 0);
  }

  /** One turn: ask the physics, unless it still owes an answer; its answer is what everybody gets. */
  private tick(): void {
    const now = this.options.now();
    const idle = this.connections.size === 0;
    this.nextTickAt = Math.max(this.nextTickAt + (idle ? IDLE_TICK_MS : TICK_MS), now + 1);
    this.tickTimer = setTimeout(() => this.tick(), this.nextTickAt - now);
    if (this.askedAt !== undefined) {
      this.metrics.add("ticks_skipped");
      this.skipped++;
      const silentMs = now - this.askedAt;
      if (silentMs > PHYSICS_SILENCE_MS && this.skipped >= MIN_SKIPPED)
        this.options.onFailure(`the physics has not answered for ${silentMs} ms`);
      return;
    }
    this.askedAt = now;
    this.skipped = 0;
    this.options.physics.step(this.match.nextStep(), (answer) => {
      this.askedAt = undefined;
      this.broadcast(this.match.apply(answer));
      this.metrics.tick(this.options.now() - now);
    });
  }

  private broadcast(state: State): void {
    if (this.connections.size === 0) return;
    const delta = encodeState(state);
    let whole: Buffer | undefined;
    const wholeOnce = (): Buffer => (whole ??= encodeState(this.match.whole()));
    for (const connection of this.connections) {
      const bytes = connection.sendState(delta, wholeOnce);
      if (bytes === 0) continue;
      this.metrics.add("states_sent");
      this.metrics.add("bytes_sent", bytes);
    }
  }

  private keepHouse(): void {
    for (const connection of this.connections) connection.checkSilence();
  }

  private reportStats(): void {
    const { forge, log } = this.options;
    forge
      .stats({ responseMs: this.metrics.responseMs(), errorRate: 0, players: this.match.players })
      .catch((error: unknown) => log(`stats: ${(error as Error).message}`));
  }

  private answer(url: string): { status: number; type: string; body: string } {
    const path = url.split("?")[0];
    if (path === "/health") {
      const late = this.askedAt === undefined ? 0 : this.options.now() - this.askedAt;
      const ok = !this.stopping && late < PHYSICS_SILENCE_MS / 2;
      const body = JSON.stringify({ ok, players: this.match.players, physicsLateMs: late });
      return { status: ok ? 200 : 503, type: "application/json", body };
    }
    if (path === "/metrics") {
      const body = this.metrics.text({ players: this.match.players, npcs_led: this.aiPresent ? 1 : 0 });
      return { status: 200, type: "text/plain; version=0.0.4", body };
    }
    return { status: 404, type: "text/plain", body: "the arena speaks WebSocket here; see /health and /metrics\n" };
  }
}

function after(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}
