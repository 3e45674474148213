import type { Logger } from "pino";
import type { Clock } from "../protocol/clock";
import type { AgentLinks } from "./agent-links";
import type {
  Actor,
  ApiBackend,
  BackendStatus,
  CommandOf,
  EventSource,
  Gauge,
  RegionAsk,
  ResultOf,
} from "./api/backend";
import type { CoreMachine } from "./core/core-interface";
import type { CommandResult, Decision } from "./core/decision";
import type { CommandType, CoreSettings, Input } from "./core/input";
import { chooseRegion } from "./core/region-choice";
import type { DecisionRecord, ForgeEvent, RegionSummary } from "./core/resources";
import type { SharedDocument } from "./document";
import { EngineError, type Engine, type EngineEvent } from "./engine";
import { FleetKeeper, type KeptFleets } from "./fleet-keeper";
import { fleetGauges } from "./fleet-gauges";
import type { LeadershipChange } from "./leadership";
import type { RegionPeers } from "./region-peers";
import type { ConsultDecision, ScalingWebhook } from "./scaling-webhook";

/** What the shell needs of the core beyond `handle`. */
export interface ControlledCore extends CoreMachine {
  summary(): RegionSummary;
}

export interface ControllerDeps {
  readonly region: string;
  readonly controllerId: string;
  readonly core: ControlledCore;
  readonly engine: Engine;
  readonly links: AgentLinks;
  readonly peers: Pick<RegionPeers, "start" | "all" | "summaries" | "transfer" | "close">;
  readonly events: EventSource & { append(event: ForgeEvent): void };
  readonly decisions: { add(record: DecisionRecord): void };
  readonly clock: Clock;
  readonly log: Logger;
  readonly settings: CoreSettings;
  /** Asks the webhooks of scaling chains; without it every one counts as not answering. */
  readonly webhook?: Pick<ScalingWebhook, "ask">;
  /** Where the next leader finds what this one decided of its fleets; without it nobody else could lead. */
  readonly kept?: SharedDocument<KeptFleets>;
}

const TICK_MS = 500;

/**
 * The shell around the core: gives it inputs with the time on them and carries its decisions out in order.
 * It decides nothing; what it cannot do (an engine that refuses) goes back to the core as an input.
 */
export class Controller implements ApiBackend {
  readonly region: string;
  readonly controllerId: string;
  readonly events: EventSource;
  /** Set once its service listens. */
  ping: ApiBackend["ping"] = null;
  private settings: CoreSettings;
  private readonly waiting = new Map<number, (result: CommandResult) => void>();
  private nextRequest = 1;
  private leader = false;
  private holding = false;
  private leaderUrl: string | undefined;
  private settingsBroken = false;
  private epoch = 0;
  private closing = false;
  private lastStatus: BackendStatus | undefined;
  /** How many agents were connected at the last status. */
  private statusOf = -1;
  private cancelTick: () => void = () => undefined;
  private cancelWake: () => void = () => undefined;
  private wakeAtMs = Infinity;
  private unsubscribe: () => void = () => undefined;
  private stepDown: (seenEpoch: number) => void = () => undefined;
  private certainUntilMs: () => number = () => Infinity;
  private readonly keeper: FleetKeeper | undefined;
  private readonly inputs: Input[] = [];
  private handling = false;

  constructor(private readonly deps: ControllerDeps) {
    this.region = deps.region;
    this.controllerId = deps.controllerId;
    this.events = deps.events;
    this.settings = deps.settings;
    const { kept: document, clock, log } = deps;
    this.keeper =
      document &&
      new FleetKeeper({
        document,
        clock,
        log,
        onRead: (epoch, fleets) => this.give({ nowMs: this.now(), type: "fleetsRead", epoch, fleets }),
        onKept: (seq, failure) =>
          this.give({ nowMs: this.now(), type: "fleetsKept", seq, ...(failure === undefined ? {} : { failure }) }),
        onOutrun: (seenEpoch) => this.stepDown(seenEpoch),
      });
  }

  /**
   * Starts to listen to engine, agents and clock; `setLeadership` tells when it begins to lead.
   * @param certainUntilMs until when it surely leads alone
   */
  async start(onStepDown: (seenEpoch: number) => void, certainUntilMs: () => number = () => Infinity): Promise<void> {
    this.stepDown = onStepDown;
    this.certainUntilMs = certainUntilMs;
    const { engine, links, peers } = this.deps;
    this.unsubscribe = engine.subscribe((event) => this.onEngine(event));
    await this.listEngine();
    links.start({
      onMessage: (nodeId, message) => this.give({ nowMs: this.now(), type: "agent", nodeId, message }),
      onSilent: (nodeId, reason) => this.give({ nowMs: this.now(), type: "agentSilent", nodeId, reason }),
      status: () => ({ leader: this.leader, epoch: this.epoch }),
    });
    peers.start((regions) => this.give({ nowMs: this.now(), type: "peers", regions }));
    this.tick();
  }

