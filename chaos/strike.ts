import type { PlannedFault } from "./plan";
import { replicaOf, type ChaosRegion, type Placed } from "./region";
import type { Stage } from "./stage";

/** What was done, and how it is undone. */
export interface Struck {
  /** The program, server, or the two ends of a line. */
  readonly target: string;
  readonly undo: () => Promise<void>;
}

const LOOK_MS = 100;
/** Who is to be struck may not be there yet: nobody leads right after another fault. */
const FIND_WITHIN_MS = 15_000;
const RUNNING_PLAYERS_AT_LEAST = 1;

/** Carries faults out on the real thing. */
export class Striker {
  constructor(
    private readonly stage: Stage,
    /** Servers with most players first. */
    private readonly fullest: (
      region: ChaosRegion,
    ) => readonly { readonly serverId: string; readonly players: number }[],
  ) {}

  /** @returns undefined where nobody was found to strike */
  async strike({ name, region: index }: PlannedFault, signal: AbortSignal): Promise<Struck | undefined> {
    const region = this.stage.regions[index];
    if (!region) return undefined;
    const [deed = "", whom = ""] = name.split(" ");
    if (deed === "fill") return this.fill(region);
    if (whom === "server") return this.strikeServer(region, deed === "kill" ? "SIGKILL" : "SIGSTOP");
    if (whom === "consul") return this.strikeConsul(deed === "kill");
    if (deed === "kill" || deed === "stall") {
      const placed = await this.find(region, whom, signal);
      return placed && (deed === "kill" ? this.kill(placed) : this.stall(placed));
    }
    return this.strikeLine(region, deed, whom.split("-"), signal);
  }

  private async kill({ program }: Placed): Promise<Struck> {
    await program.kill();
    return { target: program.name, undo: () => Promise.resolve(program.start()) };
  }

  private stall({ program }: Placed): Promise<Struck> {
    program.signal("SIGSTOP");
    return Promise.resolve({ target: program.name, undo: () => Promise.resolve(program.signal("SIGCONT")) });
  }

  private async strikeServer(region: ChaosRegion, signal: "SIGKILL" | "SIGSTOP"): Promise<Struck | undefined> {
    const [fullest] = this.fullest(region).filter(({ players }) => players >= RUNNING_PLAYERS_AT_LEAST);
    if (!fullest) return undefined;
    const { root } = this.stage;
    await root.signal(fullest.serverId, signal);
    const again = (): Promise<void> => root.signal(fullest.serverId, "SIGCONT").catch(() => undefined);
    return { target: fullest.serverId, undo: signal === "SIGKILL" ? () => Promise.resolve() : again };
  }

  private async strikeConsul(kills: boolean): Promise<Struck | undefined> {
    const agent = this.stage.consul?.agent;
    const pid = agent?.pid;
    if (!agent || pid === undefined) return undefined;
    if (kills) {
      await agent.end("SIGKILL");
      return { target: "consul", undo: () => agent.run() };
    }
    process.kill(pid, "SIGSTOP");
    // Another fault may have killed it meanwhile.
    return { target: "consul", undo: async () => void (agent.pid === pid && process.kill(pid, "SIGCONT")) };
  }

  private async strikeLine(
    region: ChaosRegion,
    deed: string,
    ends: readonly string[],
    signal: AbortSignal,
  ): Promise<Struck | undefined> {
    const { network } = this.stage;
    const hosts: string[] = [];
    for (const end of ends) {
      const host = end === "consul" ? this.stage.consul?.host : (await this.find(region, end, signal))?.host;
      if (host) hosts.push(host.name);
    }
    const [from, to] = hosts;
    if (!network || from === undefined || hosts.length !== ends.length) return undefined;
    if (deed === "slow") return { target: from, undo: await network.slow(from) };
    const lines =
      to === undefined
        ? network.others(from).flatMap(
            (other) =>
              [
                [from, other],
                [other, from],
              ] as const,
          )
        : deed === "cut"
          ? ([
              [from, to],
              [to, from],
            ] as const)
          : ([[from, to]] as const);
    const undo: (() => Promise<void>)[] = [];
    for (const [one, other] of lines) undo.push(await network.drop(one, other));
    return {
      target: hosts.join(deed === "mute" ? " → " : " ↔ "),
      undo: async () => {
        for (const each of undo) await each();
      },
    };
  }

  private fill({ disk, agent }: ChaosRegion): Struck | undefined {
    if (!disk) return undefined;
    disk.fill();
    return { target: agent.program.name, undo: () => Promise.resolve(disk.free()) };
  }

  private async find(region: ChaosRegion, who: string, signal: AbortSignal): Promise<Placed | undefined> {
    if (who === "agent" || who === "gate") return region[who];
    const deadlineMs = Date.now() + FIND_WITHIN_MS;
    while (Date.now() < deadlineMs && !signal.aborted) {
      const found = await replicaOf(region, who === "leader" ? "leader" : "standby");
      if (found) return found;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    return undefined;
  }
}
