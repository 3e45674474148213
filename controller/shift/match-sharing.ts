import type { Clock } from "../../protocol/clock";
import type { ShareOut, ShiftSource } from "../core/share-out";
import type { ShiftPlan, ShiftWish } from "../core/shift-plan";
import { ProblemError } from "../problems";
import type { AgonesMatch } from "./agones-allocator";
import type { StepCounts } from "./step-counts";

export interface Allocator {
  allocate(matchId: string, more: MatchWords): Promise<AgonesMatch>;
  close(): Promise<void>;
}

export interface MatchWords {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Match extends MatchWords {
  readonly experienceId: string;
  readonly matchId: string;
}

/** Where a match went: Forge's own answer, or the old cluster's. */
export type Shifted<T> =
  { readonly source: "forge"; readonly answer: T } | { readonly source: "agones"; readonly match: AgonesMatch };

/** A plan in force: whose turn it is, and what came of it. */
export interface SharedOut {
  readonly plan: ShiftPlan;
  readonly shares: ShareOut;
  readonly counts: StepCounts;
}

/** Matches whose answer is kept, so that the same one asked again gets the same server. */
const KEPT_MATCHES = 10_000;

/** Shares new matches out between both sides. Neither side's matches are ever moved. */
export class MatchSharing {
  /** Matches by who took them in the end. */
  readonly given = { forge: 0, agones: 0 };
  private allocator: { readonly key: string; readonly it: Allocator } | undefined;
  private readonly matches = new Map<string, Promise<Shifted<unknown>>>();

  constructor(
    private readonly deps: {
      readonly clock: Clock;
      readonly connect: (agones: ShiftWish["agones"]) => Allocator;
    },
  ) {}

  async close(): Promise<void> {
    await this.allocator?.it.close();
  }

  /**
   * Gives a match to whose turn it is; where that side has none, to the other. The same match again gets the same answer.
   * @param forge places it at Forge; throws where it cannot
   */
  allocate<T>(out: SharedOut, match: Match, forge: () => Promise<T>): Promise<Shifted<T>> {
    const key = `${match.experienceId}\n${match.matchId}`;
    const before = this.matches.get(key) as Promise<Shifted<T>> | undefined;
    if (before !== undefined) return before;
    const answer = this.give(out, match, forge);
    this.matches.set(key, answer);
    const [oldest] = this.matches.keys();
    if (this.matches.size > KEPT_MATCHES && oldest !== undefined) this.matches.delete(oldest);
    // What failed may be asked for again.
    answer.catch(() => this.matches.delete(key));
    return answer;
  }

  private async give<T>(
    { plan, shares, counts }: SharedOut,
    match: Match,
    forge: () => Promise<T>,
  ): Promise<Shifted<T>> {
    const first = shares.next();
    const ways: Readonly<Record<ShiftSource, () => Promise<Shifted<T>>>> = {
      forge: async () => {
        const startedMs = this.deps.clock.now();
        try {
          const answer = await forge();
          counts.addPlaced(this.deps.clock.now() - startedMs);
          return { source: "forge", answer };
        } catch (error) {
          if (isForgesFault(error)) counts.addFailed();
          throw error;
        }
      },
      agones: async () => ({ source: "agones", match: await this.allocatorOf(plan).allocate(match.matchId, match) }),
    };
    let answer: Shifted<T>;
    try {
      answer = await ways[first]();
    } catch (error) {
      // A call that is wrong is wrong at both.
      if (first === "forge" && !isForgesFault(error)) throw error;
      try {
        answer = await ways[first === "forge" ? "agones" : "forge"]();
      } catch (second) {
        counts.addLost();
        throw first === "forge" ? error : second;
      }
    }
    this.given[answer.source] += 1;
    return answer;
  }

  private allocatorOf({ agones }: ShiftPlan): Allocator {
    const key = JSON.stringify(agones);
    if (this.allocator?.key !== key) {
      void this.allocator?.it.close();
      this.allocator = { key, it: this.deps.connect(agones) };
    }
    return this.allocator.it;
  }
}

/** Whether Forge could not place what may well be placed: no server, no leader, too much to do. */
function isForgesFault(error: unknown): boolean {
  return !(error instanceof ProblemError) || error.status >= 500 || error.status === 429 || error.status === 409;
}