  setLeadership(
    leader: boolean,
    epoch: number,
    { holding = false, leaderUrl }: Pick<LeadershipChange, "holding" | "leaderUrl"> = {},
  ): void {
    const begins = leader && (!this.leader || epoch !== this.epoch);
    this.leader = leader;
    this.holding = holding;
    this.leaderUrl = leaderUrl;
    this.epoch = epoch;
    this.lastStatus = undefined;
    this.deps.links.epoch = epoch;
    this.give({ nowMs: this.now(), type: "leadership", leader, epoch, holding, keeps: this.keeper !== undefined });
    if (begins) this.keeper?.lead(epoch);
    else if (!leader) this.keeper?.stop();
    // A leader starts from what runs now, not from what it heard as a standby: what was only ordered, nobody heard of.
    if (begins) void this.listEngine();
  }

  /** Live config: what `forge.toml` (or Consul KV) says now. */
  setSettings(settings: CoreSettings): void {
    this.settings = settings;
    this.settingsBroken = false;
    this.give({ nowMs: this.now(), type: "policy", settings });
  }

  /** What it says now cannot be used: what was in force stays, and whoever follows the events hears why. */
  settingsRejected(reason: string): void {
    this.settingsBroken = true;
    if (!this.leader) return;
    const at = new Date(this.deps.clock.now()).toISOString();
    this.deps.events.append({ type: "config.rejected", region: this.region, at, reason });
  }

  /** Asked for each call that places someone: made anew only where something has changed. */
  status(): BackendStatus {
    const agents = this.deps.links.connected();
    const { leader, epoch, closing, lastStatus } = this;
    if (lastStatus?.leader === leader && lastStatus.epoch === epoch && this.statusOf === agents && !closing)
      return lastStatus;
    const ready = leader && agents > 0 && !closing;
    const detail = ready
      ? `leading with epoch ${String(epoch)}, ${String(agents)} agent(s)${this.holding ? "; the lock is out of reach, so no server is started or stopped" : ""}`
      : !leader
        ? "not leading"
        : "no agent has connected yet";
    this.statusOf = agents;
    this.lastStatus = {
      leader,
      epoch,
      ready,
      detail,
      ...(this.leaderUrl !== undefined && { leaderUrl: this.leaderUrl }),
    };
    return this.lastStatus;
  }

  regions(): ReturnType<ApiBackend["regions"]> {
    return this.deps.peers.all();
  }

  command<T extends CommandType>(command: CommandOf<T>, _actor: Actor): Promise<ResultOf<T>> {
    if (this.closing)
      return Promise.resolve({
        ok: false,
        problem: { code: "unavailable", detail: "this controller is closing", retryAfterSecs: 1 },
      });
    return new Promise((resolve) => {
      const requestId = this.nextRequest++;
      this.waiting.set(requestId, resolve as (result: CommandResult) => void);
      this.give({ nowMs: this.now(), type: "command", requestId, command });
    });
  }

  chooseRegion(ask: RegionAsk): { readonly region: string; readonly reasons: readonly string[] } {
    if (this.deps.peers.all().length <= 1) return { region: this.region, reasons: ["the run has no other region"] };
    return chooseRegion(ask, [this.deps.core.summary(), ...this.deps.peers.summaries()], this.settings);
  }

  logs(
    serverId: string,
    options: {
      readonly task?: string;
      readonly follow: boolean;
      readonly tailBytes?: number;
      readonly signal: AbortSignal;
    },
  ): AsyncIterable<string> {
    return this.deps.engine.logs(serverId, options);
  }

  gauges(): readonly Gauge[] {
    const labels = { region: this.region };
    const { connected, requestsInFlight } = this.deps.links.counts();
    return [
      { name: "forge_leader", help: "1 where this controller leads its region", labels, value: this.leader ? 1 : 0 },
      {
        name: "forge_leader_holding",
        help: "1 where it leads without reaching the lock: nothing is started or stopped",
        labels,
        value: this.holding ? 1 : 0,
      },
      { name: "forge_epoch", help: "The epoch it leads with", labels, value: this.epoch },
      { name: "forge_agents_connected", help: "Agents that are connected", labels, value: connected },
      {
        name: "forge_agent_requests_in_flight",
        help: "Requests to agents without an answer yet",
        labels,
        value: requestsInFlight,
      },
      { name: "forge_commands_waiting", help: "Commands without an answer yet", labels, value: this.waiting.size },
      {
        name: "forge_config_rejected",
        help: "1 where forge.toml as it is now cannot be used and an earlier one is in force",
        labels,
        value: this.settingsBroken ? 1 : 0,
      },
      ...fleetGauges(this.deps.core.summary()),
    ];
  }

  async close(): Promise<void> {
    this.closing = true;
    this.cancelTick();
    this.cancelWake();
    this.keeper?.stop();
    this.unsubscribe();
    this.deps.peers.close();
    this.deps.links.close();
    for (const resolve of this.waiting.values())
      resolve({ ok: false, problem: { code: "unavailable", detail: "this controller is closing", retryAfterSecs: 1 } });
    this.waiting.clear();
    await this.deps.engine.close();
  }

