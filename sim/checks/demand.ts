import type { Decision } from "../../controller/core/decision";
import { limitAfter } from "../../controller/core/latency-limit";
import type { Input } from "../../controller/core/input";
import type { Fleet, Server } from "../../controller/core/resources";
import type { TicketClaims } from "../../protocol/ticket";
import type { ControllerHost } from "../controller-host";
import type { Visitor } from "../demand/visitors";
import type { Player } from "../player";
import type { VirtualRegion } from "../region";
import type { World, WorldWatch } from "../world";

/** How long a seat may be free for somebody, or room for a server, before they have it. */
const SERVED_MS = 12_000;
/** How long somebody waits for what cannot come before they are told. */
const TOLD_MS = 10_000;
/** How long an experience may lack its minimum or its first server while another has more than that: until one is empty, and another up. */
const STARVED_MS = 30_000;
/** The clocks of two leaders may be so far apart, and each may hold the wait to be as much longer. */
const CLOCKS_MS = 25_000;
/** Beside what the players need: one for a version that is taken in, one for its canary. */
const BESIDE = 2;
/** So many servers of one fleet are started while its players stay, and so many in whose place another was emptied just before. */
const STARTS = 12;
const IN_VAIN = 6;
const JUST_BEFORE_MS = 5000;

/**
 * P5, of a region at rest with a demand that stays the same: whoever can be served is, within a bound; nobody is put where they
 * do not want to be; no experience starves; nothing is started that helps nobody, and nothing goes to and fro.
 */
export class DemandChecks implements WorldWatch {
  private readonly since = new Map<string, number>();
  private servers: readonly Server[] = [];
  private fleets = new Map<string, Fleet>();
  private readonly starts = new Map<string, number>();
  /** By experience: when a server was emptied to free it, and how often another was started right after that. */
  private readonly emptied = new Map<string, number>();
  private readonly inVain = new Map<string, number>();

  constructor(
    private readonly world: World,
    private readonly region: VirtualRegion,
    private readonly visitors: readonly Visitor[],
  ) {}

  /** Something is another: what was owed is owed from now on. */
  changed(): void {
    this.since.clear();
    this.starts.clear();
    this.emptied.clear();
    this.inVain.clear();
  }

  told(player: Player, { serverId }: TicketClaims): void {
    const visitor = this.visitors.find((each) => each.player === player);
    const server = this.region.findServer(serverId)?.server;
    if (!visitor || !server) return;
    const { version, latencies } = visitor.want.wish;
    const where = `${player.id} was put on ${serverId}`;
    if (version !== undefined && server.launch.version !== version)
      this.broken("who names a version has it", `${where}, which runs ${server.launch.version} and not ${version}`);
    const latency = latencies?.[this.region.name];
    const { wantsSinceMs } = visitor;
    if (latency === undefined || wantsSinceMs === undefined) return;
    const limit = this.limitOf(visitor, CLOCKS_MS);
    if (latency > limit)
      this.broken("nobody plays too far away", `${where} with ${String(latency)} ms, over ${String(limit)} ms`);
  }

  onDecision(region: VirtualRegion, host: ControllerHost, _input: Input, decision: Decision): void {
    if (region !== this.region || host !== region.leader) return;
    // What was stopped since the last look is in nobody's place any more.
    if (decision.type === "stop") this.servers = this.servers.filter(({ id }) => id !== decision.serverId);
    if (decision.type === "start") this.onStart(decision.launch.experienceId);
    if (decision.type === "record" && decision.record.reasons[0]?.startsWith("emptied to free it"))
      this.emptied.set(decision.record.subject, this.world.schedule.nowMs);
  }

  look(servers: readonly Server[], fleets: readonly Fleet[]): void {
    this.servers = servers.filter(({ state }) => state !== "terminated");
    this.fleets = new Map(fleets.map((fleet) => [fleet.experienceId, fleet]));
    for (const visitor of this.visitors) this.lookAt(visitor);
    for (const fleet of fleets) this.lookForRoom(fleet, fleets);
  }

