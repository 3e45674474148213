import type { Logger } from "pino";
import type { Clock } from "../../../protocol/clock";
import { EngineError, type Engine } from "../../engine";
import type { NomadEngineConfig } from "./nomad-config";

export interface ConnectNomadDeps {
  readonly region: string;
  readonly clock: Clock;
  readonly log: Pick<Logger, "info" | "warn">;
  /** 0 to 1, for jitter. */
  readonly random: () => number;
}

/** Connects to the Nomad that runs a region's servers. */
export function connectNomad({ address }: NomadEngineConfig, { region }: ConnectNomadDeps): Promise<Engine> {
  const message = `region ${region} names Nomad at ${address}, which this version cannot drive yet: use engine "embedded"`;
  return Promise.reject(new EngineError("engineUnavailable", message));
}
