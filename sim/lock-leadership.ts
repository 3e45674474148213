import type { Leadership, LeadershipChange } from "../controller/leadership";
import { SESSION_MS, type LockReply, type VirtualConsul } from "./consul";
import type { Network } from "./network";
import type { Process } from "./process";

const RENEW_MS = 1000;
/** Without a renewal for so long by its own clock it leads no more, before its session can have ended. */
const GIVE_UP_MS = SESSION_MS - RENEW_MS;

/**
 * Leads while it holds the modelled lock, with an epoch raised under it:
 *
 *     standby -- lock --> raising the epoch -- set --> leading
 *        ^ <-- lost, not renewed for 3 s, or outrun --------|
 */
export class LockLeadership implements Leadership {
  private onChange: (change: LeadershipChange) => void = () => undefined;
  private leading = false;
  private epoch = 0;
  /** The highest that any agent has told of. */
  private seen = 0;
  private renewedMs = -Infinity;
  private raising = false;
  private closed = false;

  constructor(
    private readonly session: string,
    private readonly consul: VirtualConsul,
    private readonly network: Network,
    private readonly process: Process,
  ) {}

  start(onChange: (change: LeadershipChange) => void): Promise<void> {
    this.onChange = onChange;
    this.renew();
    return Promise.resolve();
  }

  certainUntilMs(): number {
    return this.leading ? this.renewedMs + GIVE_UP_MS : -Infinity;
  }

  outrun(seenEpoch: number): void {
    this.seen = Math.max(this.seen, seenEpoch);
    this.stand();
    this.ask();
  }

  close(): Promise<void> {
    this.closed = true;
    this.stand();
    this.post(
      "release",
      () => this.consul.release(this.session),
      () => undefined,
    );
    return Promise.resolve();
  }

  private renew(): void {
    if (this.closed) return;
    if (this.leading && this.process.clock.now() - this.renewedMs >= GIVE_UP_MS) this.stand();
    this.ask();
    this.process.after(RENEW_MS, () => this.renew());
  }

  private ask(): void {
    const askedMs = this.process.clock.now();
    this.post(
      "acquire",
      () => this.consul.acquire(this.session),
      (reply) => this.onReply(reply, askedMs),
    );
  }

  private onReply(reply: LockReply, askedMs: number): void {
    if (this.closed) return;
    if (!reply.held) return this.stand();
    this.renewedMs = Math.max(this.renewedMs, askedMs);
    if (this.leading || this.raising) return;
    this.raising = true;
    const to = Math.max(reply.epoch, this.seen) + 1;
    this.post(
      "raise",
      () => this.consul.raise(this.session, reply.epoch, to),
      (raised) => {
        this.raising = false;
        if (!raised || this.closed || this.process.clock.now() - this.renewedMs >= GIVE_UP_MS) return;
        this.leading = true;
        this.epoch = to;
        this.onChange({ leader: true, epoch: to });
      },
      () => (this.raising = false),
    );
  }

  private stand(): void {
    if (!this.leading) return;
    this.leading = false;
    this.onChange({ leader: false, epoch: this.epoch });
  }

  /** Asks Consul and takes its answer, each over the network. */
  private post<T>(what: string, ask: () => T, take: (answer: T) => void, lost: () => void = () => undefined): void {
    const { host } = this.process;
    const letter = { phase: "lock" as const, text: `${this.session} ${what}` };
    this.network.post(
      {
        ...letter,
        from: host,
        to: this.consul.host,
        reader: undefined,
        deliver: () => {
          const answer = ask();
          this.network.post(
            { ...letter, from: this.consul.host, to: host, reader: this.process, deliver: () => take(answer) },
            lost,
          );
        },
      },
      lost,
    );
  }
}
