import { ProblemError } from "../problems";

export interface AdmissionLimits {
  /** Calls under way at once; 2,000 where not given. */
  readonly working?: number;
  /** Long polls under way at once; 20,000. */
  readonly waiting?: number;
  /** Event and log streams at once; 256. */
  readonly streaming?: number;
  /** Calls of one player (token or ticket) under way at once; 16. */
  readonly perPlayer?: number;
}

/** What a call takes while it is under way: a moment, up to a minute, or for as long as someone listens. */
export type Weight = "working" | "waiting" | "streaming";

/** Bounds what is under way, so that overload is said at once instead of suffered by all. */
export class Admission {
  readonly #limits: Record<Weight, number>;
  readonly #perPlayer: number;
  readonly #underWay: Record<Weight, number> = { working: 0, waiting: 0, streaming: 0 };
  readonly #players = new Map<string, number>();

  constructor({ working = 2000, waiting = 20_000, streaming = 256, perPlayer = 16 }: AdmissionLimits = {}) {
    this.#limits = { working, waiting, streaming };
    this.#perPlayer = perPlayer;
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
    const count = this.#players.get(playerId) ?? 0;
    if (count >= this.#perPlayer)
      throw new ProblemError("tooManyRequests", `${count} calls of this player are under way; wait for one to end`);
    this.#players.set(playerId, count + 1);
  }

  leavePlayer(playerId: string): void {
    const count = this.#players.get(playerId) ?? 0;
    if (count <= 1) this.#players.delete(playerId);
    else this.#players.set(playerId, count - 1);
  }

  underWay(): Readonly<Record<Weight, number>> {
    return this.#underWay;
  }
}
