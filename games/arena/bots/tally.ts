/** What a bot is doing now. */
export type Doing = "idle" | "queued" | "routing" | "joining" | "playing" | "moving";

const MAX_SAMPLES = 20_000;

/** The middle and the tail of a bounded number of samples: once full, a random one makes room. */
export class Samples {
  private readonly values: number[] = [];
  private seen = 0;

  constructor(private readonly random: () => number) {}

  add(value: number): void {
    this.seen++;
    if (this.values.length < MAX_SAMPLES) this.values.push(value);
    else if (this.random() * this.seen < MAX_SAMPLES) this.values[Math.floor(this.random() * MAX_SAMPLES)] = value;
  }

  summary(): { readonly p50: number; readonly p99: number; readonly count: number } {
    const sorted = [...this.values].sort((a, b) => a - b);
    const at = (share: number): number =>
      Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) * 10) / 10;
    return { p50: at(0.5), p99: at(0.99), count: this.seen };
  }
}

const COUNTS = {
  /** Times that a bot got a place, moves not counted. */
  placed: 0,
  /** Times that a bot was playing again on another server. */
  moved: 0,
  /** Connections that broke and were made again to the same seat. */
  reconnected: 0,
  /** Bots that had a place and could not get back within 30 s without being told why. */
  lost: 0,
  /** Bots whose session ended without their asking, and who were told why. */
  told: 0,
  /** Requests for a place that were refused, e.g. for a full fleet. */
  refused: 0,
  /** Moves after which the score was what it had been when it was saved. */
  restored: 0,
  /** Moves after which it was another. */
  restoredWrong: 0,
  /** Moves without any state although the game had been going on for longer than two saves are apart. */
  notRestored: 0,
  maxRestoredAgeMs: 0,
  /** States that were somebody else's, out of order, or garbage. */
  wrongStates: 0,
  states: 0,
  missedTicks: 0,
  inputs: 0,
};

/** What the swarm saw, counted as it happened. */
export class Tally {
  readonly counts = { ...COUNTS };
  readonly routeMs: Samples;
  readonly queueMs: Samples;
  readonly moveMs: Samples;
  readonly latencyMs: Samples;
  /** Why sessions ended or requests were refused, and how often; bounded. */
  readonly reasons = new Map<string, number>();
  private readonly doing = new Map<string, Doing>();
  private readonly everPlaced = new Set<string>();

  constructor(random: () => number) {
    this.routeMs = new Samples(random);
    this.queueMs = new Samples(random);
    this.moveMs = new Samples(random);
    this.latencyMs = new Samples(random);
  }

  is(playerId: string, doing: Doing): void {
    if (doing === "idle") this.doing.delete(playerId);
    else this.doing.set(playerId, doing);
  }

  placed(playerId: string): void {
    this.counts.placed++;
    this.everPlaced.add(playerId);
  }

  reason(reason: string): void {
    if (this.reasons.size < 50 || this.reasons.has(reason))
      this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1);
  }

  /** One line a second. */
  line(target: number): Record<string, unknown> {
    const now = { playing: 0, queued: 0, routing: 0, joining: 0, moving: 0 };
    for (const doing of this.doing.values()) if (doing !== "idle") now[doing]++;
    return { type: "bots", target, ...now, ...this.counts };
  }

  summary(): Record<string, unknown> {
    return {
      type: "botsSummary",
      players: this.everPlaced.size,
      ...this.counts,
      routeMs: this.routeMs.summary(),
      queueMs: this.queueMs.summary(),
      moveMs: this.moveMs.summary(),
      latencyMs: this.latencyMs.summary(),
      reasons: Object.fromEntries(this.reasons),
    };
  }
}
