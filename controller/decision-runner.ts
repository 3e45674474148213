import type { Logger } from "pino";
import type { Decision } from "./core/decision";
import type { Input } from "./core/input";
import type { DecisionRecord, ForgeEvent } from "./core/resources";
import { EngineError, type Engine } from "./engine";
import type { FleetKeeper } from "./fleet-keeper";
import type { AgentLinks } from "./agent-links";
import type { RegionPeers } from "./region-peers";
import type { ConsultDecision, ScalingWebhook } from "./scaling-webhook";

/** An input without the time on it. */
type News<T = Input> = T extends unknown ? Omit<T, "nowMs"> : never;

export interface DecisionRunnerDeps {
  readonly engine: Pick<Engine, "start" | "stop" | "forget">;
  readonly links: Pick<AgentLinks, "send">;
  readonly peers: Pick<RegionPeers, "transfer">;
  readonly events: { append(event: ForgeEvent): void };
  readonly decisions: { add(record: DecisionRecord): void };
  readonly webhook?: Pick<ScalingWebhook, "ask">;
  readonly keeper?: Pick<FleetKeeper, "keep">;
  readonly log: Logger;
  /** What came of a decision, for the core. */
  readonly give: (news: News) => void;
  readonly reply: (decision: Extract<Decision, { type: "reply" }>) => void;
  readonly wakeAt: (atMs: number) => void;
  readonly stepDown: (seenEpoch: number) => void;
}

/** Carries the core's decisions out, each as it comes, and decides nothing: what cannot be done goes back as an input. */
export class DecisionRunner {
  constructor(private readonly deps: DecisionRunnerDeps) {}

  carryOut(decision: Decision): void {
    const { engine, log } = this.deps;
    switch (decision.type) {
      case "reply":
        return this.deps.reply(decision);
      case "send":
        return this.deps.links.send(decision.nodeId, decision.id, decision.body);
      case "event":
        log.debug({ event: decision.event }, decision.event.type);
        return this.deps.events.append(decision.event);
      case "record":
        return this.deps.decisions.add(decision.record);
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
      case "transfer":
        void this.transfer(decision);
        return;
      case "consult":
        void this.consult(decision);
        return;
      case "keepFleets":
        return this.deps.keeper?.keep(decision.seq, decision.kept);
      case "wake":
        return this.deps.wakeAt(decision.atMs);
      case "stepDown":
        return this.deps.stepDown(decision.seenEpoch);
    }
  }

  private startRefused(serverId: string, error: unknown): void {
    const known = error instanceof EngineError ? error : undefined;
    const code = known?.code ?? "startFailed";
    // No capacity and an engine that is away pass by; a missing program does not mend itself.
    const final = code !== "noCapacity" && code !== "engineUnavailable";
    const reason = error instanceof Error ? error.message : String(error);
    this.deps.give({ type: "engine", event: { type: "blocked", serverId, reason, code, final } });
  }

  private async transfer({ transferId, region, arrival }: Extract<Decision, { type: "transfer" }>): Promise<void> {
    const result = await this.deps.peers.transfer(region, arrival);
    this.deps.give({ type: "transferred", transferId, result });
  }

  private async consult(decision: ConsultDecision): Promise<void> {
    const { webhook, log, give } = this.deps;
    const answer = (await webhook?.ask(decision)) ?? { failure: "this controller asks no webhooks" };
    const { experienceId } = decision;
    if ("failure" in answer) log.warn({ experienceId, reason: answer.failure }, "a scaling webhook did not answer");
    give({ type: "advice", experienceId, url: decision.webhook.url, answer });
  }
}
