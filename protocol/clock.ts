/** Time as an argument: real in programs, virtual in tests and in the simulator. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls `run` once after `ms`; the result cancels it. Never keeps the process alive on its own. */
  after(ms: number, run: () => void): () => void;
}

/** Behind the machine's clock, time goes on at this pace until that has caught up. */
const PACE = 0.95;

/**
 * Time that never goes back. Deadlines, leases and silences are all told by the difference of two readings: were the machine's
 * clock set back by an hour, a lease of 30 s would last an hour. So time then goes on a little slower until the machine's clock
 * has caught up. Forward it follows at once: that is how a process that was stopped with its machine learns of it.
 * @param wallMs the machine's clock, in milliseconds since 1970
 * @param monotonicMs milliseconds since some moment, never set
 */
export function steady(wallMs: () => number, monotonicMs: () => number): () => number {
  let at = wallMs();
  let read = monotonicMs();
  return () => {
    const monotonic = monotonicMs();
    const passed = Math.max(0, monotonic - read);
    read = monotonic;
    at = Math.max(wallMs(), at + passed * PACE);
    return Math.floor(at);
  };
}

const after: Clock["after"] = (ms, run) => {
  const timer = setTimeout(run, ms);
  timer.unref();
  return () => clearTimeout(timer);
};

/** The machine's clock for everything that is timed here. */
export const systemClock: Clock = {
  now: steady(
    () => Date.now(),
    () => performance.now(),
  ),
  after,
};

/** The machine's clock as it is, set back or not: for what other machines hold to theirs, as the ends of tokens and the times of signatures. */
export const wallClock: Clock = { now: () => Date.now(), after };
