import pino from "pino";
import { ConsulLeadership } from "../controller/adapters/consul/consul-leadership";
import { AgentLinks, type AgentChannel } from "../controller/agent-links";
import { Controller } from "../controller/controller";
import type { CommandResult, Decision } from "../controller/core/decision";
import type { Command, CoreSettings, Input } from "../controller/core/input";
import type { EngineEvent } from "../controller/engine";
import { EventLog } from "../controller/event-log";
import { DecisionLog } from "../controller/decision-log";
import { idSource } from "../controller/id-source";
import type { VirtualConsul } from "./consul";
import { consulCalls } from "./consul-call";
import { VirtualEngine } from "./engine";
import { virtualKept } from "./kept";
import { urlOf, virtualLock } from "./lock";
import type { Network } from "./network";
import type { VirtualNomad } from "./nomad";
import { VirtualPeers } from "./peers";
import { Process } from "./process";
import type { Random } from "./random";
import { RecordedCore } from "./recorded-core";
import { VirtualUnheard } from "./unheard";

export interface ControllerSurroundings {
  readonly region: string;
  readonly network: Network;
  readonly nomad: VirtualNomad;
  readonly consul: VirtualConsul;
  /** Leaders keep what they decide of fleets in Consul. */
  readonly keeps: boolean;
  /** As forge.toml has them now. */
  readonly settings: () => CoreSettings;
  /** The region's controller that is reached at a URL. */
  readonly controllerAt: (url: string) => ControllerHost | undefined;
  readonly otherRegion: () => { readonly region: string; readonly controllers: readonly ControllerHost[] } | undefined;
  readonly onDecision: (host: ControllerHost, input: Input, decision: Decision) => void;
  readonly onDifference: (host: ControllerHost, evidence: string) => void;
  readonly onFailure: (where: string, error: unknown) => void;
}

const CLOSE_MS = 1500;
const OPERATOR = { sub: "sim", role: "operator" as const, regions: ["*"] };
const log = pino({ level: "silent" });

/** A controller's process: the real shell, the real core and its real links to agents, around them what is modelled. */
export class ControllerHost {
  process: Process | undefined;
  core: RecordedCore | undefined;
  controller: Controller | undefined;
  /** Where the others find it. */
  url = "";
  /** By its own belief. */
  leads = false;
  epoch = 0;
  skewMs = 0;
  /** Commands without an answer: since when. */
  readonly open = new Map<number, number>();
  private links: AgentLinks | undefined;
  private engine: VirtualEngine | undefined;
  private leadership: ConsulLeadership | undefined;
  private boots = 0;
  private asked = 0;

  constructor(
    readonly host: string,
    private readonly around: ControllerSurroundings,
    private readonly random: Random,
  ) {}

  boot(): void {
    if (this.process?.alive) return;
    const { network, nomad, consul, keeps, region, onFailure } = this.around;
    const settings = this.around.settings();
    const boot = ++this.boots;
    const name = `${this.host}/controller-${String(boot)}`;
    const process = new Process(name, this.host, network.schedule, () => this.skewMs);
    this.process = process;
    this.leads = false;
    this.open.clear();
    const controllerId = `${this.host}-${String(boot)}`;
    this.url = urlOf(controllerId);
    const seed = this.random.fork(name);
    const core = new RecordedCore(
      () => {
        const ids = seed.fork("ids");
        const { avoidsNodes } = nomad;
        return { settings, controllerId, ids: idSource(region, (buffer: Buffer) => ids.fill(buffer)), avoidsNodes };
      },
      (input, decision) => this.around.onDecision(this, input, decision),
      (evidence) => this.around.onDifference(this, evidence),
    );
    const links = new AgentLinks({
      region,
      controllerId,
      clock: process.clock,
      log,
      silentAfterMs: settings.suspectAfterSecs * 1000,
    });
    const engine = new VirtualEngine(nomad, network, process);
    const events = new EventLog({ epoch: 0, capacity: 1000 });
    const controller = new Controller({
      region,
      controllerId,
      core,
      engine,
      links,
      peers: new VirtualPeers(region, this.around.otherRegion, network, process),
      unheard: new VirtualUnheard(this.around.controllerAt, network, process),
      events,
      decisions: new DecisionLog(1000),
      clock: process.clock,
      log,
      settings,
      ...(keeps ? { kept: virtualKept(consul, consulCalls("kept", controllerId, consul, network, process)) } : {}),
    });
    const jitter = seed.fork("jitter");
    const leadership = new ConsulLeadership({
      controllerId,
      lock: virtualLock(controllerId, consul, consulCalls("lock", controllerId, consul, network, process)),
      clock: process.clock,
      random: () => jitter.next(),
      seenEpoch: () => links.highestEpoch,
      onTrouble: () => undefined,
    });
    Object.assign(this, { core, links, engine, controller, leadership });
    controller
      .start(
        (seenEpoch) => leadership.outrun(seenEpoch),
        () => leadership.certainUntilMs(),
      )
      .then(() =>
        leadership.start((change) => {
          this.leads = change.leader;
          this.epoch = change.epoch;
          events.setEpoch(change.epoch);
          controller.setLeadership(change.leader, change.epoch, change);
        }),
      )
      .catch((error: unknown) => {
        if (process.alive) onFailure(name, error);
      });
  }

  kill(): void {
    this.process?.end();
    this.leads = false;
    this.open.clear();
  }

  /** Ends in order, as in an upgrade, within some virtual time: the lock is given back. */
  async close(): Promise<void> {
    const { process, controller, leadership } = this;
    if (!process?.alive) return;
    // Where Consul cannot be reached, whoever runs it does not wait for that.
    process.after(CLOSE_MS, () => process.end());
    await leadership?.close();
    await controller?.close();
    this.leads = false;
    this.open.clear();
    process.end();
  }

  /** Starts the next one, as soon as this one has ended. */
  reboot(): void {
    if (this.process?.alive)
      this.process.whenEnded(() => this.around.network.schedule.after(0, undefined, () => this.boot()));
    else this.boot();
  }

  accept(channel: AgentChannel): void {
    this.links?.accept(channel);
  }

  /** An event of Nomad's stream. */
  engineEvent(event: EngineEvent): void {
    if (this.process?.alive) this.engine?.event(event);
  }

  missEngineEvents(): void {
    this.engine?.miss();
  }

  /** forge.toml has been changed: read within a second, by whoever is up. */
  hearOfSettings(): void {
    const { process, controller } = this;
    process?.after(this.random.between(10, 1000), () => controller?.setSettings(this.around.settings()));
  }

  /** What the API would do with a call that has passed its checks. */
  async command(command: Command): Promise<CommandResult> {
    const { controller, process } = this;
    if (!controller || !process) return refused("this controller is not up");
    const id = ++this.asked;
    this.open.set(id, this.around.network.schedule.nowMs);
    const result = await (controller.command(command, OPERATOR) as Promise<CommandResult>);
    if (this.process === process) this.open.delete(id);
    return result;
  }
}

function refused(detail: string): CommandResult {
  return { ok: false, problem: { code: "unavailable", detail, retryAfterSecs: 1 } };
}
