import { ForgeApiError, PlayerClient, type Place, type Placement } from "eustress-forge-sdk/player";
import { Bot, isProgramError } from "./bot";
import { playingShare } from "./load-curve";
import type { SwarmOptions } from "./options";
import type { Tally } from "./tally";

/** How long one wave takes where no duration is given. */
const WAVE_MS = 120_000;
const CONTROL_MS = 250;
/** A quarter of the bots come in parties of two to four. */
const PARTY_SHARE = 0.25;
/** A group that was refused tries again after so long at the earliest. */
const REFUSED_PAUSE_MS = 3_000;

/** Players who play together, or one alone. */
interface Group {
  readonly bots: readonly Bot[];
  running: AbortController | undefined;
  notBefore: number;
}

/** Many bots in one process, as many of them playing as the load curve says. */
export class Swarm {
  private readonly groups: Group[] = [];
  private readonly games = new Set<Promise<void>>();
  private readonly startedAt: number;
  private timer: NodeJS.Timeout | undefined;
  private latencies: Readonly<Record<string, number>> = {};
  private target = 0;
  private stopped = false;

  constructor(
    private readonly options: SwarmOptions,
    private readonly tally: Tally,
    private readonly random: () => number,
    private readonly now: () => number,
    private readonly log: (line: string) => void,
  ) {
    this.startedAt = now();
  }

  /** How many should be playing now. */
  get wanted(): number {
    return this.target;
  }

  /** Measures the way to each region, then begins. */
  async start(): Promise<void> {
    const scout = this.client();
    const regions = Object.keys(this.options.regions).length > 0 ? this.options.regions : undefined;
    this.latencies = await scout.measureLatencies(regions).catch(() => ({}));
    this.makeGroups(Object.keys(this.latencies));
    if (this.stopped) return;
    this.control();
    this.timer = setInterval(() => this.control(), CONTROL_MS);
  }

  /** Everybody leaves. Resolves when all have. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    for (const group of this.groups) group.running?.abort(new Error("the swarm stops"));
    await Promise.all(this.games);
  }

  private makeGroups(regions: readonly string[]): void {
    let made = 0;
    while (made < this.options.count) {
      const wanted = this.random() < PARTY_SHARE ? 2 + Math.floor(this.random() * 3) : 1;
      const size = Math.min(wanted, this.options.count - made);
      // A party is friends, and friends live near each other.
      const home = regions[Math.floor(this.random() * regions.length)];
      const bots = Array.from({ length: size }, (_, i) => this.makeBot(made + i, home));
      this.groups.push({ bots, running: undefined, notBefore: 0 });
      made += size;
    }
  }

  private makeBot(index: number, homeRegion: string | undefined): Bot {
    const near = 4 + this.random() * 26;
    const far = 70 + this.random() * 70;
    const { tally, random, now, log } = this;
    return new Bot({
      playerId: `bot-${this.options.seed}-${index}`,
      homeRegion,
      distanceMs: (region) => (homeRegion === undefined || region === homeRegion ? near : far),
      client: this.client(),
      tally,
      random,
      now,
      log,
    });
  }

  private client(): PlayerClient {
    const { url, token, regions } = this.options;
    return new PlayerClient({ url: [url, ...Object.values(regions)], token });
  }

  /** Starts or ends groups, a few at a time, until as many play as the curve says. */
  private control(): void {
    const share = playingShare(this.now() - this.startedAt, this.options.durationMs ?? WAVE_MS);
    this.target = Math.round(share * this.options.count);
    let active = 0;
    for (const { running, bots } of this.groups) if (running && !running.signal.aborted) active += bots.length;
    for (const group of this.shuffled()) {
      if (active < this.target && group.running === undefined && group.notBefore <= this.now()) {
        active += group.bots.length;
        this.run(group);
      } else if (active - group.bots.length >= this.target && group.running && !group.running.signal.aborted) {
        active -= group.bots.length;
        group.running.abort(new Error("enough played"));
      }
    }
  }

  private shuffled(): Group[] {
    const groups = [...this.groups];
    for (let i = groups.length - 1; i > 0; i--) {
      const j = Math.floor(this.random() * (i + 1));
      const [a, b] = [groups[i], groups[j]];
      if (a && b) [groups[i], groups[j]] = [b, a];
    }
    return groups;
  }

  private run(group: Group): void {
    const running = new AbortController();
    group.running = running;
    const game = this.game(group, running.signal).finally(() => {
      group.running = undefined;
      for (const bot of group.bots) this.tally.is(bot.playerId, "idle");
      this.games.delete(game);
    });
    this.games.add(game);
  }

  private async game(group: Group, signal: AbortSignal): Promise<void> {
    let placement: Placement;
    try {
      placement = await this.place(group, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (isProgramError(error)) throw error;
      this.tally.counts.refused++;
      this.tally.reason(`refused: ${error instanceof ForgeApiError ? error.code : (error as Error).message}`);
      group.notBefore = this.now() + REFUSED_PAUSE_MS * (1 + this.random());
      return;
    }
    const places = placesOf(placement);
    await Promise.all(
      group.bots.map(async (bot) => {
        const place = places.get(bot.playerId);
        if (place) await bot.play(place, signal);
        else this.log(`${bot.playerId} got no place with its party`);
      }),
    );
  }

  /** The first of the group asks for all. */
  private async place({ bots }: Group, signal: AbortSignal): Promise<Placement> {
    const [leader, ...others] = bots;
    if (leader === undefined) throw new TypeError("a group without bots");
    const { client, homeRegion, distanceMs } = leader.options;
    for (const { playerId } of bots) this.tally.is(playerId, "routing");
    const latencies = Object.fromEntries(
      Object.entries(this.latencies).map(([region, ms]) => [region, ms + Math.round(distanceMs(region))]),
    );
    const askedAt = this.now();
    let queued = false;
    const placement = await client.connect({
      experienceId: this.options.experience,
      playerId: leader.playerId,
      ...(homeRegion === undefined ? {} : { latencies }),
      ...(others.length === 0 ? {} : { party: others.map(({ playerId }) => playerId) }),
      signal,
      onQueued: () => {
        queued = true;
        for (const { playerId } of bots) this.tally.is(playerId, "queued");
      },
    });
    (queued ? this.tally.queueMs : this.tally.routeMs).add(this.now() - askedAt);
    return placement;
  }
}

function placesOf({ session, server, ticket, party = [] }: Placement): Map<string, Place> {
  const all = [{ session, ticket }, ...party];
  return new Map(all.map((entry) => [entry.session.playerId, { ...entry, server }]));
}
