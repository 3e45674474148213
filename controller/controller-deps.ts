import type { Logger } from "pino";
import type { Clock } from "../protocol/clock";
import type { AgentLinks } from "./agent-links";
import type { EventSource } from "./api/backend";
import type { Meter } from "./api/metric";
import type { CoreMachine } from "./core/core-interface";
import type { CoreSettings } from "./core/input";
import type { RegionNumbers } from "./core/region-numbers";
import type { DecisionRecord, ForgeEvent, RegionSummary } from "./core/resources";
import type { SharedDocument } from "./document";
import type { Engine } from "./engine";
import type { KeptFleets } from "./fleet-keeper";
import type { RegionPeers } from "./region-peers";
import type { ScalingWebhook } from "./scaling-webhook";
import type { UnheardNodes } from "./unheard-nodes";

/** What the shell needs of the core beyond `handle`. */
export interface ControlledCore extends CoreMachine {
  /** Whether players are placed: it leads, and knows what runs and who sits where. */
  readonly places: boolean;
  summary(): RegionSummary;
  numbers(nowMs: number): RegionNumbers;
}

export interface ControllerDeps {
  readonly region: string;
  readonly controllerId: string;
  readonly core: ControlledCore;
  readonly engine: Engine;
  readonly links: AgentLinks;
  readonly peers: Pick<RegionPeers, "start" | "all" | "summaries" | "transfer" | "close">;
  /** Learns from the leader who sits on nodes that this controller cannot hear; left out where no other could lead. */
  readonly unheard?: Pick<UnheardNodes, "start" | "close">;
  readonly events: EventSource & { append(event: ForgeEvent): void };
  readonly decisions: { add(record: DecisionRecord): void };
  readonly clock: Clock;
  readonly log: Logger;
  readonly settings: CoreSettings;
  /** Asks the webhooks of scaling chains; without it every one counts as not answering. */
  readonly webhook?: Pick<ScalingWebhook, "ask">;
  /** Where the next leader finds what this one decided of its fleets; without it nobody else could lead. */
  readonly kept?: SharedDocument<KeptFleets>;
  /** What else has numbers for /metrics. */
  readonly meters?: readonly Meter[];
}
