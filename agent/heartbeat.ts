import type { ExpectedHealth } from "../protocol/messages";

/**
 * Who could not be heard notices by its next call that it can be again: SDKs make one every 2 s and try what failed anew
 * within 3 s; where a whole node comes back at once, all of that is slow.
 */
const RETURN_MS = 10_000;

export type Pulse = { readonly healthy: boolean; readonly reason: string };

/**
 * Health by the server's own heartbeats (`health = "sdk"`): silent for longer than interval × threshold is unhealthy.
 * Looked at each second, so a hang is noticed within a second of that. Nothing counts before the first sign of life
 * unless told, nor while heartbeats could not have arrived, nor in the first 10 s after that, nor while nobody could look, nor
 * what the gate has not borne out by saying something since.
 *
 *     unborn -- beat --> healthy -- silence --> unhealthy -- healthyThreshold beats --> healthy
 */
export class Heartbeat {
  private lastMs: number | undefined;
  private beats = 0;
  private silent = false;
  /** Until then it may not have noticed that it can be heard. */
  private returnsByMs = -Infinity;
  /** When its gate was last heard, which passes on what the server says. */
  private gateMs = Infinity;

  /** @param fromMs from then on silence counts also before the first sign of life (Agones' initial delay) */
  constructor(
    private readonly rules: Pick<ExpectedHealth, "intervalMs" | "unhealthyThreshold" | "healthyThreshold">,
    private readonly fromMs?: number,
  ) {
    this.lastMs = fromMs;
  }

  /** A sign of life. Returns the change of health that it makes, if any. */
  beat(nowMs: number): Pulse | undefined {
    this.lastMs = nowMs;
    this.returnsByMs = -Infinity;
    if (!this.silent) return undefined;
    this.beats += 1;
    if (this.beats < this.rules.healthyThreshold) return undefined;
    this.silent = false;
    return { healthy: true, reason: `${this.beats} heartbeats after a silence` };
  }

  check(nowMs: number): Pulse | undefined {
    if (this.lastMs === undefined || nowMs - this.lastMs <= this.allowedMs || nowMs <= this.returnsByMs)
      return undefined;
    // The gate may have stood still since: what the server said in time may wait in it.
    if (this.gateMs - this.lastMs < this.allowedMs) return undefined;
    this.beats = 0;
    if (this.silent) return undefined;
    this.silent = true;
    return {
      healthy: false,
      reason: `no heartbeat for ${seconds(nowMs - this.lastMs)} s; ${seconds(this.allowedMs)} s are allowed`,
    };
  }

  /** Whether its silence is too long by then, which nobody has been told of yet. */
  isDueBy(ms: number): boolean {
    return !this.silent && this.lastMs !== undefined && ms > this.returnsByMs && ms - this.lastMs > this.allowedMs;
  }

  /** Until then its gate has passed on what it said. */
  heardUntil(gateMs: number): void {
    this.gateMs = gateMs;
  }

  /** Goes on where an agent before this one left off, with its judgement. */
  resume(nowMs: number, healthy: boolean): void {
    this.lastMs = Math.max(nowMs, this.fromMs ?? 0);
    this.returnsByMs = nowMs + RETURN_MS;
    this.silent = !healthy;
  }

  /** For so long this process stood still, or the clock ran ahead: what the server said meanwhile waits unread, or it stood still too. */
  heldUp(ms: number, nowMs: number): void {
    if (this.lastMs !== undefined) this.lastMs = Math.max(this.lastMs, Math.min(nowMs, this.lastMs + ms));
  }

  /** Silence until now was not the server's: gate or agent was away. */
  excuse(nowMs: number): void {
    if (this.lastMs === undefined) return;
    this.lastMs = Math.max(nowMs, this.fromMs ?? 0);
    this.returnsByMs = nowMs + RETURN_MS;
  }

  private get allowedMs(): number {
    return this.rules.intervalMs * this.rules.unhealthyThreshold;
  }
}

/** The heartbeat that a server's health is known by, where it is. */
export function heartbeatOf(health: ExpectedHealth, expectedAtMs: number): Heartbeat | undefined {
  if (health.check.kind !== "sdk") return undefined;
  const { initialDelayMs } = health.check;
  return new Heartbeat(health, initialDelayMs === undefined ? undefined : expectedAtMs + initialDelayMs);
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}
