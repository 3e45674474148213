import type { CommandResult, FollowResult, Waiting } from "../controller/core/decision";
import type { Command } from "../controller/core/input";
import { openQueueTicket, sealQueueTicket } from "../controller/api/queue-seal";
import type { Placement } from "../controller/core/resources";
import { peekTicket, type TicketClaims } from "../protocol/ticket";
import type { Client } from "./client";
import type { VirtualServer, Visitor } from "./game-server";
import type { Random } from "./random";
import type { Schedule } from "./schedule";

export type PlayerState = "away" | "asking" | "waiting" | "arriving" | "inside" | "following";

export interface PlayerWorld {
  readonly schedule: Schedule;
  readonly client: Client;
  /** Whom to ask about a session: the controllers of the region that it is in. */
  readonly clientOf: (sessionId: string) => Client;
  readonly random: Random;
  readonly findServer: (serverId: string) => VirtualServer | undefined;
  /** How long a message to a server takes; undefined where it does not arrive. */
  readonly wayTo: (server: VirtualServer) => number | undefined;
  /** A player of a party was given a ticket by who asked for it. */
  readonly handOver: (playerId: string, ticket: string) => void;
  /** So that few may be spread over many servers. */
  readonly someStayLong: boolean;
  /** So many times longer than usual those play who do not stay long. */
  readonly slowness: number;
  readonly observe: PlayerObserver;
}

/** Told of what players live through. */
export interface PlayerObserver {
  /** Waits in line with this ticket. */
  queued(player: Player, queueTicket: string): void;
  told(player: Player, claims: TicketClaims): void;
  refused(player: Player, claims: TicketClaims, code: string): void;
  admitted(player: Player, claims: TicketClaims): void;
  /** Whoever asks where to go now is told that the session is over. */
  toldEnd(player: Player, sessionId: string): void;
  /** The player has ended the session, or was told that it has ended. */
  ended(player: Player, sessionId: string): void;
}

/** What a player asks for beside a seat: a version by name, not to be far away, not to wait. */
export type Wish = Pick<Extract<Command, { type: "createSession" }>, "version" | "latencies" | "deadlineMs">;

/** Somebody of a party, and what they wait for. */
interface Mate {
  readonly player: Player;
  readonly turn: number;
}

const FOLLOW_MS = 5000;
const GIVE_UP_MS = 90_000;
const KNOCK_MS = 8000;
const QUEUE_WAIT_MS = 4000;
const LONG_SHARE = 0.25;
/** Whoever waits holds its wait under this seal. */
const QUEUE_SECRET = "the virtual world's queue secret";

/**
 * A player with a client that does what docs/sdk.md asks of one:
 *
 *     away -- asks --> asking -- queued --> waiting
 *                        | placed              | placed
 *                        v                     v
 *                     arriving -- admitted --> inside -- plays, leaves --> away
 *                        | refused, cut          | cut
 *                        +------> following <----+        a new place: arriving; the end of the session: away
 */
export class Player {
  state: PlayerState = "away";
  sessionId: string | undefined;
  generation = 0;
  experienceId = "";
  sinceMs = 0;
  /** Stays until told to go, as for a check of who was dropped. */
  stays = false;
  private ticket: string | undefined;
  private server: VirtualServer | undefined;
  private followingSinceMs = 0;
  /** Each change makes what was waited for before void. */
  private turn = 0;

  constructor(
    readonly id: string,
    private readonly world: PlayerWorld,
  ) {}

  /** Asks for a place, with a party or alone. */
  play(experienceId: string, party: readonly Player[], wish: Wish = {}): void {
    this.enter("asking", experienceId);
    const mates = party.map((player) => ({ player, turn: player.wait(experienceId) }));
    const ids = party.map(({ id }) => id);
    const turn = this.turn;
    this.world.client.ask(
      () => ({
        type: "createSession",
        playerId: this.id,
        experienceId,
        ...wish,
        ...(ids.length > 0 ? { party: ids } : {}),
      }),
      (result) => {
        if (this.turn !== turn) return sendHome(mates);
        this.onAnswer(result, mates);
      },
    );
  }

