import { isDeepStrictEqual } from "node:util";
import type { LooseRecord } from "./loose";

/** An event as `forge up --json` prints it; which fields there are depends on its type. */
export interface SeenEvent {
  readonly id: string;
  readonly type: string;
  readonly region: string;
  readonly at: string;
  readonly reason: string;
  readonly serverId: string;
  readonly experienceId: string;
  readonly sessionId: string;
  readonly playerId: string;
  readonly step: string;
  readonly action: string;
  readonly from: number;
  readonly to: number;
  readonly detail: LooseRecord;
}

export type EventMatch = Partial<SeenEvent> | ((event: SeenEvent) => boolean);

interface Waiter {
  readonly fits: (event: SeenEvent) => boolean;
  readonly settle: (event: SeenEvent) => void;
  readonly fail: (error: Error) => void;
}

/** Nothing that a test waits for takes so long; the error then says what did happen. */
const WAIT_MS = 60_000;
const SHOWN = 30;

/** What a run has told so far, and what it is yet to tell. */
export class EventTap {
  readonly events: SeenEvent[] = [];
  private readonly waiters = new Set<Waiter>();
  private ended: string | undefined;

  push(event: SeenEvent): void {
    this.events.push(event);
    for (const waiter of [...this.waiters]) if (waiter.fits(event)) waiter.settle(event);
  }

  /** Nothing more comes: whoever still waits is told so. */
  end(why: string): void {
    this.ended = why;
    for (const waiter of [...this.waiters]) waiter.fail(new Error(why));
  }

  /** A place in the story: pass it to `next` to hear only of what comes after. */
  get mark(): number {
    return this.events.length;
  }

  all(match: EventMatch, after = 0): SeenEvent[] {
    return this.events.slice(after).filter(fitting(match));
  }

  /** The first event that fits, told already or to come. */
  next(match: EventMatch, after = 0): Promise<SeenEvent> {
    const fits = fitting(match);
    const told = this.events.slice(after).find(fits);
    if (told !== undefined) return Promise.resolve(told);
    const what = typeof match === "function" ? match.toString() : JSON.stringify(match);
    if (this.ended !== undefined) return Promise.reject(new Error(`${what} never came: ${this.ended}`));
    return new Promise((resolve, reject) => {
      const done = (): void => {
        clearTimeout(timer);
        this.waiters.delete(waiter);
      };
      const waiter: Waiter = {
        fits,
        settle(event) {
          done();
          resolve(event);
        },
        fail: (error) => {
          done();
          reject(new Error(`${what} did not come: ${error.message}\n${this.story()}`));
        },
      };
      const timer = setTimeout(() => waiter.fail(new Error(`not within ${WAIT_MS / 1000} s`)), WAIT_MS);
      this.waiters.add(waiter);
    });
  }

  /** The last events, a line each. */
  private story(): string {
    const line = ({ at, type, step, action, serverId, playerId, reason }: SeenEvent): string =>
      [at, type, step ?? action, serverId, playerId, reason].filter((part) => part !== undefined).join(" ");
    return this.events.slice(-SHOWN).map(line).join("\n");
  }
}

function fitting(match: EventMatch): (event: SeenEvent) => boolean {
  if (typeof match === "function") return match;
  const wanted = Object.entries(match);
  return (event) => wanted.every(([name, value]) => isDeepStrictEqual(event[name as keyof SeenEvent], value));
}
