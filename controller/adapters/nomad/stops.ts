import type { NomadClient } from "../../../clients/nomad";
import type { Clock } from "../../../protocol/clock";
import type { StopRequest } from "../../engine";
import { hasEnded } from "./exit";
import type { ServerRecord } from "./server-record";

export interface StopsDeps {
  readonly client: Pick<NomadClient, "deregister" | "signal">;
  readonly clock: Clock;
  readonly retry: <T>(call: () => Promise<T>) => Promise<T>;
}

const KILL = "SIGKILL";

/**
 * Stops servers: their job is deregistered, so that their node sends the job's kill signal and after the job's kill
 * timeout SIGKILL. Where less grace is asked for, SIGKILL goes out at its end; with none it goes first.
 */
export class Stops {
  private readonly pending = new Map<string, { readonly atMs: number; readonly cancel: () => void }>();

  constructor(private readonly deps: StopsDeps) {}

  async stop(record: ServerRecord, { graceSecs }: StopRequest): Promise<void> {
    const { client, clock, retry } = this.deps;
    if (graceSecs <= 0) await this.kill(record);
    else this.killAt(record, clock.now() + graceSecs * 1000);
    if (!record.job.stopped) await retry(() => client.deregister(record.job.id, false));
  }

  close(): void {
    for (const { cancel } of this.pending.values()) cancel();
    this.pending.clear();
  }

  /** The earliest of several holds: a second stop may hurry the first, and never slows it. */
  private killAt(record: ServerRecord, atMs: number): void {
    const { clock } = this.deps;
    const before = this.pending.get(record.serverId);
    if (before !== undefined && before.atMs <= atMs) return;
    before?.cancel();
    const cancel = clock.after(atMs - clock.now(), () => {
      this.pending.delete(record.serverId);
      void this.kill(record);
    });
    this.pending.set(record.serverId, { atMs, cancel });
  }

  /** Goes through the server's node; where that is out of reach, or has ended it meanwhile, the job's own stop remains. */
  private async kill({ allocation }: ServerRecord): Promise<void> {
    if (allocation === undefined || hasEnded(allocation)) return;
    await this.deps.client.signal(allocation.id, KILL).catch(() => undefined);
  }
}