  /** Was given a place by somebody else: a party's first, a matchmaker. */
  given(ticket: string, experienceId: string): void {
    this.enter("asking", experienceId);
    this.goTo(ticket);
  }

  /** Somebody else asks for a place for this player, who can be told of the outcome with what this returns. */
  wait(experienceId: string): number {
    this.enter("asking", experienceId);
    return this.turn;
  }

  /** Whether it still waits for what `wait` returned for. */
  waitsFor(turn: number): boolean {
    return this.turn === turn;
  }

  /** Nothing has come of it. */
  giveUp(): void {
    this.enter("away", this.experienceId);
    this.sessionId = undefined;
    this.ticket = undefined;
  }

  leave(): void {
    if (this.state !== "inside") return;
    const { server, sessionId } = this;
    const ms = server && this.world.wayTo(server);
    if (server && ms !== undefined) this.world.schedule.after(ms, server.process, () => server.disconnect(this.id));
    if (sessionId !== undefined) this.world.observe.ended(this, sessionId);
    this.giveUp();
  }

  private enter(state: PlayerState, experienceId: string): void {
    this.turn += 1;
    this.state = state;
    this.experienceId = experienceId;
    this.sinceMs = this.world.schedule.nowMs;
  }

  private onAnswer(result: CommandResult | undefined, mates: readonly Mate[]): void {
    if (!result?.ok) {
      sendHome(mates);
      return this.giveUp();
    }
    const value = result.value as Placement | Waiting;
    if ("queueTicket" in value) return this.waitInLine(value, mates);
    for (const { session, ticket } of value.party ?? []) this.world.handOver(session.playerId, ticket);
    const placed = new Set([this.id, ...(value.party ?? []).map(({ session }) => session.playerId)]);
    sendHome(mates.filter(({ player }) => !placed.has(player.id)));
    this.goTo(value.ticket);
  }

  private waitInLine({ sessionId, ...waiting }: Waiting, mates: readonly Mate[]): void {
    this.enter("waiting", this.experienceId);
    this.sessionId = sessionId;
    const held = sealQueueTicket(QUEUE_SECRET, waiting.queueTicket, waiting.claim);
    this.world.observe.queued(this, waiting.queueTicket);
    const { queueTicket, claim = waiting.claim } = openQueueTicket([QUEUE_SECRET], held) ?? waiting;
    const turn = this.turn;
    const gives = !this.stays && this.world.random.chance(0.1);
    this.world.client.ask(
      (nowMs) =>
        gives
          ? { type: "leaveQueue", queueTicket, claim }
          : { type: "waitQueue", queueTicket, claim, untilMs: nowMs + QUEUE_WAIT_MS },
      (result) => {
        if (this.turn !== turn) return sendHome(mates);
        if (!gives) return this.onAnswer(result, mates);
        sendHome(mates);
        this.giveUp();
      },
    );
  }

  private goTo(ticket: string): void {
    const claims = peekTicket(ticket);
    if (!claims) return this.giveUp();
    this.enter("arriving", this.experienceId);
    this.ticket = ticket;
    this.sessionId = claims.sessionId;
    this.generation = claims.generation;
    this.world.observe.told(this, claims);
    const { random, schedule } = this.world;
    // Some never come: their seat goes back when its lease ends.
    if (!this.stays && random.chance(0.08)) return this.giveUp();
    const turn = this.turn;
    schedule.after(random.between(5, 1500), undefined, () => {
      if (this.turn === turn) this.knock(ticket, claims);
    });
  }