  private onEngine(event: EngineEvent): void {
    if (event.type === "resync") void this.listEngine();
    else this.give({ nowMs: this.now(), type: "engine", event });
  }

  private async listEngine(): Promise<void> {
    const sinceMs = this.deps.clock.now();
    try {
      this.give({ nowMs: this.now(), type: "engineList", servers: await this.deps.engine.list(), sinceMs });
    } catch (error) {
      this.deps.log.warn({ err: error }, "the engine did not list its servers; asking again in 1 s");
      if (!this.closing) this.deps.clock.after(1000, () => void this.listEngine());
    }
  }

  private now(): number {
    return this.deps.clock.now();
  }

  /** One input at a time: a decision that leads to another input at once puts it behind those that wait. */
  private give(input: Input): void {
    if (this.closing) return;
    const { nowMs } = input;
    // It was stopped, or its clock has run on: whatever it knew of the lock is too old to start or stop anything by.
    if (this.leader && !this.holding && nowMs >= this.certainUntilMs()) {
      this.holding = true;
      this.inputs.push({ type: "leadership", leader: true, epoch: this.epoch, holding: true, nowMs });
    }
    this.inputs.push(input);
    if (this.handling) return;
    this.handling = true;
    try {
      for (let next = this.inputs.shift(); next; next = this.inputs.shift()) {
        for (const decision of this.deps.core.handle(next)) this.carryOut(decision);
      }
    } finally {
      this.handling = false;
    }
  }

  private carryOut(decision: Decision): void {
    const { engine, links, peers, events, decisions, log } = this.deps;
    switch (decision.type) {
      case "reply": {
        const resolve = this.waiting.get(decision.requestId);
        this.waiting.delete(decision.requestId);
        resolve?.(decision.result);
        return;
      }
      case "send":
        links.send(decision.nodeId, decision.id, decision.body);
        return;
      case "event":
        log.debug({ event: decision.event }, decision.event.type);
        events.append(decision.event);
        return;
      case "record":
        decisions.add(decision.record);
        return;
      case "start":
        log.info({ serverId: decision.launch.serverId, reason: decision.reason }, "start");
        engine.start(decision.launch).catch((error: unknown) => this.startRefused(decision.launch.serverId, error));
        return;
      case "stop":
        log.info({ serverId: decision.serverId, reason: decision.reason }, "stop");
        engine
          .stop(decision.serverId, { graceSecs: decision.graceSecs, reason: decision.reason })
          .catch((error: unknown) => log.warn({ err: error, serverId: decision.serverId }, "stop failed"));
        return;
      case "forget":
        engine
          .forget(decision.serverId)
          .catch((error: unknown) => log.warn({ err: error, serverId: decision.serverId }, "forget failed"));
        return;
      case "transfer": {
        const { transferId, region, arrival } = decision;
        void peers
          .transfer(region, arrival)
          .then((result) => this.give({ nowMs: this.now(), type: "transferred", transferId, result }));
        return;
      }
      case "consult":
        void this.consult(decision);
        return;
      case "keepFleets":
        this.keeper?.keep(decision.seq, decision.fleets);
        return;
      case "wake":
        this.wake(decision.atMs);
        return;
      case "stepDown":
        this.leader = false;
        this.stepDown(decision.seenEpoch);
        return;
    }
  }

  private async consult(decision: ConsultDecision): Promise<void> {
    const answer = (await this.deps.webhook?.ask(decision)) ?? { failure: "this controller asks no webhooks" };
    if ("failure" in answer)
      this.deps.log.warn(
        { experienceId: decision.experienceId, reason: answer.failure },
        "a scaling webhook did not answer",
      );
    this.give({
      nowMs: this.now(),
      type: "advice",
      experienceId: decision.experienceId,
      url: decision.webhook.url,
      answer,
    });
  }

  private startRefused(serverId: string, error: unknown): void {
    const known = error instanceof EngineError ? error : undefined;
    const code = known?.code ?? "startFailed";
    // No capacity and an engine that is away pass by; a missing program does not mend itself.
    const final = code !== "noCapacity" && code !== "engineUnavailable";
    const reason = error instanceof Error ? error.message : String(error);
    this.give({ nowMs: this.now(), type: "engine", event: { type: "blocked", serverId, reason, code, final } });
  }

  private tick(): void {
    this.give({ nowMs: this.now(), type: "tick" });
    this.cancelTick = this.deps.clock.after(TICK_MS, () => this.tick());
  }

  private wake(atMs: number): void {
    if (atMs >= this.wakeAtMs) return;
    this.cancelWake();
    this.wakeAtMs = atMs;
    this.cancelWake = this.deps.clock.after(Math.max(0, atMs - this.deps.clock.now()), () => {
      this.wakeAtMs = Infinity;
      this.give({ nowMs: this.now(), type: "tick" });
    });
  }
}
