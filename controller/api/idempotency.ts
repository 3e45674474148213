import { createHash } from "node:crypto";
import type { Clock } from "../../protocol/clock";
import { ProblemError } from "../problems";
import type { Answer } from "./answer";

const TTL_MS = 10 * 60_000;

interface Remembered {
  readonly bodyHash: string;
  readonly expiresAtMs: number;
  readonly answer: Promise<Answer>;
  /** Bytes of the answer; 0 while it is on its way. */
  bytes: number;
}

export interface IdempotencyLimits {
  readonly entries?: number;
  readonly bytes?: number;
}

/**
 * Answers to POSTs that carried an `Idempotency-Key`, for ten minutes. The same key and body gets the same answer;
 * while the first is under way, the others wait for it. An answer that says "not now" is not kept: repeating the
 * request is then the right thing to do. Bounded by number and bytes, the oldest go first.
 */
export class IdempotencyStore {
  readonly #clock: Clock;
  readonly #limits: Required<IdempotencyLimits>;
  readonly #entries = new Map<string, Remembered>();
  #bytes = 0;

  constructor(clock: Clock, { entries = 50_000, bytes = 64 * 1024 * 1024 }: IdempotencyLimits = {}) {
    this.#clock = clock;
    this.#limits = { entries, bytes };
  }

  /**
   * @param scope who asks for what: keys of different callers and calls have nothing to do with each other
   * @throws {ProblemError} idempotencyMismatch
   */
  async once(scope: string, key: string, body: unknown, run: () => Promise<Answer>): Promise<Answer> {
    const id = `${scope}\n${key}`;
    const bodyHash = createHash("sha256")
      .update(JSON.stringify(body ?? null))
      .digest("base64");
    const nowMs = this.#clock.now();
    this.#dropExpired(nowMs);

    const known = this.#entries.get(id);
    if (known) {
      if (known.bodyHash !== bodyHash)
        throw new ProblemError("idempotencyMismatch", `the key ${JSON.stringify(key)} came with another body before`);
      const answer = await known.answer;
      return { ...answer, headers: { ...answer.headers, "idempotency-replayed": "true" } };
    }

    const answer = run();
    const entry: Remembered = { bodyHash, expiresAtMs: nowMs + TTL_MS, answer, bytes: 0 };
    this.#entries.set(id, entry);
    try {
      const done = await answer;
      if (passing(done.status)) this.#drop(id, entry);
      else this.#weigh(id, entry, done);
    } catch (error) {
      this.#drop(id, entry);
      throw error;
    }
    return answer;
  }

  get size(): number {
    return this.#entries.size;
  }

  #weigh(id: string, entry: Remembered, answer: Answer): void {
    entry.bytes = typeof answer.body === "string" ? answer.body.length : 0;
    if (this.#entries.get(id) === entry) this.#bytes += entry.bytes;
    for (const [oldest, candidate] of this.#entries) {
      if (this.#entries.size <= this.#limits.entries && this.#bytes <= this.#limits.bytes) return;
      this.#drop(oldest, candidate);
    }
  }

  /** Entries are in the order of their expiry. */
  #dropExpired(nowMs: number): void {
    for (const [id, entry] of this.#entries) {
      if (entry.expiresAtMs > nowMs) return;
      this.#drop(id, entry);
    }
  }

  #drop(id: string, entry: Remembered): void {
    if (this.#entries.get(id) !== entry) return;
    this.#entries.delete(id);
    this.#bytes -= entry.bytes;
  }
}

/** Whether the same request may well have another answer a moment later. */
function passing(status: number): boolean {
  return status === 429 || status >= 500;
}