  private knock(ticket: string, claims: TicketClaims): void {
    const { schedule } = this.world;
    const turn = this.turn;
    const server = this.world.findServer(claims.serverId);
    const ms = server && this.world.wayTo(server);
    if (!server || ms === undefined) return this.follow();
    const back = (run: () => void): void => {
      schedule.after(1, undefined, run);
    };
    const patience = schedule.after(KNOCK_MS, undefined, () => {
      if (this.turn === turn) this.follow();
    });
    const visitor: Visitor = {
      playerId: this.id,
      ticket,
      onAnswer: ({ admitted, code }) =>
        back(() => {
          patience.cancelled = true;
          if (this.turn !== turn) {
            // Admitted after it has given up: the player's client closes the connection.
            if (admitted && this.server !== server) server.disconnect(this.id);
            return;
          }
          if (admitted) this.onAdmitted(server, claims);
          else {
            this.world.observe.refused(this, claims, code);
            // Asked again, whoever has a place is given a fresh ticket for it.
            if (code === "ticketExpired") this.play(this.experienceId, []);
            else this.follow();
          }
        }),
      onCut: () =>
        back(() => {
          patience.cancelled = true;
          if (this.turn === turn || (this.server === server && this.state === "inside")) this.follow();
        }),
    };
    schedule.after(ms, server.process, () => server.connect(visitor));
  }

  private onAdmitted(server: VirtualServer, claims: TicketClaims): void {
    this.enter("inside", this.experienceId);
    this.server = server;
    this.world.observe.admitted(this, claims);
    const turn = this.turn;
    const { schedule, random } = this.world;
    const long = this.world.someStayLong && random.chance(LONG_SHARE);
    const playsMs = long ? random.between(12_000, 40_000) : this.world.slowness * random.between(1500, 12_000);
    schedule.after(Math.min(playsMs, 40_000), undefined, () => {
      if (this.turn === turn && !this.stays) this.leave();
    });
  }

  /** The connection is gone or the door stayed shut: asks where to go now, with what it has. */
  private follow(): void {
    if (this.state !== "following") {
      this.enter("following", this.experienceId);
      this.followingSinceMs = this.world.schedule.nowMs;
    }
    const { sessionId, ticket } = this;
    if (sessionId === undefined || ticket === undefined) return this.giveUp();
    if (this.world.schedule.nowMs - this.followingSinceMs > GIVE_UP_MS) return this.giveUp();
    const turn = this.turn;
    const { generation } = this;
    const claims = peekTicket(ticket);
    this.server = undefined;
    this.world.clientOf(sessionId).ask(
      (nowMs) => ({
        type: "followSession",
        sessionId,
        afterGeneration: generation,
        fromServerId: claims?.serverId,
        untilMs: nowMs + FOLLOW_MS,
      }),
      (result) => {
        if (this.turn !== turn) return;
        if (!result?.ok) return this.lost(sessionId, result === undefined);
        const { session, ticket: fresh } = result.value as FollowResult;
        if (session.state === "ended") {
          this.world.observe.toldEnd(this, sessionId);
          return this.lost(sessionId, false);
        }
        const elsewhere = session.generation === generation && session.serverId !== claims?.serverId;
        if (fresh !== null && (session.id !== sessionId || session.generation > generation || elsewhere))
          return this.goTo(fresh);
        // Its place is where it was: the door opens again, or somebody notices that it does not.
        const { schedule } = this.world;
        schedule.after(500, undefined, () => {
          if (this.turn !== turn) return;
          const server = claims && this.world.findServer(claims.serverId);
          if (claims && server && (session.state === "reserved" || session.state === "active"))
            this.knock(ticket, claims);
          else this.follow();
        });
      },
    );
  }

  private lost(sessionId: string, unanswered: boolean): void {
    if (unanswered) return this.follow();
    this.world.observe.ended(this, sessionId);
    this.giveUp();
  }
}

/** Nothing has come of it for those who still wait for it. */
function sendHome(mates: readonly Mate[]): void {
  for (const { player, turn } of mates) if (player.waitsFor(turn)) player.giveUp();
}
