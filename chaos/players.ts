import { setMaxListeners } from "node:events";
import { PlayerClient } from "eustress-forge-sdk/player";
import { Bot, isProgramError } from "../games/arena/bots/bot";
import { Tally } from "../games/arena/bots/tally";
import type { Random } from "../sim/random";
import { EXPERIENCE } from "./forge-toml";

export interface PlayersOptions {
  readonly region: string;
  readonly urls: readonly string[];
  /** An allocator's. */
  readonly token: string;
  readonly count: number;
  readonly random: Random;
  readonly onLine: (line: string) => void;
}

/** A game, then a pause. */
const PLAYS_MS = [15_000, 60_000] as const;
const PAUSES_MS = [200, 2_000] as const;
const LEAVE_WITHIN_MS = 10_000;

/** Players of the sample game in one region: each comes, plays for a while, leaves and comes again. */
export class Players {
  readonly tally: Tally;
  private readonly stopping = new AbortController();
  private readonly games: Promise<void>[];
  /** The bots' own program is wrong: nothing that is counted counts. */
  failure: Error | undefined;

  constructor(private readonly options: PlayersOptions) {
    const { random, count } = options;
    // Each player listens to it.
    setMaxListeners(0, this.stopping.signal);
    this.tally = new Tally(() => random.next());
    this.games = Array.from({ length: count }, (_, index) => this.live(`${options.region}-${String(index)}`));
  }

  /** How many of them play this moment. */
  get playing(): number {
    return this.tally.line(0)["playing"] as number;
  }

  get count(): number {
    return this.options.count;
  }

  /** Everybody leaves. */
  async stop(): Promise<void> {
    this.stopping.abort();
    let late: NodeJS.Timeout | undefined;
    const tooLate = new Promise((resolve) => (late = setTimeout(resolve, LEAVE_WITHIN_MS)));
    await Promise.race([Promise.all(this.games), tooLate]);
    clearTimeout(late);
  }

  private async live(playerId: string): Promise<void> {
    const { urls, token, random: all, onLine, region } = this.options;
    const random = all.fork(playerId);
    const { tally, stopping } = this;
    // Each asks another controller first.
    const first = random.int(urls.length);
    const client = new PlayerClient({ url: [...urls.slice(first), ...urls.slice(0, first)], token });
    const bot = new Bot({
      playerId,
      homeRegion: region,
      distanceMs: () => 10,
      client,
      tally,
      random: () => random.next(),
      now: Date.now,
      log: onLine,
    });
    while (!stopping.signal.aborted) {
      tally.is(playerId, "routing");
      try {
        const place = await client.connect({ experienceId: EXPERIENCE, playerId, region, signal: stopping.signal });
        const enough = AbortSignal.timeout(Math.round(random.between(...PLAYS_MS)));
        await bot.play(place, AbortSignal.any([enough, stopping.signal]));
      } catch (error) {
        if (isProgramError(error)) {
          this.failure = error as Error;
          return;
        }
        if (!stopping.signal.aborted) tally.reason(`refused: ${(error as Error).message}`);
      }
      tally.is(playerId, "idle");
      await pause(random.between(...PAUSES_MS), stopping.signal);
    }
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}
