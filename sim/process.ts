import type { Clock } from "../protocol/clock";
import type { Schedule } from "./schedule";

/** Thrown into what a process was doing when it is killed in the middle of it. */
export class Killed extends Error {
  constructor(name: string) {
    super(`${name} was killed`);
    this.name = "Killed";
  }
}

/**
 * A process of the virtual world: it has a clock of its own, may stand still (SIGSTOP), and ends without a word (SIGKILL).
 * After its end none of its timers runs and nothing that it still says is heard.
 */
export class Process {
  alive = true;
  /** Its machine has lost power: nobody is told that its connections are gone. */
  silent = false;
  stalledUntilMs = -Infinity;
  readonly clock: Clock;
  private readonly onEnd: (() => void)[] = [];

  /** @param skew by how many milliseconds its machine's clock is ahead, asked each time */
  constructor(
    readonly name: string,
    readonly host: string,
    private readonly schedule: Schedule,
    skew: () => number,
  ) {
    this.clock = {
      now: () => Math.floor(schedule.nowMs + skew()),
      after: (ms, run) => this.after(ms, run),
    };
  }

  after(ms: number, run: () => void): () => void {
    if (!this.alive) return () => undefined;
    const occurrence = this.schedule.after(ms, this, run);
    return () => {
      occurrence.cancelled = true;
    };
  }

  /** As `setImmediate` does: once the present turn is over. */
  readonly soon = (run: () => void): void => {
    this.after(0, run);
  };

  /** Called when it ends, however it ends. */
  whenEnded(run: () => void): void {
    this.onEnd.push(run);
  }

  end(): void {
    if (!this.alive) return;
    this.alive = false;
    for (const run of this.onEnd.splice(0)) run();
  }

  stall(ms: number): void {
    this.stalledUntilMs = Math.max(this.stalledUntilMs, this.schedule.nowMs + ms);
  }
}