  private lookAt(visitor: Visitor): void {
    const { player, want } = visitor;
    const fleet = this.fleets.get(want.experienceId);
    if (!fleet) return;
    const wants = visitor.wantsSinceMs !== undefined && !visitor.placed;
    const near = (want.wish.latencies?.[this.region.name] ?? 0) <= this.limitOf(visitor, -CLOCKS_MS);
    const ours = this.of(fleet);
    // Nor is there an old one that somebody asked for, which is kept for them and in nobody's place.
    const quiet = ours.every(
      ({ id, version, state }) =>
        state !== "starting" && state !== "draining" && (version === fleet.version || !id.includes("-asked-")),
    );
    const free = ours.find((server) => this.takes(visitor, server));
    const name = `${player.id} (${player.state}, wants ${want.experienceId} ${JSON.stringify(want.wish)})`;
    this.lasting(`seat ${player.id}`, wants && near && quiet && free !== undefined, SERVED_MS, () =>
      this.broken("who can be seated is", `${name}: ${free?.id ?? ""} has a seat; ${this.picture(fleet)}`),
    );
    const room = ours.length < fleet.policy.maxServers && this.servers.length < this.most && quiet && !isBad(fleet);
    const helped = room && startable(fleet, want.wish.version) && free === undefined;
    this.lasting(`server ${player.id}`, wants && near && helped, SERVED_MS, () =>
      this.broken("who needs a server has one started", `${name}: there is room for one; ${this.picture(fleet)}`),
    );
    const { version } = want.wish;
    const never = version !== undefined && !ours.some((server) => server.version === version) && !known(fleet, version);
    this.lasting(`told ${player.id}`, player.state === "waiting" && never, TOLD_MS, () =>
      this.broken("who waits for nothing is told", `${name}; ${this.picture(fleet)}`),
    );
  }

  /** It has less than everybody has before anybody has more. */
  private lookForRoom(fleet: Fleet, fleets: readonly Fleet[]): void {
    const lacks = this.of(fleet).length < this.least(fleet);
    const over = fleets.find((other) => {
      const open = this.of(other).filter(({ state }) => state !== "draining");
      return open.length > Math.max(1, this.least(other)) && !this.isHeldForGood(other);
    });
    this.lasting(`room ${fleet.experienceId}`, lacks && over !== undefined, STARVED_MS, () =>
      this.broken("none starves", `${this.picture(fleet)}; ${over ? this.picture(over) : ""}`),
    );
  }

  private least({ experienceId, policy }: Fleet): number {
    const wanted = this.visitors.some(
      (visitor) =>
        visitor.want.experienceId === experienceId &&
        visitor.want.wish.version === undefined &&
        visitor.want.wish.latencies === undefined &&
        visitor.want.wish.deadlineMs === undefined,
    );
    return Math.min(policy.maxServers, Math.max(policy.minServers, wanted ? 1 : 0));
  }

  private isHeldForGood({ experienceId }: Fleet): boolean {
    return this.visitors.some(({ want }) => want.experienceId === experienceId && want.playMs > STARVED_MS);
  }

  private onStart(experienceId: string): void {
    const fleet = this.fleets.get(experienceId);
    if (!fleet) return;
    const starts = (this.starts.get(experienceId) ?? 0) + 1;
    this.starts.set(experienceId, starts);
    const { policy } = fleet;
    const up = this.of(fleet).filter(({ state }) => state !== "draining").length;
    const helped = this.visitors.filter(
      (visitor) =>
        visitor.want.experienceId === experienceId && (visitor.placed || startable(fleet, visitor.want.wish.version)),
    ).length;
    const { seats = "reported", maxPlayers = 1, lists } = this.region.settings.experiences[experienceId] ?? {};
    const each = seats === "match" ? 1 : Math.min(policy.targetPlayers, maxPlayers);
    const listed = lists ? 2 : 0;
    const needed = Math.max(policy.minServers, listed, Math.ceil(helped / each) + Number(policy.buffer));
    const unknown = lists !== undefined && this.of(fleet).every((server) => server.lists["guests"]?.capacity === 0);
    const most = unknown ? Math.max(1, policy.minServers) : needed + BESIDE;
    if (up >= most)
      this.broken(
        "nothing is started that helps nobody",
        `one more of ${experienceId} for ${String(helped)} players; ${this.picture(fleet)}`,
      );
    const steady = this.visitors.every(({ want }) => want.experienceId !== experienceId || want.playMs > STARVED_MS);
    if (starts > STARTS && steady && !isBad(fleet))
      this.broken("servers do not come and go", `${String(starts)} starts; ${this.picture(fleet)}`);
    this.onStartAfter(fleet);
  }

