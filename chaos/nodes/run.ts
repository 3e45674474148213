import { setTimeout as pause } from "node:timers/promises";
import type { Place } from "eustress-forge-sdk/player";
import type { ForgeEvent } from "../../controller/core/resources";
import { Random } from "../../sim/random";
import { JournalWatch, SeatedTwice } from "../journal-watch";
import { Players } from "../players";
import { Promises, type Broken } from "../promises";
import { SeatProbe } from "../seat-probe";
import type { NodeCluster } from "./cluster";
import { REGION } from "./forge-toml";
import { NodeEvents } from "./node-events";
import { RegionView } from "./region-view";
import { toldWhere, type Told } from "./told";
import type { Trial } from "./trials";
import { until } from "../../test/until";

/** What was seen of one trial; times are from the moment that it struck, in milliseconds, null where it did not happen. */
export interface SeenTrial {
  readonly name: string;
  readonly node: string;
  /** Sessions with a seat on the node when it struck. */
  readonly sessions: number;
  readonly suspectMs: number | null;
  readonly downMs: number | null;
  /** The last of the node's players had another seat. */
  readonly movedMs: number | null;
  /** The last of those who were moved off it had been told where, by a controller of another node; null of nobody. */
  readonly toldMs: number | null;
  /** A player who asked after it was seated. */
  readonly nextSeatMs: number | null;
  /** From its undoing until leader, Nomad and journals agree; null where they never did. */
  readonly agreedMs: number | null;
  readonly players: {
    readonly moved: number;
    readonly told: number;
    readonly lost: number;
    /** Of those who were on it: asked where they are, and were told neither that nor that their session ended. */
    readonly untold: number;
  };
}

export interface NodesResult {
  readonly trials: readonly SeenTrial[];
  readonly broken: readonly Broken[];
  readonly players: {
    readonly placed: number;
    readonly doubled: number;
    readonly reasons: Readonly<Record<string, number>>;
  };
}

/** A node by its name, and as Nomad calls it. */
interface Struck {
  readonly node: string;
  readonly nodeId: string;
}

const LOOK_MS = 250;
const BOTS = 12;
const READY_WITHIN_MS = 180_000;
/** Nomad gives a node up after 10 to 20 s without a heartbeat, and 10 s of grace. */
const MOVED_WITHIN_MS = 60_000;
const AGREED_WITHIN_MS = 120_000;
const AGREED_LOOK_MS = 1_000;
const SETTLE_MS = 3_000;
/** By then a server has saved everybody's state and said so. */
const SAVED_MS = 8_000;

/** Strikes the nodes of a cluster one after the other, with players on, and sees what Forge makes of it. */
export class NodesRun {
  readonly promises: Promises;
  private readonly beganMs = performance.now();
  private readonly watches: ReadonlyMap<string, JournalWatch>;
  private readonly view: RegionView;
  private readonly twice: SeatedTwice;
  private readonly seen: SeenTrial[] = [];
  private readonly players: Players;
  private readonly probe: SeatProbe;
  private readonly events: NodeEvents;
  /** The node that is out of reach now: what its journal holds cannot be told to it. */
  private away: string | undefined;
  private unable: string | undefined;

  constructor(
    private readonly cluster: NodeCluster,
    private readonly say: (line: string) => void,
  ) {
    this.promises = new Promises(this.now, ({ promise, check, evidence }) =>
      say(`BROKEN ${promise} ${check}: ${evidence}`),
    );
    this.watches = new Map(
      cluster.machines.map(({ name, journalDir }) => [name, new JournalWatch(name, journalDir, this.promises)]),
    );
    this.view = new RegionView(cluster, this.watches);
    this.twice = new SeatedTwice(this.promises);
    const shared = { region: REGION, urls: cluster.urls, token: this.view.token("allocator") };
    this.players = new Players({ ...shared, count: BOTS, random: new Random("players on nodes"), onLine: say });
    this.events = new NodeEvents(cluster.urls, this.view.token("operator"));
    this.probe = new SeatProbe({ ...shared, now: this.now, promises: this.promises });
  }

  private readonly now = (): number => performance.now() - this.beganMs;

  onDeath(machine: string, how: string): void {
    this.promises.break("P6", "no program dies by itself", `Nomad on ${machine} ended: ${how}`);
  }

  async run(trials: readonly Trial[]): Promise<NodesResult> {
    const timer = setInterval(() => this.look(), LOOK_MS);
    try {
      await this.agreed(READY_WITHIN_MS);
      for (const trial of trials) {
        const seen = await this.try(trial);
        this.seen.push(seen);
        // What comes after it would show the same once more.
        if (seen.agreedMs === null) break;
      }
      const { placed } = this.players.tally.counts;
      const reasons = Object.fromEntries(this.players.tally.reasons);
      return {
        trials: this.seen,
        broken: this.promises.broken,
        players: { placed, doubled: this.twice.players.size, reasons },
      };
    } finally {
      clearInterval(timer);
      await Promise.all([this.players.stop(), this.probe.stop(), this.events.stop()]);
    }
  }

