import type { ExpectedHealth, ExpectedServer } from "../../protocol/messages";
import type { Finding } from "../finding";

/** Collects what a probe reports in tests. */
export class HeardFindings {
  readonly all: Finding[] = [];
  private readonly looks = new Set<() => void>();

  readonly report = (finding: Finding): void => {
    this.all.push(finding);
    for (const look of this.looks) look();
  };

  get kinds(): string[] {
    return this.all.map(({ kind }) => kind);
  }

  /** The first finding, before or from now on, that is what is looked for. */
  hears<Kind extends Finding["kind"]>(
    kind: Kind,
    matches: (finding: Extract<Finding, { kind: Kind }>) => boolean = () => true,
  ): Promise<Extract<Finding, { kind: Kind }>> {
    return new Promise((resolve) => {
      const look = (): void => {
        const found = (this.all as Extract<Finding, { kind: Kind }>[]).find((f) => f.kind === kind && matches(f));
        if (found === undefined) return;
        this.looks.delete(look);
        resolve(found);
      };
      this.looks.add(look);
      look();
    });
  }
}

export const quickHealth: ExpectedHealth = {
  check: { kind: "process" },
  intervalMs: 20,
  timeoutMs: 5_000,
  unhealthyThreshold: 3,
  healthyThreshold: 2,
};

/** A server with nothing to it but what a test says. */
export function testServer({
  health,
  ...server
}: Partial<Omit<ExpectedServer, "health">> & { health?: Partial<ExpectedHealth> }): ExpectedServer {
  return {
    serverId: "s1",
    allocationId: "a1",
    region: "test",
    experienceId: "arena",
    version: "1",
    role: "primary",
    sdk: "none",
    seats: "observed",
    maxPlayers: 8,
    address: "127.0.0.1",
    ports: {},
    pids: {},
    logFile: undefined,
    sdkToken: "token",
    log: undefined,
    cpu: 1000,
    memory: 64,
    readyTimeoutMs: 60_000,
    leaseMs: 30_000,
    restore: undefined,
    ...server,
    health: { ...quickHealth, ...health },
  };
}
