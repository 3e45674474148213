import type { EntryView } from "../controller/adapters/embedded/root-protocol";
import { readServer } from "../controller/adapters/embedded/server-record";
import { Random } from "../sim/random";
import { untilAgreed } from "./agreement";
import { JournalWatch, SeatedTwice } from "./journal-watch";
import type { ChaosOptions } from "./options";
import { planFaults, type PlannedFault } from "./plan";
import { Players } from "./players";
import { Promises, type Broken } from "./promises";
import type { ChaosRegion } from "./region";
import { SeatProbe } from "./seat-probe";
import type { Stage } from "./stage";
import { Striker, type Struck } from "./strike";

/** A fault that struck, and what was seen of it until the next. */
export interface SeenFault extends PlannedFault {
  readonly target: string;
  /** From the fault to the first seat of a player who asked after it; null where there was none. */
  readonly nextSeatMs: number | null;
  /** The longest wait of a player who asked between this fault and the next. */
  readonly longestWaitMs: number;
  readonly moved: number;
  readonly reconnected: number;
  readonly lost: number;
}

export interface ChaosResult {
  readonly seed: number;
  readonly faults: readonly SeenFault[];
  readonly broken: readonly Broken[];
  readonly players: {
    readonly placed: number;
    readonly moved: number;
    readonly lost: number;
    readonly told: number;
    readonly doubled: number;
    readonly overCapacity: number;
    readonly reasons: Readonly<Record<string, number>>;
  };
  /** From the last fault's undoing until all agreed; null where it never did. */
  readonly agreedMs: number | null;
  readonly stopped: boolean;
}

const LOOK_MS = 250;
const PLAYING_WITHIN_MS = 60_000;
/** Who was lost is counted up to 30 s after the fault. */
const BOT_PATIENCE_MS = 31_000;

/** One region with all that watches it. */
interface Watched {
  readonly region: ChaosRegion;
  readonly watch: JournalWatch;
  readonly players: Players;
  readonly probe: SeatProbe;
}

/** Strikes a stage with the faults of a seed, and sees what Forge makes of it. */
export class ChaosRun {
  private readonly beganMs = performance.now();
  readonly promises: Promises;
  private readonly watched: readonly Watched[];
  private readonly twice: SeatedTwice;
  private readonly faults: (() => SeenFault)[] = [];
  private readonly undone: Promise<void>[] = [];
  private readonly unable = new Map<ChaosRegion, number>();

  constructor(
    private readonly stage: Stage,
    private readonly options: ChaosOptions,
    private readonly say: (line: string) => void,
    private readonly signal: AbortSignal,
  ) {
    this.promises = new Promises(this.now, ({ promise, check, evidence }) =>
      say(`BROKEN ${promise} ${check}: ${evidence}`),
    );
    this.twice = new SeatedTwice(this.promises);
    const random = new Random(`players ${String(options.seed)}`);
    const count = Math.ceil(options.bots / stage.regions.length);
    this.watched = stage.regions.map((region) => {
      const shared = {
        region: region.plan.name,
        urls: region.replicas.map(({ url }) => url),
        token: stage.token("allocator"),
      };
      return {
        region,
        watch: new JournalWatch(region.plan.name, region.plan.journalDir, this.promises),
        players: new Players({ ...shared, count, random, onLine: say }),
        probe: new SeatProbe({ ...shared, now: this.now, promises: this.promises }),
      };
    });
    stage.root.subscribe({ onEvent: ({ event, entry }) => event === "exited" && this.onExit(entry) });
  }

  /** Milliseconds since the run began. */
  private readonly now = (): number => performance.now() - this.beganMs;

  onDeath(program: string, how: string): void {
    if (!this.signal.aborted) this.promises.break("P6", "no program dies by itself", `${program} ended: ${how}`);
  }

  async run(): Promise<ChaosResult> {
    const timer = setInterval(() => this.look(), LOOK_MS);
    try {
      await this.until(() => this.playing() >= this.botCount * 0.75, PLAYING_WITHIN_MS, "three of four bots play");
      const startMs = this.now();
      const plan = planFaults({ ...this.options, regions: this.stage.regions.length }, this.stage.have);
      const striker = new Striker(this.stage, (region) => this.fullest(region));
      for (const [index, fault] of plan.entries()) {
        await this.sleepUntil(startMs + fault.atMs);
        if (this.signal.aborted) break;
        await this.strikeOne(striker, fault, startMs + (plan[index + 1]?.atMs ?? fault.atMs + fault.forMs + 5_000));
      }
      await Promise.all(this.undone);
      const agreedMs = this.signal.aborted ? null : await this.converge();
      return this.result(agreedMs);
    } finally {
      clearInterval(timer);
      await Promise.allSettled(this.undone);
      await Promise.all(this.watched.flatMap(({ players, probe }) => [players.stop(), probe.stop()]));
    }
  }

