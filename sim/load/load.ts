import type { CommandResult, Waiting } from "../../controller/core/decision";
import type { Placement } from "../../controller/core/resources";
import { Random } from "../random";
import { Agenda } from "./agenda";
import { Digest } from "./digest";
import { LoadRegion, type RegionPlan } from "./load-region";
import type { Seated } from "./nodes";
import { EXPERIENCE } from "./settings";

export interface LoadPlan extends RegionPlan {
  /** Different ones. */
  readonly players: number;
  /** How often each of them comes, apart from each other by as many players; 1 where it is left out. */
  readonly visits?: number;
  /** Players begin to ask within so many milliseconds, evenly where `daily` is not set. */
  readonly withinMs: number;
  /** Few at night and many in the evening: between a fifth and nine fifths of the mean. */
  readonly daily?: boolean;
  /** Mean time on a server, milliseconds. */
  readonly playMs: number;
  /** Until then, in milliseconds from the beginning, whoever has left comes back in some seconds. */
  readonly backUntilMs?: number;
}

export interface LoadResult {
  readonly virtualMs: number;
  readonly inputs: number;
  /** Times that somebody played, or gave up after they were refused too often. */
  readonly played: number;
  readonly gaveUp: number;
  /** How often somebody was refused with 429. */
  readonly refused: number;
  /** The most at once. */
  readonly most: {
    readonly on: number;
    readonly waiting: number;
    readonly servers: number;
    readonly openRequests: number;
  };
  /** Players on a server beyond its limit. */
  readonly over: number;
  /** Left at the end: sessions that somebody forgot. */
  readonly left: number;
  /** Of who came, was refused, joined where, and left, each with its time: the same where all of it was. */
  readonly digest: string;
}

const LONG_POLL_MS = 25_000;
/** Whoever was refused so often comes back another day. */
const TRIES = 13;
/** Whoever is still there when they would come comes so much later, milliseconds. */
const LATER_MS = 60_000;
const BACK_MS = { least: 1000, most: 5000 };
/** Spreads the order in which players come over their numbers; a prime. */
const STRIDE = 7_368_787;

/**
 * Very many players against one region in virtual time: the real core and the real books of seats. There is no network but
 * a millisecond each way, no journal, no codec and no fault: what is tried is how it scales, and that its bounds hold.
 * A player is a number; it has at most one call open, whose answer finds it by that.
 */
export class Load {
  private readonly agenda = new Agenda();
  private readonly random: Random;
  private readonly region: LoadRegion;
  private readonly digest = new Digest();
  /** How often a player may still ask; 0 for one who is not there. */
  private readonly tries: Uint8Array;
  private readonly visits: number;
  private readonly seats: (Seated | undefined)[];
  /** Visits that are not over. */
  private open: number;
  /** When the next visit begins; many may in one millisecond. */
  private expectedMs = 0;
  private on = 0;
  private mostOn = 0;
  private played = 0;
  private refused = 0;
  private gaveUp = 0;

  constructor(
    private readonly plan: LoadPlan,
    seed: number,
  ) {
    this.random = new Random(`load-${String(seed)}`);
    this.tries = new Uint8Array(plan.players);
    // All at once: one that grows by far places becomes a slow table.
    this.seats = Array.from({ length: plan.players });
    this.open = this.visits = plan.players * (plan.visits ?? 1);
    this.region = new LoadRegion(plan, this.agenda, this.answered);
  }

  run(): LoadResult {
    const { agenda, region } = this;
    region.begin();
    this.expect(0);
    while (this.open > 0) agenda.next();
    const { players, queued } = region.counts();
    return {
      virtualMs: agenda.nowMs,
      inputs: region.inputs,
      played: this.played,
      refused: this.refused,
      gaveUp: this.gaveUp,
      most: { on: this.mostOn, ...region.most },
      over: region.over,
      left: players + queued,
      digest: this.digest.toString(),
    };
  }

  /** One visit after the other, so that those which are to come take no memory. */
  private expect(visit: number): void {
    const { visits } = this;
    const { withinMs, daily } = this.plan;
    if (visit >= visits) return;
    const share = daily ? 1 - 0.8 * Math.cos((2 * Math.PI * this.expectedMs) / withinMs) : 1;
    this.expectedMs += (this.exponential() * withinMs) / visits / share;
    this.agenda.after(this.expectedMs - this.agenda.nowMs, this.comes, visit, undefined);
  }

  private readonly comes = (visit: number): void => {
    this.begin((visit * STRIDE) % this.plan.players);
    this.expect(visit + 1);
  };

  private readonly begin = (player: number): void => {
    if (this.tries[player] !== 0) return this.agenda.after(LATER_MS, this.begin, player, undefined);
    this.tries[player] = TRIES;
    this.ask(player);
  };

  private readonly ask = (player: number): void =>
    this.region.command(player, { type: "createSession", playerId: nameOf(player), experienceId: EXPERIENCE });

  private readonly answered = (player: number, result: CommandResult): void => {
    if (!result.ok) return this.isRefused(player, result.problem);
    const value = result.value as Placement | Waiting;
    if (!("queueTicket" in value)) return this.setOut(player, value);
    const { queueTicket, claim } = value;
    const untilMs = this.region.nowMs + LONG_POLL_MS;
    this.region.command(player, { type: "waitQueue", queueTicket, claim, untilMs });
  };

  private isRefused(
    player: number,
    { code, retryAfterSecs = 5 }: Extract<CommandResult, { ok: false }>["problem"],
  ): void {
    this.note(player, 1);
    if (code === "queueFull") this.refused++;
    this.tries[player] = (this.tries[player] ?? 1) - 1;
    if (this.tries[player] === 0) {
      this.gaveUp++;
      return this.over(player);
    }
    this.agenda.after(1000 * retryAfterSecs * (0.5 + this.random.next()), this.ask, player, undefined);
  }

  private setOut(player: number, { session: { id: sessionId, generation }, server }: Placement): void {
    this.seats[player] = { serverId: server.id, sessionId, playerId: nameOf(player), generation };
    this.agenda.after(this.random.between(100, 3000), this.arrives, player, undefined);
  }

  private readonly arrives = (player: number): void => {
    const seated = this.seats[player];
    // Moved or given back before it came: it asks anew.
    if (!seated || !this.region.join(seated)) return this.ask(player);
    this.note(player, 2);
    this.digest.addText(seated.serverId);
    this.mostOn = Math.max(this.mostOn, ++this.on);
    this.agenda.after(this.exponential() * this.plan.playMs, this.leaves, player, undefined);
  };

  private readonly leaves = (player: number): void => {
    this.note(player, 3);
    const seated = this.seats[player];
    if (seated) this.region.leave(seated);
    this.seats[player] = undefined;
    this.on--;
    this.played++;
    this.over(player);
  };

  private over(player: number): void {
    this.tries[player] = 0;
    if (this.agenda.nowMs >= (this.plan.backUntilMs ?? 0)) this.open--;
    else this.agenda.after(this.random.between(BACK_MS.least, BACK_MS.most), this.begin, player, undefined);
  }

  private note(player: number, what: number): void {
    this.digest.add(this.agenda.nowMs);
    this.digest.add(player * 4 + what);
  }

  /** With mean 1. */
  private exponential(): number {
    return -Math.log(1 - this.random.next());
  }
}

function nameOf(player: number): string {
  return `p${String(player)}`;
}
