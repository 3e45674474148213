/**
 * A fleet's chain of policies: the first entry that applies decides how much is kept ready. The names are those of
 * Agones' FleetAutoscaler (`pkg/apis/autoscaling/v1/fleetautoscaler.go`), durations in seconds.
 */
export interface ChainEntry {
  /** For people; the number of the entry, from 1, unless given. */
  readonly id?: string | undefined;
  /** When it applies; always unless given. */
  readonly schedule?: ScheduleWindow | undefined;
  /** Exactly one of the four. */
  readonly buffer?: BufferRule | undefined;
  readonly counter?: CountRule | undefined;
  readonly list?: CountRule | undefined;
  readonly webhook?: WebhookRule | undefined;
}

export interface ScheduleWindow {
  /** ISO 8601; before `start` and from `end` on it does not apply. */
  readonly between?: { readonly start?: string | undefined; readonly end?: string | undefined } | undefined;
  readonly activePeriod?:
    | {
        /** IANA name; UTC unless given. */
        readonly timezone?: string | undefined;
        /** Five fields; without one it applies all the time. */
        readonly startCron?: string | undefined;
        /** How long it applies from each start; without end unless given. */
        readonly durationSecs?: number | undefined;
      }
    | undefined;
}

export interface BufferRule {
  /** Empty servers kept ready, `5`, or the share of all servers that are, `"20%"`, as Agones counts. */
  readonly bufferSize: number | string;
  readonly minReplicas?: number | undefined;
  readonly maxReplicas?: number | undefined;
}

export interface CountRule {
  readonly key: string;
  /** What is left of the fleet's capacity, `5`, or the share of it, `"20%"`. */
  readonly bufferSize: number | string;
  /** Bounds of the fleet's capacity. */
  readonly minCapacity?: number | undefined;
  readonly maxCapacity?: number | undefined;
}

export interface WebhookRule {
  readonly url: string;
  /** PEM of the authority that signed its certificate, from the folder of forge.toml. */
  readonly caFile?: string | undefined;
  /** Name of the environment variable that holds the secret requests are signed with. */
  readonly secretEnv?: string | undefined;
  /** 5 unless given. */
  readonly timeoutSecs?: number | undefined;
}

/** Seconds that a webhook has to answer unless it says otherwise. */
export const WEBHOOK_TIMEOUT_SECS = 5;

export const CHAIN_KINDS = ["buffer", "counter", "list", "webhook"] as const;
