import type { Decision } from "../../controller/core/decision";
import type { Input } from "../../controller/core/input";
import type { FleetRecord, FleetRecords } from "../../controller/core/kept-fleets";
import type { KeptFleets as Kept } from "../../controller/fleet-keeper";
import type { ControllerHost } from "../controller-host";
import type { VirtualRegion } from "../region";
import type { World, WorldWatch } from "../world";

/** How the end of a server is told that the engine was asked to stop. */
const STOPPED = ", as asked";

/** What the leader of one epoch has to keep. */
interface Keeping {
  /** What it decided to keep and Consul does not have yet, as JSON. */
  readonly due: Map<number, string>;
  /** The newest number that Consul has had. */
  written: number;
  /** By request: the number that a put is kept under. */
  readonly puts: Map<number, number>;
}

/**
 * P2, of rollouts and policies: one that was put and answered was written before; each leader begins with what the one before
 * left, and goes on with it; one of the past changes nothing. So what was acknowledged no change of leaders forgets.
 */
export class KeptFleets implements WorldWatch {
  private readonly leaders = new Map<string, Keeping>();
  /** By region: what Consul has. */
  private readonly stored = new Map<string, Kept>();

  constructor(private readonly world: World) {}

  onKept(region: VirtualRegion, text: string, before: string | undefined): void {
    const now = JSON.parse(text) as Kept;
    const last = before === undefined ? { epoch: 0, fleets: {}, nodes: {} } : (JSON.parse(before) as Kept);
    this.stored.set(region.name, now);
    if (now.epoch < last.epoch)
      this.broken("a leader of the past keeps nothing", region, `${epochs(last, now)}: ${text}`);
    const kept = textOf(now);
    if (now.epoch > last.epoch && kept !== textOf(last))
      this.broken(
        "a new leader begins with what was kept",
        region,
        `${epochs(last, now)}: ${before ?? ""}, then ${text}`,
      );
    const leader = this.leader(region, now.epoch);
    for (const [seq, decided] of leader.due) {
      if (decided !== kept) continue;
      leader.written = Math.max(leader.written, seq);
      for (const older of leader.due.keys()) if (older <= seq) leader.due.delete(older);
    }
  }

  onDecision(region: VirtualRegion, { epoch }: ControllerHost, input: Input, decision: Decision): void {
    const leader = this.leader(region, epoch);
    if (decision.type === "keepFleets") {
      leader.due.set(decision.seq, textOf(decision.kept));
      if (input.type === "command" && input.command.type === "putFleet") leader.puts.set(input.requestId, decision.seq);
      if (input.type === "fleetsRead") this.checkRead(region, input, decision.kept.fleets);
    } else if (decision.type === "event" && decision.event.type === "rollout") {
      const { step, reason } = decision.event;
      if (step === "rolledBack" && reason.endsWith(STOPPED))
        this.broken(
          "what was stopped has not failed",
          region,
          `${decision.event.experienceId} was rolled back: ${reason}`,
        );
    } else if (decision.type === "reply") {
      const seq = leader.puts.get(decision.requestId);
      leader.puts.delete(decision.requestId);
      if (seq !== undefined && decision.result.ok && leader.written < seq)
        this.broken(
          "what was put is kept before it is answered",
          region,
          `number ${String(seq)} of epoch ${String(epoch)}`,
        );
    }
  }

  private checkRead(region: VirtualRegion, { epoch, kept }: Extract<Input, { type: "fleetsRead" }>, now: FleetRecords) {
    const stored = this.stored.get(region.name);
    if (stored?.epoch === epoch && textOf(stored) !== textOf(kept))
      this.broken("a leader reads what was kept", region, `${textOf(stored)}; read: ${textOf(kept)}`);
    for (const [experienceId, before] of Object.entries(stored?.epoch === epoch ? stored.fleets : {})) {
      const record = now[experienceId];
      const lost = record ? whatIsLost(before, record) : "all of it";
      if (lost !== undefined)
        this.broken(
          "a new leader goes on with what was kept",
          region,
          `${experienceId}: ${lost} of ${JSON.stringify(before)}; now: ${JSON.stringify(record)}`,
        );
    }
  }

  private leader({ name }: VirtualRegion, epoch: number): Keeping {
    const key = `${name} ${String(epoch)}`;
    let leader = this.leaders.get(key);
    if (!leader) this.leaders.set(key, (leader = { due: new Map(), written: 0, puts: new Map() }));
    return leader;
  }

  private broken(check: string, { name }: VirtualRegion, evidence: string): void {
    this.world.broken("P2", check, `${name}: ${evidence}`);
  }
}

/** What forge.toml has changed meanwhile outranks what was kept; a rollout may be over, or one step further, at once. */
function whatIsLost(before: FleetRecord, now: FleetRecord): string | undefined {
  const { rollout } = before;
  const wentBack = now.lastRollout?.outcome === "rolledBack" && now.lastRollout.atMs !== before.lastRollout?.atMs;
  if (before.entry.version === now.entry.version && !wentBack) {
    const isFurther = rollout !== null && !rollout.paused && now.version === rollout.to;
    if (now.version !== before.version && !isFurther) return "its version";
    if (now.rollout ? now.rollout.to !== rollout?.to : rollout !== null && !isFurther) return "its rollout";
    if (rollout && now.rollout && (now.rollout.paused !== rollout.paused || now.rollout.failures < rollout.failures))
      return "how far its rollout is";
  }
  if (JSON.stringify(before.entry.scaling) !== JSON.stringify(now.entry.scaling)) return undefined;
  return JSON.stringify([before.policy, before.desired]) === JSON.stringify([now.policy, now.desired])
    ? undefined
    : "its policy";
}

function textOf({ fleets, nodes }: Pick<Kept, "fleets" | "nodes">): string {
  return JSON.stringify([fleets, nodes]);
}

function epochs(last: Kept, now: Kept): string {
  return `epoch ${String(last.epoch)}, then ${String(now.epoch)}`;
}