  private async strikeOne(striker: Striker, fault: PlannedFault, nextMs: number): Promise<void> {
    const before = this.counts();
    const sinceMs = this.now();
    const struck = await striker.strike(fault, this.signal);
    const region = this.watched[fault.region];
    if (!struck || !region) return this.say(`${fault.name}: nobody to strike`);
    const struckMs = Math.max(sinceMs, this.now() - 1);
    this.say(`${fault.name} (${struck.target}) for ${(fault.forMs / 1000).toFixed(1)} s`);
    this.undone.push(this.undoLater(fault, region.region, struck));
    await this.sleepUntil(Math.max(nextMs, struckMs + 1000));
    const after = this.counts();
    const [probe] = fault.name.endsWith("consul") ? this.watched.map(({ probe }) => probe) : [region.probe];
    const untilMs = this.now();
    // Told when all is over: who asked now may have a seat only after the next fault.
    this.faults.push(() => ({
      ...fault,
      target: struck.target,
      nextSeatMs: round(probe?.nextSeatMs(struckMs)),
      longestWaitMs: Math.round(probe?.longestWaitMs(struckMs, untilMs) ?? 0),
      moved: after.moved - before.moved,
      reconnected: after.reconnected - before.reconnected,
      lost: after.lost - before.lost,
    }));
  }

  private async undoLater({ name, forMs }: PlannedFault, region: ChaosRegion, struck: Struck): Promise<void> {
    const disables = /agent$/.test(name) && !/^(cut|mute|slow)/.test(name);
    if (disables) this.unable.set(region, Infinity);
    await this.sleepUntil(this.now() + forMs);
    await struck.undo();
    if (disables) this.unable.set(region, this.now() + 5_000);
  }

  /** P5, and everybody plays again. */
  private async converge(): Promise<number | null> {
    const fromMs = this.now();
    this.say("all faults are undone; waiting until all agree");
    const wrong = await untilAgreed(this.stage, this.watched, this.signal);
    for (const text of wrong) this.promises.break("P5", "actual equals desired", text);
    const agreedMs = wrong.length === 0 ? this.now() - fromMs : null;
    await this.until(() => this.playing() >= this.botCount * 0.75, BOT_PATIENCE_MS, "the bots play again").catch(
      (error: unknown) => this.promises.break("P5", "everybody plays again", (error as Error).message),
    );
    return agreedMs;
  }

  private look(): void {
    const nowMs = this.now();
    for (const { region, watch } of this.watched) watch.look(nowMs, nowMs > (this.unable.get(region) ?? 0));
    this.twice.look(
      this.watched.map(({ watch }) => watch),
      nowMs,
    );
    const { lost, reasons } = this.counts();
    if (lost > 0)
      this.promises.break("P2", "nobody is lost", reasons.filter((text) => text.startsWith("lost")).join("; "));
  }

  /** P3: only a closed server is stopped, or one that had failed. */
  private onExit(entry: EntryView): void {
    if (this.signal.aborted || entry.exit?.requested !== true) return;
    for (const { region, watch } of this.watched) {
      const server = readServer(entry, region.plan.name);
      if (!server) continue;
      watch.look(this.now(), false);
      const truth = watch.truth.find(server.serverId, server.allocationId);
      if (!truth || truth.closed || truth.gone !== undefined || !truth.healthy || !truth.ready) continue;
      this.promises.break(
        "P3",
        "only a closed server is stopped",
        `${server.serverId} was stopped open with ${String(truth.seats.size)} seats`,
      );
    }
  }

  private result(agreedMs: number | null): ChaosResult {
    const { placed, moved, lost, told, reasons } = this.counts();
    const counted = new Map<string, number>();
    for (const reason of reasons) counted.set(reason, (counted.get(reason) ?? 0) + 1);
    return {
      seed: this.options.seed,
      faults: this.faults.map((tell) => tell()),
      broken: this.promises.broken,
      players: {
        placed,
        moved,
        lost,
        told,
        doubled: this.twice.players.size,
        overCapacity: Math.max(0, ...this.watched.map(({ watch }) => watch.mostOver)),
        reasons: this.reasons(),
      },
      agreedMs: agreedMs === null ? null : Math.round(agreedMs),
      stopped: this.signal.aborted,
    };
  }

  private counts() {
    const sum = { placed: 0, moved: 0, reconnected: 0, lost: 0, told: 0 };
    for (const { players } of this.watched)
      for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += players.tally.counts[key];
    return { ...sum, reasons: Object.keys(this.reasons()) };
  }

  private reasons(): Readonly<Record<string, number>> {
    const all: Record<string, number> = {};
    for (const { players } of this.watched)
      for (const [reason, count] of players.tally.reasons) all[reason] = (all[reason] ?? 0) + count;
    return all;
  }

  private fullest(region: ChaosRegion): readonly { serverId: string; players: number }[] {
    const watch = this.watched.find((each) => each.region === region)?.watch;
    return (watch?.live() ?? []).map(({ expect, seats }) => ({ serverId: expect.serverId, players: seats.size }));
  }

  private get botCount(): number {
    return this.watched.reduce((sum, { players }) => sum + players.count, 0);
  }

  private playing(): number {
    return this.watched.reduce((sum, { players }) => sum + players.playing, 0);
  }

  private async until(so: () => boolean, withinMs: number, what: string): Promise<void> {
    const deadlineMs = this.now() + withinMs;
    while (!so() && !this.signal.aborted) {
      for (const { players } of this.watched) if (players.failure) throw players.failure;
      if (this.now() > deadlineMs)
        throw new Error(
          `not so within ${String(withinMs / 1000)} s: ${what} (${String(this.playing())} of ${String(this.botCount)})`,
        );
      await this.sleepUntil(this.now() + 100);
    }
  }

  private sleepUntil(atMs: number): Promise<void> {
    return new Promise((resolve) => {
      const ms = atMs - this.now();
      if (ms <= 0 || this.signal.aborted) return resolve();
      const done = (): void => {
        clearTimeout(timer);
        this.signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.signal.addEventListener("abort", done);
    });
  }
}

function round(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.round(ms);
}