  private async try(trial: Trial): Promise<SeenTrial> {
    await until("each node has game servers", () => this.view.level());
    await pause(SAVED_MS);
    const target = await until("a node to strike with players on", () => this.target(trial));
    const { node, nodeId } = target;
    const before = { ...this.players.tally.counts };
    const places = await this.view.placesOn(nodeId);
    const on = places.map(({ session }) => session.id);
    this.unable = trial.able ? undefined : node;
    this.away = trial.until === "moved" ? node : undefined;
    const wallMs = Date.now();
    const struckMs = this.now();
    const undo = await trial.strike(this.cluster, node);
    this.say(`${trial.name} (${node}, ${String(on.length)} sessions on it)`);
    let movedMs: number | null = null;
    let told: readonly Told[] = [];
    try {
      if (trial.until === "moved") {
        const asked = this.ask(places, node);
        await this.untilMoved(trial.name, target, new Set(on));
        movedMs = Math.round(this.now() - struckMs);
        told = await asked;
      } else await pause(trial.until.heldMs);
      await pause(SETTLE_MS);
    } finally {
      await undo();
    }
    const undoneMs = this.now();
    const agreed = await this.agreed(AGREED_WITHIN_MS);
    this.away = this.unable = undefined;
    const heard = (type: ForgeEvent["type"]): number | null => {
      const atMs = this.events.first(type, nodeId, wallMs);
      return atMs === undefined ? null : atMs - wallMs;
    };
    const { counts } = this.players.tally;
    if (trial.until !== "moved" && (heard("node.down") !== null || counts.moved > before.moved))
      this.promises.break("P2", "nobody is moved off a node that is not lost", `${trial.name} on ${node}`);
    const seen: SeenTrial = {
      name: trial.name,
      node,
      sessions: on.length,
      suspectMs: heard("node.suspect"),
      downMs: heard("node.down"),
      movedMs,
      toldMs: rounded(lastMs(told, struckMs)),
      nextSeatMs: rounded(this.probe.nextSeatMs(struckMs)),
      agreedMs: agreed ? Math.round(this.now() - undoneMs) : null,
      players: {
        moved: counts.moved - before.moved,
        told: counts.told - before.told,
        lost: counts.lost - before.lost,
        untold: this.untold(trial.name, told),
      },
    };
    this.say(JSON.stringify(seen));
    return seen;
  }

  /** A node as the trial wants it, on which somebody plays. */
  private async target({ on }: Trial): Promise<Struck | undefined> {
    const leader = await this.view.leader();
    const name =
      on === "leader" ? leader : this.cluster.machines.map((machine) => machine.name).find((each) => each !== leader);
    const node = (await this.cluster.nodes()).find(({ Name, Status }) => Name === name && Status === "ready");
    if (leader === undefined || node === undefined) return undefined;
    const sessions = await this.view.sessionsOn(node.ID);
    return sessions.some(({ state }) => state === "active") ? { node: node.Name, nodeId: node.ID } : undefined;
  }

  /** Nomad has given the node up, the leader has nothing on it, and nobody who sat there is looking for a seat. */
  private async untilMoved(name: string, { node, nodeId }: Struck, on: ReadonlySet<string>): Promise<void> {
    const moved = async (): Promise<boolean> => {
      const status = (await this.cluster.nodes()).find(({ Name }) => Name === node)?.Status;
      const there = await this.view.sessionsOn(nodeId);
      const theirs = (await this.view.sessions()).filter(({ id }) => on.has(id));
      return status !== "ready" && there.length === 0 && theirs.every(({ state }) => state !== "migrating");
    };
    await until("everybody on the node has another seat", moved, MOVED_WITHIN_MS).catch((error: unknown) =>
      this.promises.break("P2", "players of a lost node get other seats", `${name}: ${(error as Error).message}`),
    );
  }

  /** What each player of a node that is lost hears from the controllers of the others. */
  private ask(places: readonly Place[], node: string): Promise<readonly Told[]> {
    const { machines, urls } = this.cluster;
    const left = urls.filter((_, at) => machines[at]?.name !== node);
    return Promise.all(places.map((place) => toldWhere(place, { urls: left, forMs: MOVED_WITHIN_MS, now: this.now })));
  }

  private untold(name: string, all: readonly Told[]): number {
    const untold = all.flatMap((told) => (told.kind === "untold" ? [told.reason] : []));
    for (const reason of untold)
      this.promises.break("P2", "players of a lost node are told where they are", `${name}: ${reason}`);
    return untold.length;
  }

  /** P5: actual equals desired, and the fleet is whole. */
  private async agreed(withinMs: number): Promise<boolean> {
    const deadlineMs = this.now() + withinMs;
    for (;;) {
      const wrong = await this.view.disagreements();
      if (wrong.length === 0 && (await this.view.whole().catch(() => false))) return true;
      if (this.now() > deadlineMs) {
        for (const text of wrong.length > 0 ? wrong : ["the fleet is not whole again"])
          this.promises.break("P5", "actual equals desired", text);
        return false;
      }
      await pause(AGREED_LOOK_MS);
    }
  }

  private look(): void {
    const nowMs = this.now();
    for (const [name, watch] of this.watches) watch.look(nowMs, name !== this.unable);
    const reached = [...this.watches].filter(([name]) => name !== this.away).map(([, watch]) => watch);
    this.twice.look(reached, nowMs);
    const { lost } = this.players.tally.counts;
    if (lost > 0) this.promises.break("P2", "nobody is lost", `${String(lost)} players`);
  }
}

/** When the last who was moved was told, since a moment. */
function lastMs(all: readonly Told[], sinceMs: number): number | undefined {
  const times = all.flatMap((told) => (told.kind === "moved" ? [told.atMs - sinceMs] : []));
  return times.length === 0 ? undefined : Math.max(...times);
}

function rounded(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.round(ms);
}
