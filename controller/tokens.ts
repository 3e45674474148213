import { createSigner, createVerifier } from "fast-jwt";
import { z } from "zod";
import type { Clock } from "../protocol/clock";
import type { Actor, Role } from "./api/backend";

/** No token lives longer. */
export const MAX_TOKEN_SECS = 3600;
/** Who was signed in has to come with a new token after so long at the latest, however often it was renewed. */
export const MAX_RENEWABLE_SECS = 12 * 3600;
/** Stands for all regions in `Actor.regions`. */
export const ALL_REGIONS = "*";

const MAX_TOKEN_LENGTH = 4096;
const CACHED_TOKENS = 20_000;

const claims = z.object({
  sub: z.string().min(1).max(128),
  role: z.enum(["operator", "allocator", "player", "server", "viewer"]),
  regions: z.array(z.string().min(1).max(64)).max(64),
  iat: z.number().int().nonnegative(),
  exp: z.number().int().nonnegative(),
  /** Until when it may be renewed, in seconds since 1970; renewing leaves it as it is. */
  renew: z.number().int().nonnegative().optional(),
});

export interface MintRequest {
  readonly sub: string;
  readonly role: Role;
  /** Names, or `["*"]` for all. */
  readonly regions: readonly string[];
  /** 1 to 3600; 3600 where not given. */
  readonly expiresInSecs?: number | undefined;
  /** For so long its owner may exchange it for a fresh one: 0, as where not given, to 43,200. */
  readonly renewableForSecs?: number | undefined;
}

export interface MintedToken {
  readonly token: string;
  readonly expiresAtMs: number;
}

export type TokenProblem = "tokenMalformed" | "tokenSignature" | "tokenExpired";
export type TokenCheck =
  { readonly ok: true; readonly actor: Actor } | { readonly ok: false; readonly problem: TokenProblem };

interface Verified {
  readonly actor: Actor;
  readonly expiresAtMs: number;
}

/**
 * The API tokens of one run: HS256 over `{sub, role, regions, iat, exp}` with a key that all regions of the run share.
 * A token seen before costs one map look-up; only good ones are remembered, so bad ones cannot push them out.
 */
export class Tokens {
  readonly #clock: Clock;
  #sign!: (payload: Record<string, unknown>) => string;
  #verifiers!: readonly ((token: string) => unknown)[];
  readonly #seen = new Map<string, Verified>();

  /** @param keys each of at least 32 characters: HS256 is no stronger than its key. The first signs, all are taken. */
  constructor(keys: string | readonly [string, ...string[]], clock: Clock) {
    this.#clock = clock;
    this.setKeys(typeof keys === "string" ? [keys] : keys);
  }

  /** By the clock that tokens end by. */
  nowMs(): number {
    return this.#clock.now();
  }

  /** What the keys are from now on: a token of one that is not among them is good no longer. */
  setKeys(keys: readonly [string, ...string[]]): void {
    const short = keys.find((key) => key.length < 32);
    if (short !== undefined)
      throw new Error(`the token key has ${short.length} characters; it needs at least 32 random ones`);
    this.#sign = createSigner({ key: keys[0], algorithm: "HS256" });
    // Expiry is checked here, by the clock that was given.
    const options = { algorithms: ["HS256" as const], ignoreExpiration: true, cache: false };
    this.#verifiers = keys.map((key) => createVerifier({ key, ...options }));
    this.#seen.clear();
  }

  /** @throws {RangeError} where the life asked for is not 1 to 3600 seconds, or it would be renewable for too long */
  mint({ renewableForSecs = 0, ...request }: MintRequest): MintedToken {
    if (!(renewableForSecs >= 0 && renewableForSecs <= MAX_RENEWABLE_SECS))
      throw new RangeError(`a token is renewable for 0 to ${MAX_RENEWABLE_SECS} seconds, not ${renewableForSecs}`);
    const renew = renewableForSecs === 0 ? undefined : Math.floor(this.#clock.now() / 1000 + renewableForSecs);
    return this.#mint(request, renew);
  }

  /**
   * A fresh token for who has one: the same role, no wider regions, renewable until the same moment and good no longer
   * than that. Undefined where the time for it is over, or it was made without.
   */
  renew(
    { sub, role, regions, renewableUntilMs = 0 }: Actor,
    {
      expiresInSecs = MAX_TOKEN_SECS,
      ...narrower
    }: Pick<MintRequest, "expiresInSecs"> & Partial<Pick<Actor, "regions">> = {},
  ): MintedToken | undefined {
    const leftSecs = Math.floor((renewableUntilMs - this.#clock.now()) / 1000);
    if (leftSecs < 1) return undefined;
    const request = { sub, role, regions, ...narrower, expiresInSecs: Math.min(expiresInSecs, leftSecs) };
    return this.#mint(request, Math.floor(renewableUntilMs / 1000));
  }

  #mint({ sub, role, regions, expiresInSecs = MAX_TOKEN_SECS }: MintRequest, renew: number | undefined): MintedToken {
    if (!(expiresInSecs >= 1 && expiresInSecs <= MAX_TOKEN_SECS)) {
      throw new RangeError(`a token lives 1 to ${MAX_TOKEN_SECS} seconds, not ${expiresInSecs}`);
    }
    const iat = Math.floor(this.#clock.now() / 1000);
    const exp = iat + Math.floor(expiresInSecs);
    const payload = { sub, role, regions: [...regions], iat, exp, ...(renew !== undefined && { renew }) };
    return { token: this.#sign(payload), expiresAtMs: exp * 1000 };
  }

  verify(token: string): TokenCheck {
    const nowMs = this.#clock.now();
    const known = this.#seen.get(token);
    if (known) {
      if (nowMs < known.expiresAtMs) return { ok: true, actor: known.actor };
      this.#seen.delete(token);
      return { ok: false, problem: "tokenExpired" };
    }
    return this.#verifyNew(token, nowMs);
  }

  #verifyNew(token: string, nowMs: number): TokenCheck {
    if (token.length > MAX_TOKEN_LENGTH) return { ok: false, problem: "tokenMalformed" };
    let payload: unknown;
    let refusal: unknown;
    for (const verify of this.#verifiers) {
      try {
        payload = verify(token);
        refusal = undefined;
        break;
      } catch (error) {
        refusal = error;
      }
    }
    if (refusal !== undefined)
      return { ok: false, problem: isSignatureError(refusal) ? "tokenSignature" : "tokenMalformed" };
    const parsed = claims.safeParse(payload);
    if (!parsed.success) return { ok: false, problem: "tokenMalformed" };
    const { sub, role, regions, iat, exp, renew } = parsed.data;
    if (exp - iat > MAX_TOKEN_SECS) return { ok: false, problem: "tokenMalformed" };
    if (nowMs >= exp * 1000) return { ok: false, problem: "tokenExpired" };
    const actor: Actor = { sub, role, regions, ...(renew !== undefined && { renewableUntilMs: renew * 1000 }) };
    this.#remember(token, { actor, expiresAtMs: exp * 1000 });
    return { ok: true, actor };
  }

  #remember(token: string, verified: Verified): void {
    if (this.#seen.size >= CACHED_TOKENS) {
      const oldest = this.#seen.keys().next();
      if (!oldest.done) this.#seen.delete(oldest.value);
    }
    this.#seen.set(token, verified);
  }
}

function isSignatureError(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "FAST_JWT_INVALID_SIGNATURE";
}
