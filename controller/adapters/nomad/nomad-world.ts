import type { Logger } from "pino";
import type { Clock } from "../../../protocol/clock";

/** What the engine on Nomad is given from outside. */
export interface NomadWorld {
  readonly region: string;
  readonly clock: Clock;
  readonly log: Pick<Logger, "info" | "warn">;
  /** 0 to 1, for jitter. */
  readonly random: () => number;
}