  /** What is emptied for want of need is not needed a moment later. */
  private onStartAfter(fleet: Fleet): void {
    const { experienceId } = fleet;
    if (this.world.schedule.nowMs - (this.emptied.get(experienceId) ?? -Infinity) > JUST_BEFORE_MS) return;
    this.emptied.delete(experienceId);
    const inVain = (this.inVain.get(experienceId) ?? 0) + 1;
    this.inVain.set(experienceId, inVain);
    if (inVain > IN_VAIN)
      this.broken("nobody is moved in vain", `${String(inVain)} times one was started anew; ${this.picture(fleet)}`);
  }

  private takes({ want: { wish } }: Visitor, { state, players, maxPlayers, version, experienceId }: Server): boolean {
    if (state !== "ready" && state !== "reserved" && state !== "allocated") return false;
    if (wish.version !== undefined && version !== wish.version) return false;
    if (this.region.settings.experiences[experienceId]?.seats === "match") return state === "ready" && players === 0;
    return players < maxPlayers;
  }

  private limitOf({ want, wantsSinceMs = Infinity }: Visitor, slackMs: number): number {
    const { routing } = this.region.settings.experiences[want.experienceId] ?? {};
    // Whoever does not wait comes anew each time.
    const waited = want.wish.deadlineMs === 0 ? 0 : this.world.schedule.nowMs - wantsSinceMs + slackMs;
    return routing ? limitAfter(routing, waited) : Infinity;
  }

  private of({ experienceId }: Fleet): readonly Server[] {
    return this.servers.filter((server) => server.experienceId === experienceId);
  }

  private get most(): number {
    return this.region.settings.scaling.maxServersPerRegion;
  }

  private picture(fleet: Fleet): string {
    const { experienceId, version, rollout, policy } = fleet;
    const servers = this.of(fleet).map((server) => `${server.version}:${server.state}:${String(server.players)}`);
    const goes = rollout ? `, ${rollout.state} to ${rollout.toVersion}${rollout.paused ? " paused" : ""}` : "";
    return `${experienceId} runs ${version}${goes}, ${String(policy.minServers)} to ${String(policy.maxServers)} servers: ${servers.join(" ") || "none"}; ${String(this.servers.length)} of ${String(this.most)} in all`;
  }

  private lasting(what: string, so: boolean, allowedMs: number, broken: () => void): void {
    const { nowMs } = this.world.schedule;
    const began = this.since.get(what);
    if (!so) this.since.delete(what);
    else if (began === undefined) this.since.set(what, nowMs);
    else if (nowMs - began > allowedMs) broken();
  }

  private broken(check: string, evidence: string): void {
    this.world.broken("P5", check, evidence);
  }
}

/** Whether a server that is started now, or next, is of this version. */
function startable({ version: own, rollout }: Fleet, version: string | undefined): boolean {
  if (version === undefined) return true;
  if (!rollout) return version === own;
  if (rollout.paused) return version === rollout.fromVersion;
  return version === rollout.toVersion || (rollout.state === "canary" && version === rollout.fromVersion);
}

function known({ version: own, rollout }: Fleet, version: string): boolean {
  return version === own || version === rollout?.fromVersion || version === rollout?.toVersion;
}

/** Its new servers never come up: how long that holds starts back is another matter. */
function isBad({ rollout }: Fleet): boolean {
  return rollout?.toVersion.startsWith("bad") === true;
}
