import type { ExperienceConfig } from "../config/config";
import type { AllocationRequest, AllocationSelector } from "../controller/core/allocation";
import { FLEET_LABEL } from "../controller/core/allocation";
import { BACKFILL } from "../controller/core/backfill";
import type { Command } from "../controller/core/input";
import type { Server } from "../controller/core/resources";
import type { Crowd } from "./crowd";
import { BAD_VERSION } from "./node";
import type { Random } from "./random";
import type { VirtualRegion } from "./region";
import { simSettings } from "./settings";

type PutFleet = Omit<Extract<Command, { type: "putFleet" }>, "type" | "experienceId">;

const VERSIONS = 4;
/** A call that nobody has answered is made again within this time, or never. */
const LATE_MS = 15_000;

/**
 * What goes on in a busy region beside its crowd: versions are taken in, promoted and rolled back, sizes and forge.toml are
 * changed, nodes and the region are drained, servers are taken as Agones takes them, matches ask for more players.
 */
export class Office {
  private quiet = false;
  private guests = 0;
  /** The experience that took a version in last. */
  private rolling: string | undefined;
  /** Ends the drain of a node: one at a time. */
  private endDrain: () => void = () => undefined;

  constructor(
    private readonly region: VirtualRegion,
    private readonly crowd: Crowd,
    private readonly random: Random,
    private readonly slowness: number,
  ) {}

  start(): void {
    this.region.network.schedule.after(this.slowness * this.random.between(100, 800), undefined, () => {
      if (!this.quiet && !this.region.lost) this.act();
      this.start();
    });
  }

  /** What was begun is ended, forge.toml is as it was at first, and nobody is moved to free a server. */
  rest(): void {
    this.quiet = true;
    this.endDrain();
    for (const of of Object.values(simSettings(this.region.name, "busy").experiences))
      this.change({ ...of, scaling: { ...of.scaling, defragment: "off" } });
    this.settle();
    // What was asked before may be carried out late.
    this.region.network.schedule.after(LATE_MS, undefined, () => this.settle());
  }

  private settle(): void {
    this.crowd.undrain();
    for (const experienceId of Object.keys(this.region.settings.experiences)) {
      // Paused, it would not end.
      this.put(experienceId, { rollout: "resume" }, true);
      this.put(experienceId, { version: "1" }, true);
    }
  }

  private act(): void {
    if (this.region.other && this.random.chance(0.05)) return this.crowd.drain();
    const dice = this.random.next();
    if (dice < 0.3) this.allocate();
    else if (dice < 0.42) this.crowd.match({ [BACKFILL]: "2" });
    else if (dice < 0.56) this.raid();
    else if (dice < 0.74) this.rollOut();
    else if (dice < 0.82) this.resize();
    else if (dice < 0.9) this.configure();
    else if (dice < 0.95) this.drainNode();
  }

  private allocate(): void {
    const shares = this.random.chance(0.3);
    const guest = `guest-${String(++this.guests)}`;
    const request: AllocationRequest = {
      selectors: [...(shares ? [selector("Allocated")] : []), selector("Ready")],
      scheduling: this.random.chance(0.5) ? "packed" : "distributed",
      priorities: [],
      labels: {},
      annotations: {},
      change: {
        counters: { rooms: { action: "Increment", amount: 1 } },
        lists: { guests: { addValues: [guest] } },
      },
    };
    this.region.client.ask(
      () => ({ type: "allocateServer", request }),
      (result) => {
        if (result?.ok) this.region.events.onAllocated(result.value as Server, request);
      },
    );
  }

  /** Nobody plays it most of the time: its first server is started for whoever asks. */
  private raid(): void {
    const [first, ...party] = this.crowd.away(1 + this.random.int(3));
    first?.play("raid", party);
  }

  private rollOut(): void {
    if (this.rolling !== undefined && this.random.chance(0.5)) return this.steer(this.rolling);
    const experienceId = this.random.pick(["arena", "arena", "duel", "lobby"]) ?? "arena";
    this.rolling = experienceId;
    const version = this.random.chance(0.2)
      ? `${BAD_VERSION}-${String(this.random.int(VERSIONS))}`
      : String(1 + this.random.int(VERSIONS));
    this.put(experienceId, this.random.chance(0.6) ? { version, canary: 0.4 } : { version });
  }

  /** What becomes of the version that is being taken in. */
  private steer(experienceId: string): void {
    const rollout = this.random.pick(["promote", "rollback", "pause"] as const) ?? "promote";
    this.put(experienceId, { rollout });
    if (rollout !== "pause") return;
    this.region.network.schedule.after(this.random.between(1000, 6000), undefined, () =>
      this.put(experienceId, { rollout: "resume" }),
    );
  }

  private resize(): void {
    const [experienceId, most] = this.random.pick([
      ["arena", 4],
      ["lobby", 4],
      ["raid", 3],
    ] as const) ?? ["arena", 4];
    const minServers = this.random.int(experienceId === "arena" ? 3 : 2);
    const buffer = this.random.int(2);
    this.put(experienceId, { policy: { minServers, maxServers: most, buffer } });
  }

  /** forge.toml is changed: how a fleet is defragmented, which version it names. */
  private configure(): void {
    const { arena } = this.region.settings.experiences;
    if (!arena) return;
    const defragment = this.random.pick(["move", "move", "move", "wait", "off"] as const) ?? "off";
    const version = this.random.chance(0.3) ? String(1 + this.random.int(VERSIONS)) : arena.version;
    const minServers = 1 + this.random.int(2);
    this.change({ ...arena, version, scaling: { ...arena.scaling, defragment, minServers } });
  }

  private change(experience: ExperienceConfig): void {
    const { settings } = this.region;
    const experiences = { ...settings.experiences, [experience.id]: experience };
    this.region.configure({ ...settings, experiences });
  }

  private drainNode(): void {
    const node = this.random.pick(this.region.nodes);
    if (!node) return;
    this.endDrain();
    this.endDrain = this.region.nomad.drain(node.nodeId, this.random.between(1000, 6000));
    this.region.network.schedule.after(this.random.between(2000, 12_000), undefined, this.endDrain);
  }

  /** @param surely asked until it was answered */
  private put(experienceId: string, change: PutFleet, surely = false): void {
    this.region.client.ask(
      () => ({ type: "putFleet", experienceId, ...change }),
      (result) => {
        if (change.policy) this.crowd.restSizes();
        if (result || !surely) return;
        this.region.network.schedule.after(1000, undefined, () => this.put(experienceId, change, true));
      },
      surely ? undefined : 2,
    );
  }
}

function selector(state: AllocationSelector["state"]): AllocationSelector {
  return {
    matchLabels: { [FLEET_LABEL]: "lobby" },
    matchExpressions: [],
    state,
    players: { minAvailable: 0, maxAvailable: 0 },
    counters: { rooms: { minCount: 0, maxCount: 0, minAvailable: 1, maxAvailable: 0 } },
    lists: {},
  };
}
