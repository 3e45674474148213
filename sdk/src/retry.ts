import { abortReason, type Timing } from "./timing";

/** How long to go on trying: exponential, with jitter so that a thousand callers do not come back in one instant. */
export interface RetryPolicy {
  /** No new attempt starts later than this after the first, in milliseconds. 0: one attempt. */
  readonly forMs: number;
  /** Upper bound of the first pause, in milliseconds; it doubles each time. */
  readonly firstMs: number;
  /** Upper bound of any pause, in milliseconds. */
  readonly maxMs: number;
}

/** Whether an error is worth another attempt, and how long the other side asked to wait. */
export type Verdict = { readonly retry: false } | { readonly retry: true; readonly afterMs?: number | undefined };

/** The pause before attempt `attempt + 1` (from 0): between half and the whole of the doubled bound. */
export function pauseMs(policy: RetryPolicy, attempt: number, random: number): number {
  const bound = Math.min(policy.maxMs, policy.firstMs * 2 ** Math.min(attempt, 30));
  return bound / 2 + (random * bound) / 2;
}

/**
 * Runs `attempt` until it resolves, fails for good, or the policy's time is over; then throws the last error.
 * @throws whatever the last attempt threw, or the signal's reason
 */
export async function retrying<T>(
  timing: Timing,
  policy: RetryPolicy,
  attempt: (number: number) => Promise<T>,
  judge: (error: unknown) => Verdict,
  signal?: AbortSignal,
): Promise<T> {
  const until = timing.now() + policy.forMs;
  for (let number = 0; ; number++) {
    if (signal?.aborted) throw abortReason(signal);
    try {
      return await attempt(number);
    } catch (error) {
      const verdict = judge(error);
      if (!verdict.retry || signal?.aborted) throw error;
      // What the other side asked for counts, spread out a little; its own pause bounds nobody for over a minute.
      const asked = verdict.afterMs === undefined ? 0 : Math.min(verdict.afterMs, 60_000) * (1 + timing.random() / 4);
      const pause = Math.max(asked, pauseMs(policy, number, timing.random()));
      if (timing.now() + pause > until) throw error;
      await timing.sleep(pause, signal);
    }
  }
}
