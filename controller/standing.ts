import type { BackendStatus } from "./api/backend";
import type { LeadershipChange } from "./leadership";

/** Whether this controller leads its region, by which epoch, and what that makes of it for those who ask. */
export class Standing {
  leader = false;
  /** It leads without reaching the lock. */
  holding = false;
  epoch = 0;
  closing = false;
  private leaderUrl: string | undefined;
  private last: BackendStatus | undefined;
  /** How many agents were connected at the last status. */
  private lastAgents = -1;
  private lastLearns = false;
  private everHeard = false;

  /** @returns whether it begins to lead, or to lead anew */
  take({ leader, epoch, holding = false, leaderUrl }: LeadershipChange): boolean {
    const begins = leader && (!this.leader || epoch !== this.epoch);
    this.leader = leader;
    this.holding = holding;
    this.leaderUrl = leaderUrl;
    this.epoch = epoch;
    this.last = undefined;
    return begins;
  }

  /** From now on it cannot be sure to lead alone, until the lock says otherwise. */
  hold(): void {
    this.holding = true;
    this.last = undefined;
  }

  /**
   * Asked for each call that places someone: made anew only where something has changed.
   * @param learns what runs and who sits where is not known yet, so everybody waits
   */
  status(agents: number, learns = false): BackendStatus {
    const { leader, epoch, closing, last } = this;
    const same = this.lastAgents === agents && this.lastLearns === learns;
    if (last?.leader === leader && last.epoch === epoch && same && !closing) return last;
    const ready = leader && agents > 0 && !learns && !closing;
    this.lastAgents = agents;
    this.lastLearns = learns;
    this.everHeard ||= agents > 0;
    this.last = {
      leader,
      epoch,
      ready,
      detail: this.detail(ready, agents),
      ...(this.leaderUrl !== undefined && { leaderUrl: this.leaderUrl }),
    };
    return this.last;
  }

  private detail(ready: boolean, agents: number): string {
    if (!this.leader) return "not leading";
    if (this.closing) return "it is closing";
    if (!ready && agents > 0) return "it is learning what runs";
    if (!ready) return this.everHeard ? "no agent is connected any more" : "no agent has connected yet";
    const held = this.holding ? "; the lock is out of reach, so no server is started or stopped" : "";
    return `leading with epoch ${String(this.epoch)}, ${String(agents)} agent(s)${held}`;
  }
}
