import type { Clock } from "../protocol/clock";
import { take } from "./findings";
import type { Finding, RunningProbes, StartProbes } from "./finding";
import type { GameServer } from "./game-server";
import type { AgentLog } from "./ledger";

/** Each server's running probes: at most one set of them, and what an earlier set still says counts no more. */
export class ProbeSet {
  private readonly running = new Map<GameServer, RunningProbes>();
  private readonly stopping = new Set<Promise<void>>();

  constructor(
    private readonly startProbes: StartProbes,
    private readonly clock: Clock,
    private readonly log: AgentLog,
  ) {}

  /** Starts a server's probes, in place of those that it has. */
  start(server: GameServer): void {
    this.stop(server);
    let probes: RunningProbes | undefined;
    const early: Finding[] = [];
    try {
      const report = (finding: Finding): void => {
        if (!probes) early.push(finding);
        else if (this.running.get(server) === probes) take(server, finding, this.clock);
      };
      const { ready, healthy } = server.book.state;
      probes = this.startProbes(server.expect, report, { ready, healthy });
    } catch (error) {
      server.health({ healthy: false, reason: `its probes cannot be started: ${String(error)}` });
      return;
    }
    this.running.set(server, probes);
    for (const finding of early) take(server, finding, this.clock);
  }

  stop(server: GameServer): void {
    const probes = this.running.get(server);
    if (!probes) return;
    this.running.delete(server);
    const stopped = probes
      .stop()
      .catch((error: unknown) =>
        this.log.warn({ serverId: server.serverId, error: String(error) }, "a probe did not stop"),
      )
      .finally(() => this.stopping.delete(stopped));
    this.stopping.add(stopped);
  }

  /** Resolves when nothing of any probe is left. */
  async stopAll(): Promise<void> {
    for (const server of [...this.running.keys()]) this.stop(server);
    await Promise.all(this.stopping);
  }
}
