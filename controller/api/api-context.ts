import type { Clock } from "../../protocol/clock";
import type { AuditLog } from "../audit-log";
import type { CommandValues } from "../core/decision";
import type { CommandType } from "../core/input";
import { ProblemError } from "../problems";
import type { RegionViews } from "../kubernetes/region-views";
import type { Shift } from "../shift/shift";
import type { Tokens } from "../tokens";
import type { ApiBackend, CommandOf, ResultOf } from "./backend";
import type { Caller } from "./caller";
import type { Forwarder } from "./forwarder";
import type { Metrics } from "./metrics";

/** What the routes work with. */
export interface ApiContext {
  readonly backend: ApiBackend;
  readonly tokens: Tokens;
  readonly clock: Clock;
  readonly audit: AuditLog;
  readonly forwarder: Forwarder;
  readonly metrics: Metrics;
  /** Moves new matches from an Agones cluster to this region in steps. */
  readonly shift: Shift | undefined;
  /** This region's servers and fleets as clients of Kubernetes' API see them. */
  readonly kubernetes: RegionViews;
  /** How long `POST /v1/servers?wait=ready` may take. */
  readonly spawnWaitMs: number;
  /** The contract as JSON text. */
  readonly openApi: () => string;
  /** The run's, the one in use first: queue tickets are sealed with it. */
  readonly ticketSecrets: () => readonly string[];
  /** Aborted when the API closes. */
  readonly closing: AbortSignal;
}

/**
 * Asks the core and takes its answer apart.
 * @throws {ProblemError} what the core answered instead
 */
export async function ask<T extends CommandType>(
  { backend }: ApiContext,
  { actor }: Caller,
  command: CommandOf<T>,
): Promise<CommandValues[T]> {
  return valueOf<T>(await backend.command<T>(command, actor));
}

/** @throws {ProblemError} what the core answered instead */
export function valueOf<T extends CommandType>(result: ResultOf<T>): CommandValues[T] {
  if (result.ok) return result.value;
  const { code, detail, retryAfterSecs, info } = result.problem;
  throw new ProblemError(code, detail, { retryAfterSecs, info });
}
