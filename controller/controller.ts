import type { Actor, ApiBackend, BackendStatus, CommandOf, EventSource, ResultOf } from "./api/backend";
import { withLabels, type Metric } from "./api/metric";
import type { ControllerDeps } from "./controller-deps";
import { controllerGauges } from "./controller-gauges";
import type { CommandResult } from "./core/decision";
import type { CommandType, CoreSettings, Input } from "./core/input";
import { chooseRegion, type RegionChoice, type RegionWish } from "./core/region-choice";
import { DecisionRunner } from "./decision-runner";
import type { EngineEvent, LogOptions } from "./engine";
import { fleetGauges } from "./fleet-gauges";
import { FleetKeeper } from "./fleet-keeper";
import type { LeadershipChange } from "./leadership";
import { Pulse } from "./pulse";
import { regionGauges } from "./region-gauges";
import { Standing } from "./standing";
import { UnderWay } from "./under-way";

const CLOSING = {
  ok: false,
  problem: { code: "unavailable", detail: "this controller is closing", retryAfterSecs: 1 },
} as const;

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
  private settingsBroken = false;
  private readonly standing = new Standing();
  private readonly waiting = new UnderWay<(result: CommandResult) => void>();
  private unsubscribe: () => void = () => undefined;
  private stepDown: (seenEpoch: number) => void = () => undefined;
  private certainUntilMs: () => number = () => Infinity;
  private readonly keeper: FleetKeeper | undefined;
  private readonly pulse: Pulse;
  private readonly runner: DecisionRunner;
  private readonly leaderListeners = new Set<() => void>();
  private readonly inputs: Input[] = [];
  private handling = false;

  constructor(private readonly deps: ControllerDeps) {
    this.region = deps.region;
    this.controllerId = deps.controllerId;
    this.events = deps.events;
    this.settings = deps.settings;
    const { kept: document, clock, log } = deps;
    this.pulse = new Pulse(clock, () => this.give({ nowMs: this.now(), type: "tick" }));
    this.keeper =
      document &&
      new FleetKeeper({
        document,
        clock,
        log,
        onRead: (epoch, kept) => this.give({ nowMs: this.now(), type: "fleetsRead", epoch, kept }),
        onKept: (seq, failure) =>
          this.give({ nowMs: this.now(), type: "fleetsKept", seq, ...(failure === undefined ? {} : { failure }) }),
        onOutrun: (seenEpoch) => this.stepDown(seenEpoch),
      });
    this.runner = new DecisionRunner({
      ...deps,
      ...(this.keeper && { keeper: this.keeper }),
      give: (news) => this.give({ ...news, nowMs: this.now() }),
      reply: ({ requestId, result }) => this.answer(requestId, result),
      wakeAt: (atMs) => this.pulse.wakeAt(atMs),
      stepDown: (seenEpoch) => {
        this.standing.leader = false;
        this.stepDown(seenEpoch);
      },
    });
  }

  /**
   * Starts to listen to engine, agents and clock; `setLeadership` tells when it begins to lead.
   * @param certainUntilMs until when it surely leads alone
   */
  async start(onStepDown: (seenEpoch: number) => void, certainUntilMs: () => number = () => Infinity): Promise<void> {
    this.stepDown = onStepDown;
    this.certainUntilMs = certainUntilMs;
    const { engine, links, peers, unheard } = this.deps;
    this.unsubscribe = engine.subscribe((event) => this.onEngine(event));
    await this.listEngine();
    links.start({
      onMessage: (nodeId, message) => this.give({ nowMs: this.now(), type: "agent", nodeId, message }),
      onSilent: (nodeId, reason, heardMs) =>
        this.give({ nowMs: this.now(), type: "agentSilent", nodeId, reason, heardMs }),
      status: () => this.standing,
    });
    peers.start((regions) => this.give({ nowMs: this.now(), type: "peers", regions }));
    unheard?.start(
      () => this.status(),
      (nodes) => this.give({ nowMs: this.now(), type: "unheard", nodes }),
    );
    this.pulse.start();
  }

  setLeadership(
    leader: boolean,
    epoch: number,
    { holding = false, leaderUrl }: Pick<LeadershipChange, "holding" | "leaderUrl"> = {},
  ): void {
    const begins = this.standing.take({ leader, epoch, holding, ...(leaderUrl !== undefined && { leaderUrl }) });
    this.deps.links.epoch = epoch;
    this.give({ nowMs: this.now(), type: "leadership", leader, epoch, holding, keeps: this.keeper !== undefined });
    if (begins) this.keeper?.lead(epoch);
    else if (!leader) this.keeper?.stop();
    // A leader starts from what runs now, not from what it heard as a standby: what was only ordered, nobody heard of.
    if (begins) void this.listEngine();
    for (const listener of this.leaderListeners) listener();
  }

  onLeader(listener: () => void): () => void {
    this.leaderListeners.add(listener);
    return () => this.leaderListeners.delete(listener);
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
    if (!this.standing.leader) return;
    const at = new Date(this.deps.clock.now()).toISOString();
    this.deps.events.append({ type: "config.rejected", region: this.region, at, reason });
  }

  status(): BackendStatus {
    const { links, core } = this.deps;
    return this.standing.status(links.connected(), !core.places);
  }

  regions(): ReturnType<ApiBackend["regions"]> {
    return this.deps.peers.all();
  }

  command<T extends CommandType>(command: CommandOf<T>, _actor: Actor): Promise<ResultOf<T>> {
    if (this.standing.closing) return Promise.resolve(CLOSING);
    return new Promise((resolve) => {
      const requestId = this.waiting.add(resolve as (result: CommandResult) => void);
      this.give({ nowMs: this.now(), type: "command", requestId, command });
    });
  }

  chooseRegion(wish: RegionWish): RegionChoice {
    if (this.deps.peers.all().length <= 1) return { region: this.region, reasons: ["the run has no other region"] };
    return chooseRegion(wish, [this.deps.core.summary(), ...this.deps.peers.summaries()], this.settings);
  }

  tasks(serverId: string): Promise<readonly string[] | undefined> {
    return this.deps.engine.tasks(serverId);
  }

  logs(serverId: string, options: LogOptions): AsyncIterable<string> {
    return this.deps.engine.logs(serverId, options);
  }

  metrics(): readonly Metric[] {
    const { core, links, meters = [] } = this.deps;
    const { connected: agents, requestsInFlight } = links.counts();
    const { leader, holding, epoch } = this.standing;
    const [commandsWaiting, configRejected] = [this.waiting.size, this.settingsBroken];
    const numbers = core.numbers(this.now());
    const experiences = numbers.experiences.map(({ experienceId }) => experienceId);
    const metrics = [
      ...controllerGauges({ leader, holding, epoch, agents, requestsInFlight, commandsWaiting, configRejected }),
      ...regionGauges(numbers),
      ...fleetGauges(core.summary()),
      ...meters.flatMap((meter) => meter.metrics(experiences)),
    ];
    return withLabels(metrics, { region: this.region });
  }

  async close(): Promise<void> {
    this.standing.closing = true;
    this.pulse.stop();
    this.keeper?.stop();
    this.unsubscribe();
    this.deps.peers.close();
    this.deps.unheard?.close();
    this.deps.links.close();
    for (const [requestId] of this.waiting.entries()) this.waiting.take(requestId)?.(CLOSING);
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
      if (!this.standing.closing) this.deps.clock.after(1000, () => void this.listEngine());
    }
  }

  private now(): number {
    return this.deps.clock.now();
  }

  private answer(requestId: number, result: CommandResult): void {
    this.waiting.take(requestId)?.(result);
  }

  /** One input at a time: a decision that leads to another input at once puts it behind those that wait. */
  private give(input: Input): void {
    const { standing } = this;
    if (standing.closing) return;
    const { nowMs } = input;
    // It was stopped, or its clock has run on: whatever it knew of the lock is too old to start or stop anything by.
    if (standing.leader && !standing.holding && nowMs >= this.certainUntilMs()) {
      standing.hold();
      this.inputs.push({ type: "leadership", leader: true, epoch: standing.epoch, holding: true, nowMs });
    }
    this.inputs.push(input);
    if (this.handling) return;
    this.handling = true;
    try {
      for (let next = this.inputs.shift(); next; next = this.inputs.shift()) {
        for (const decision of this.deps.core.handle(next)) this.runner.carryOut(decision);
      }
    } finally {
      this.handling = false;
    }
  }
}
