import type { PlayerClient } from "eustress-forge-sdk/player";
import { ForgeUsageError, type FollowOutcome, type Place } from "eustress-forge-sdk/player";
import type { State } from "../wire";
import { GameSocket, type GameEnd, type Welcome } from "./game-socket";
import { PlayerMind } from "./player-mind";
import type { Tally } from "./tally";

/** A player who had a place and has none for so long, without being told why, is lost. */
const LOST_AFTER_MS = 30_000;
const REPORT_MS = 5_000;
const PING_MS = 1_000;
/** States come 20 times a second: a connection without any for so long is dead. */
const STALE_MS = 3_000;
/** Two saves are 5 s apart; a player of less may not have been saved yet. */
const SAVED_BY_MS = 7_000;
/** Clocks, ticks and messages on the way, between what a server saved and what the bot saw then. */
const SAVE_SLACK_MS = 1_500;

export interface BotOptions {
  readonly playerId: string;
  readonly homeRegion: string | undefined;
  /** Round trip that the distance between the bot's home and a region adds, in milliseconds. */
  readonly distanceMs: (region: string) => number;
  readonly client: PlayerClient;
  readonly tally: Tally;
  readonly random: () => number;
  readonly now: () => number;
  readonly log: (line: string) => void;
}

/** One player: connects with a ticket, plays, reports, follows its session to other servers, and leaves. */
export class Bot {
  private readonly mind = new PlayerMind();
  private readonly pings = new Map<number, number>();
  private latencyMs: number | undefined;
  private ticks = 0;
  private missed = 0;
  private heardAt = 0;
  private inputs = 0;
  private pinged = 0;

  constructor(readonly options: BotOptions) {}

  get playerId(): string {
    return this.options.playerId;
  }

  /** From a place to the end of the session: by our leaving (the signal), by Forge's word, or lost. */
  async play(first: Place, signal: AbortSignal): Promise<void> {
    const { client, tally, now } = this.options;
    client.adopt(first);
    this.mind.reset();
    tally.placed(this.playerId);
    let place = first;
    // Set while the bot has a place but does not play.
    let awayAt: number | undefined = now();
    let server: string | undefined;
    for (;;) {
      tally.is(this.playerId, server === undefined ? "joining" : "moving");
      const end = await this.connect(place, signal, (welcome) => {
        if (server !== undefined) this.cameBack(place, server, welcome, now() - (awayAt ?? now()));
        this.mind.remember(welcome.score, now());
        server = place.server.id;
        awayAt = undefined;
        tally.is(this.playerId, "playing");
      });
      awayAt ??= now();
      if (signal.aborted) {
        if (end.kind !== "left") await client.leave().catch(() => undefined);
        return;
      }
      const outcome = await this.findSeat(end, awayAt, signal);
      if (outcome === undefined) return;
      place = outcome;
    }
  }

  /** Where to go on; undefined where the game is over, which is then counted. */
  private async findSeat(end: GameEnd, awayAt: number, signal: AbortSignal): Promise<Place | undefined> {
    const { client, tally, now, log } = this.options;
    tally.is(this.playerId, "moving");
    const leftMs = LOST_AFTER_MS - (now() - awayAt);
    let outcome: FollowOutcome;
    try {
      outcome =
        leftMs > 0
          ? await client.follow({ moved: end.kind === "moved", forMs: leftMs, signal })
          : { kind: "unknown", reason: "30 s are over" };
    } catch (error) {
      if (signal.aborted) {
        await client.leave().catch(() => undefined);
        return undefined;
      }
      outcome = { kind: "unknown", reason: (error as Error).message };
    }
    if (outcome.kind === "moved" || outcome.kind === "same") return outcome.place;
    if (outcome.kind === "ended" && outcome.reason !== "") {
      tally.counts.told++;
      tally.reason(`ended: ${outcome.reason}`);
      return undefined;
    }
    tally.counts.lost++;
    tally.reason(`lost: ${outcome.reason}`);
    const last = end.kind === "refused" ? `${end.code}: ${end.detail}` : end.kind === "broken" ? end.reason : end.kind;
    log(`${this.playerId} is lost: ${outcome.reason}; the last connection ended: ${last}`);
    return undefined;
  }

