import { ProblemError } from "../problems";

export interface AdmissionLimits {
  /** Calls under way at once. */
  readonly working?: number;
  /** Long polls under way at once. */
  readonly waiting?: number;
  /** Event and log streams at once. */
  readonly streaming?: number;
  /** Calls of one player (token or ticket) under way at once. */
  readonly perPlayer?: number;
  /** Streams of one token's `sub` at once, so that none takes all of them. */
  readonly streamsPerSubject?: number;
}

/** What stands where no limits are given. */
const LIMITS: Readonly<Required<AdmissionLimits>> = {
  working: 2000,
  waiting: 20_000,
  streaming: 256,
  perPlayer: 16,
  streamsPerSubject: 32,
};

/** What a call takes while it is under way: a moment, up to a minute, or for as long as someone listens. */
export type Weight = "working" | "waiting" | "streaming";

/** Bounds what is under way, so that overload is said at once instead of suffered by all. */
export class Admission {
  readonly #limits: Readonly<Required<AdmissionLimits>>;
  readonly #underWay: Record<Weight, number> = { working: 0, waiting: 0, streaming: 0 };
  readonly #players: Shares;
  readonly #listeners: Shares;

  constructor(limits: AdmissionLimits = {}) {
    this.#limits = { ...LIMITS, ...limits };
    this.#players = new Shares(
      this.#limits.perPlayer,
      (count) => `${count} calls of this player are under way; wait for one to end`,
    );
    this.#listeners = new Shares(
      this.#limits.streamsPerSubject,
      (count, sub) =>
        `${count} event and log streams of ${JSON.stringify(sub)} are open here, which is all that one subject may have; ` +
        "close one, or use a token of another sub",
    );
  }

  /** @throws {ProblemError} overloaded */
  enter(weight: Weight): void {
    if (this.#underWay[weight] >= this.#limits[weight]) {
      throw new ProblemError(
        "overloaded",
        `${this.#limits[weight]} calls are ${weight} here, which is all it takes; try again or at another controller`,
      );
    }
    this.#underWay[weight] += 1;
  }

  leave(weight: Weight): void {
    this.#underWay[weight] -= 1;
  }

  /** @throws {ProblemError} tooManyRequests */
  enterPlayer(playerId: string): void {
    this.#players.take(playerId);
  }

  leavePlayer(playerId: string): void {
    this.#players.giveBack(playerId);
  }

  /** @throws {ProblemError} tooManyRequests */
  enterListener(sub: string): void {
    this.#listeners.take(sub);
  }

  leaveListener(sub: string): void {
    this.#listeners.giveBack(sub);
  }

  underWay(): Readonly<Record<Weight, number>> {
    return this.#underWay;
  }
}

/** How much each of many has under way, and at most may have. */
class Shares {
  readonly #taken = new Map<string, number>();

  constructor(
    private readonly most: number,
    private readonly refusal: (count: number, who: string) => string,
  ) {}

  take(who: string): void {
    const count = this.#taken.get(who) ?? 0;
    if (count >= this.most) throw new ProblemError("tooManyRequests", this.refusal(count, who));
    this.#taken.set(who, count + 1);
  }

  giveBack(who: string): void {
    const count = this.#taken.get(who) ?? 0;
    if (count <= 1) this.#taken.delete(who);
    else this.#taken.set(who, count - 1);
  }
}

/** The table in docs/api.md. */
export function limitsAsMarkdown(): string {
  const number = (value: number): string => value.toLocaleString("en-US");
  const rows = [
    ["calls under way", LIMITS.working, "503 `overloaded`"],
    ["long polls under way (`wait`, allocations)", LIMITS.waiting, "503 `overloaded`"],
    ["streams: events, logs, lists and watches of Kubernetes' routes", LIMITS.streaming, "503 `overloaded`"],
    ["of these of one `sub`, of whichever token", LIMITS.streamsPerSubject, "429 `tooManyRequests`"],
    ["calls under way of one player, by token or ticket", LIMITS.perPlayer, "429 `tooManyRequests`"],
  ] as const;
  return [
    "| at once, in one controller | at most | above it |",
    "|---|---|---|",
    ...rows.map(([what, most, answer]) => `| ${what} | ${number(most)} | ${answer} |`),
  ].join("\n");
}
