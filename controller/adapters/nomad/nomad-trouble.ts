import { HttpStatusError, HttpUnreachable } from "../../../clients/http-json";
import type { Clock } from "../../../protocol/clock";
import { EngineError } from "../../engine";

export interface RetryDeps {
  readonly clock: Clock;
  /** 0 to 1, for jitter. */
  readonly random: () => number;
}

const ATTEMPTS = 4;
const FIRST_PAUSE_MS = 150;
/** Answers of a Nomad that has no leader, is overloaded, or stands behind a proxy that does not reach it. */
const PASSES = new Set([429, 502, 503, 504]);
const NO_LEADER = /no cluster leader|not ready to serve consistent reads|leadership lost/i;
const CERTIFICATE = /CERT|SIGNED|SSL|TLS|ERR_TLS/;

/** Whether the same call may succeed a moment later. */
export function passes(error: unknown): boolean {
  if (error instanceof HttpUnreachable) return !CERTIFICATE.test(error.message);
  return error instanceof HttpStatusError && (PASSES.has(error.status) || NO_LEADER.test(error.text));
}

/**
 * Makes a call that may be repeated without harm, at most four times within about two seconds of pauses.
 * @throws what the last attempt threw
 */
export async function retried<T>(call: () => Promise<T>, { clock, random }: RetryDeps): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      if (attempt === ATTEMPTS || !passes(error)) throw error;
    }
    await pause(clock, FIRST_PAUSE_MS * 2 ** attempt * (0.5 + random() / 2));
  }
}

export function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => clock.after(ms, () => resolve()));
}

/** Any failure of a call, as the engine tells it: the cause, and what to do about it. */
export function asEngineError(error: unknown, address: string): EngineError {
  if (error instanceof EngineError) return error;
  const told = error instanceof Error ? error.message : String(error);
  return new EngineError("engineUnavailable", `${told}. ${remedy(error, address)}`);
}

function remedy(error: unknown, address: string): string {
  if (error instanceof HttpStatusError) {
    if (error.status === 403 || error.status === 401)
      return "The controller's token lacks this right, or is none of this cluster's: deploy the region's Nomad stack again, or see docs/existing-nomad.md for the policy it needs";
    if (NO_LEADER.test(error.text)) return "Nomad's servers have no leader at the moment: see `nomad server members`";
    return "See the log of the Nomad agent that was asked";
  }
  if (error instanceof HttpUnreachable && CERTIFICATE.test(error.message))
    return `Nomad's certificate at ${address} is not from the CA that the engine's caFile names`;
  return `Is a Nomad agent running at ${address}?`;
}
