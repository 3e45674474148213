import type { ShiftSample } from "../core/shift-plan";

/** Answers whose times are kept: enough for a 99th percentile of the last while. */
const TIMES = 2000;

/** What Forge's side did since a step began. In memory: a new leader begins the step anew. */
export class StepCounts {
  private placed = 0;
  private failed = 0;
  private lost = 0;
  private readonly times: number[] = [];

  addPlaced(ms: number): void {
    this.times[this.placed % TIMES] = ms;
    this.placed += 1;
  }

  addFailed(): void {
    this.failed += 1;
  }

  addLost(): void {
    this.lost += 1;
  }

  sample(): ShiftSample {
    const { placed, failed, lost, times } = this;
    const sorted = [...times].sort((a, b) => a - b);
    const p99Ms = sorted[Math.max(0, Math.ceil(sorted.length * 0.99) - 1)];
    return { placed, failed, lost, p99Ms };
  }
}