  /** Plays over one connection until it ends. */
  private async connect(place: Place, signal: AbortSignal, onWelcome: (welcome: Welcome) => void): Promise<GameEnd> {
    const { tally, now } = this.options;
    const timers: NodeJS.Timeout[] = [];
    this.pings.clear();
    const game = new GameSocket(this.options.client.gameUrl(), place.ticket, {
      onWelcome: (welcome) => {
        if (welcome.playerId !== this.playerId) tally.counts.wrongStates++;
        this.heardAt = now();
        this.mind.begin(welcome.you, now());
        onWelcome(welcome);
        timers.push(...this.begin(game, place));
      },
      onState: (state) => this.learn(state),
      onPong: (n) => this.pong(n),
      onGarbage: () => void tally.counts.wrongStates++,
    });
    const leave = (): void => game.leave();
    signal.addEventListener("abort", leave, { once: true });
    if (signal.aborted) leave();
    const end = await game.over;
    signal.removeEventListener("abort", leave);
    for (const timer of timers) clearInterval(timer);
    return end;
  }

  /** Inputs five to ten times a second, a ping each second, a report each five. */
  private begin(game: GameSocket, place: Place): NodeJS.Timeout[] {
    const { client, now, random } = this.options;
    const everyMs = 100 + Math.floor(random() * 100);
    return [
      setInterval(() => {
        if (now() - this.heardAt > STALE_MS) game.drop("no states any more");
        else game.send({ type: "input", seq: ++this.inputs, ...this.mind.steer(random) });
        this.options.tally.counts.inputs++;
      }, everyMs),
      setInterval(() => this.ping(game), PING_MS),
      setInterval(() => {
        const report = this.report(place.session.region);
        // A report that fails is followed by the next; that the seat is gone is learned elsewhere.
        if (client.place !== undefined) client.report(report).catch(() => undefined);
      }, REPORT_MS),
    ];
  }

  private ping(game: GameSocket): void {
    this.pinged++;
    this.pings.set(this.pinged, this.options.now());
    for (const n of this.pings.keys()) if (n < this.pinged - 10) this.pings.delete(n);
    game.send({ type: "ping", n: this.pinged });
  }

  private pong(n: number): void {
    const sentAt = this.pings.get(n);
    if (sentAt === undefined) return;
    this.pings.delete(n);
    const took = this.options.now() - sentAt;
    this.latencyMs = this.latencyMs === undefined ? took : this.latencyMs * 0.7 + took * 0.3;
    this.options.tally.latencyMs.add(took);
  }

  private learn(state: State): void {
    const { tally, now } = this.options;
    this.heardAt = now();
    const { ok, missed } = this.mind.learn(state, this.heardAt);
    tally.counts.states++;
    tally.counts.missedTicks += missed;
    if (!ok) tally.counts.wrongStates++;
    this.ticks += 1 + missed;
    this.missed += missed;
  }

  private report(region: string): { latencyMs?: number; packetLoss: number } {
    const packetLoss = this.ticks === 0 ? 0 : Math.round((this.missed / this.ticks) * 1000) / 1000;
    this.ticks = 0;
    this.missed = 0;
    if (this.latencyMs === undefined) return { packetLoss };
    return { packetLoss, latencyMs: Math.round((this.latencyMs + this.options.distanceMs(region)) * 10) / 10 };
  }

  /** Playing again: was it another server, and did it know the score? */
  private cameBack(place: Place, before: string, welcome: Welcome, awayMs: number): void {
    const { tally, now, log } = this.options;
    if (place.server.id === before) {
      tally.counts.reconnected++;
      return;
    }
    tally.counts.moved++;
    tally.moveMs.add(awayMs);
    const { restoredAgeMs, score } = welcome;
    if (restoredAgeMs === null) {
      if (this.mind.playedForMs(now()) > SAVED_BY_MS + awayMs) {
        tally.counts.notRestored++;
        log(`${this.playerId} came from ${before} to ${place.server.id} without its state`);
      }
      return;
    }
    tally.counts.maxRestoredAgeMs = Math.max(tally.counts.maxRestoredAgeMs, Math.round(restoredAgeMs));
    const least = this.mind.scoreAt(now() - restoredAgeMs - SAVE_SLACK_MS);
    // What was scored in the server's last moments may have been saved and never shown.
    const most = this.mind.score + 10;
    if (score >= least && score <= most) tally.counts.restored++;
    else {
      tally.counts.restoredWrong++;
      log(`${this.playerId} was restored with ${score} points, expected ${least} to ${most} (${restoredAgeMs} ms old)`);
    }
  }
}

/** Whether an error is the bot's own program being wrong rather than the world's. */
export function isProgramError(error: unknown): boolean {
  return error instanceof ForgeUsageError || error instanceof TypeError;
}
