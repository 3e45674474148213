import type { ScalingPolicy } from "../../config/config";
import type { ChainEntry, CountRule, WebhookRule } from "../../config/scaling-chain";
import { windowState } from "./schedule-window";
import { shareOfText } from "./share-text";

/** What the chain may look at. */
export interface ChainSeen {
  /** Servers that are up, starting, or out of sight for the moment. */
  readonly have: number;
  readonly counts: (kind: "counter" | "list", key: string) => CountSeen;
  readonly advice: (url: string) => Advice | undefined;
  /** So many servers stay until this webhook has answered, as nobody knows what it said to the leader before. */
  readonly unheard: (url: string) => number;
}

/** A counter or list over all servers that are up. */
export interface CountSeen {
  readonly count: number;
  readonly capacity: number;
  /** Capacity of one server: their mean, or what a new one begins with. */
  readonly perServer: number;
  /** Capacity that starting servers will bring. */
  readonly coming: number;
}

/** The last good answer of a webhook, kept until there is a newer one. */
export interface Advice {
  readonly scale: boolean;
  readonly replicas: number;
  readonly atMs: number;
  /** It was told to the leader before. */
  readonly before?: true;
}

/** What is kept ready by the entry that decides, or by `buffer` where none applies. */
export interface ChainVerdict {
  /** Name of the entry; null where none applies. */
  readonly entry: string | null;
  readonly buffer: ScalingPolicy["buffer"];
  /** So many servers at least, and why. */
  readonly keep: { readonly servers: number; readonly reason: string } | null;
  readonly min: number;
  readonly max: number;
  /** So many servers at least that there are do not go, and why. */
  readonly stay: { readonly servers: number; readonly reason: string } | null;
  /** Entries before it, and why they did not apply. */
  readonly passed: readonly string[];
  /** Webhooks that are asked what they think now. */
  readonly consult: readonly WebhookRule[];
  /** When an entry begins or ends to apply. */
  readonly changesAtMs: number;
}

const NO_BUFFER = { kind: "servers", servers: 0 } as const;

/** Walks the chain to the first entry that applies. Source: Agones, `applyChainPolicy` in `pkg/fleetautoscalers`. */
export function followChain(policy: ScalingPolicy, seen: ChainSeen, nowMs: number): ChainVerdict {
  const passed: string[] = [];
  const consult: WebhookRule[] = [];
  let changesAtMs = Infinity;
  let stay: ChainVerdict["stay"] = null;
  for (const [index, entry] of policy.chain.entries()) {
    const name = entry.id ?? String(index + 1);
    const window = windowState(entry.schedule, nowMs);
    changesAtMs = Math.min(changesAtMs, window.changesAtMs);
    if (!window.active) {
      passed.push(`${name} does not apply ${untilText(window.changesAtMs)}`);
      continue;
    }
    if (entry.webhook) consult.push(entry.webhook);
    const ruled = rule(entry, seen, nowMs);
    if (!ruled) {
      passed.push(`${name} has had no good answer from its webhook`);
      const servers = entry.webhook ? seen.unheard(entry.webhook.url) : 0;
      if (servers > (stay?.servers ?? 0)) stay = { servers, reason: stayText(name, servers) };
      continue;
    }
    const { min = 0, max = Infinity, ...rest } = ruled;
    const most = Math.max(max, stay?.servers ?? 0);
    return { entry: name, min, max: most, ...rest, stay, passed, consult, changesAtMs };
  }
  const { buffer } = policy;
  return { entry: null, buffer, keep: null, min: 0, max: Infinity, stay, passed, consult, changesAtMs };
}

function stayText(entry: string, servers: number): string {
  return `the ${String(servers)} servers that this leader found stay until the webhook of entry ${entry} has answered it, as what that said before is not known`;
}

type Ruled = Pick<ChainVerdict, "buffer" | "keep"> & Partial<Pick<ChainVerdict, "min" | "max">>;

function rule(entry: ChainEntry, seen: ChainSeen, nowMs: number): Ruled | undefined {
  if (entry.buffer) {
    const { bufferSize, minReplicas = 0, maxReplicas = Infinity } = entry.buffer;
    return { buffer: readyBuffer(bufferSize), keep: null, min: minReplicas, max: maxReplicas };
  }
  if (entry.counter) return { buffer: NO_BUFFER, keep: forCount("counter", entry.counter, seen) };
  if (entry.list) return { buffer: NO_BUFFER, keep: forCount("list", entry.list, seen) };
  const advice = entry.webhook && seen.advice(entry.webhook.url);
  if (!advice) return undefined;
  const ago = advice.before
    ? "as it answered the leader before"
    : `answered ${String(Math.round((nowMs - advice.atMs) / 1000))} s ago`;
  const keep = advice.scale
    ? { servers: advice.replicas, reason: `its webhook, ${ago}, wants ${String(advice.replicas)} servers` }
    : { servers: seen.have, reason: `its webhook, ${ago}, wants no change` };
  return { buffer: NO_BUFFER, keep };
}

/** A share is of all servers, free ones included: with 20 % free of the whole there are 25 % free of what is in use. */
export function readyBuffer(size: number | string): ScalingPolicy["buffer"] {
  const share = shareOfText(size);
  return share === undefined
    ? { kind: "servers", servers: Number(size) }
    : { kind: "share", share: share / (1 - share) };
}

/**
 * So many servers that what is left of the capacity is the buffer, the capacity within its bounds.
 * Source: Agones, `applyCounterOrListPolicy`.
 */
function forCount(kind: "counter" | "list", of: CountRule, seen: ChainSeen): NonNullable<ChainVerdict["keep"]> {
  const { count, capacity, coming, perServer } = seen.counts(kind, of.key);
  const share = shareOfText(of.bufferSize);
  const wanted = share === undefined ? count + Number(of.bufferSize) : count / (1 - share);
  const bounded = Math.min(Math.max(wanted, of.minCapacity ?? 0), of.maxCapacity ?? Infinity);
  const missing = bounded - capacity - coming;
  // Not one too many for the way that a share is rounded.
  const inServers = missing / perServer;
  const more = missing > 0 ? Math.ceil(inServers - 1e-9) : -Math.floor(-inServers + 1e-9);
  // Where servers say only once they are up what they have, the first shows it; until then more would help as little.
  const servers = perServer > 0 ? seen.have + more : missing > 0 ? Math.max(1, seen.have) : seen.have;
  const size = share === undefined ? String(of.bufferSize) : `${String(Math.round(share * 1000) / 10)} %`;
  const reason = `${kind} ${of.key} has ${String(count)} of ${String(capacity)} in use and ${size} shall be left${
    coming > 0 ? `; ${String(coming)} more are starting` : ""
  }`;
  return { servers: Math.max(0, servers), reason };
}

function untilText(ms: number): string {
  return Number.isFinite(ms) ? `before ${new Date(ms).toISOString()}` : "any more";
}
