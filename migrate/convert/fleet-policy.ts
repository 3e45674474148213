import { disordersOf } from "../../config/chain-order";
import { resolveChainEntry } from "../../config/resolve-experience";
import { scalingPolicySchema } from "../../config/scaling-schema";
import type { Cursor } from "../ledger/claims";
import type { Code } from "../ledger/codes";
import type { FleetState } from "./fleet-state";

/** A FleetAutoscaler's policy as an entry of `[[experiences.NAME.scaling.chain]]`. */
export interface ChainEntry {
  readonly table: Readonly<Record<string, unknown>>;
  /** Servers that the policy may ask for; undefined where nothing bounds it. */
  readonly min: number;
  readonly max: number | undefined;
}

/** What an entry is made of, and what is to be said of each place that it came from once it is known to be good. */
interface Reading extends ChainEntry {
  readonly used: readonly (readonly [Cursor, Code])[];
}

const SECONDS_OF: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 1e-3, us: 1e-6, µs: 1e-6, ns: 1e-9 };
const PORT_OF_WEBHOOK = 8000;

/**
 * The entry that the policy is, with its fields accounted for; undefined, and said so in the ledger, where the chain of
 * forge.toml takes no such policy. Names and defaults are those of Agones' `fleetautoscaler.go`.
 */
export function chainEntryOf(policy: Cursor, state: FleetState, target: string): ChainEntry | undefined {
  const reading = entryOf(policy, state, true);
  const id = policy.get("id").text();
  const table = { ...(id === undefined ? {} : { id }), ...reading?.table };
  if (reading === undefined || !isTaken(table)) {
    policy.note("fleetPolicy");
    return undefined;
  }
  policy.get("id").converted(target);
  for (const [at, code] of reading.used) at.note(code, target);
  return { ...reading, table };
}

/** By the schema that forge.toml is read with, and the order that its rules ask for. */
function isTaken(table: Readonly<Record<string, unknown>>): boolean {
  const parsed = scalingPolicySchema.shape.chain.safeParse([table]);
  const [entry] = parsed.data ?? [];
  return entry !== undefined && disordersOf(resolveChainEntry(entry)).length === 0;
}

function entryOf(policy: Cursor, state: FleetState, maySchedule: boolean): Reading | undefined {
  const type = policy.get("type");
  const of = readingOf(type.text(), policy, state, maySchedule);
  return of === undefined ? undefined : { ...of, used: [[type, "converted"], ...of.used] };
}

function readingOf(
  type: string | undefined,
  policy: Cursor,
  state: FleetState,
  maySchedule: boolean,
): Reading | undefined {
  switch (type) {
    case "Buffer":
      return bufferOf(policy.get("buffer"));
    case "Counter":
      return countOf("counter", policy.get("counter"), state.counters);
    case "List":
      return countOf("list", policy.get("list"), state.lists);
    case "Webhook":
      return webhookOf(policy.get("webhook"));
    case "Schedule":
      return maySchedule ? scheduled(policy.get("schedule"), state) : undefined;
    default:
      return undefined;
  }
}

function bufferOf(buffer: Cursor): Reading {
  const [size, least, most] = [buffer.get("bufferSize"), buffer.get("minReplicas"), buffer.get("maxReplicas")];
  const [min, max] = [least.int(), most.int()];
  return {
    table: { buffer: known({ buffer_size: size.intOrText(), min_replicas: min, max_replicas: max }) },
    min: min ?? 0,
    max,
    used: [size, least, most].map((at) => [at, "converted"]),
  };
}

/** Bounds of the capacity of all servers are as many servers as have that much. */
function countOf(
  kind: "counter" | "list",
  rule: Cursor,
  declared: Readonly<Record<string, { readonly capacity: number }>>,
): Reading | undefined {
  const key = rule.get("key");
  const [size, least, most] = [rule.get("bufferSize"), rule.get("minCapacity"), rule.get("maxCapacity")];
  const [name, min, max] = [key.text() ?? "", least.int(), most.int()];
  const capacity = Object.hasOwn(declared, name) ? (declared[name]?.capacity ?? 0) : 0;
  // Agones, too, refuses a key that the Fleet does not declare.
  if (capacity === 0) return undefined;
  return {
    table: { [kind]: known({ key: name, buffer_size: size.intOrText(), min_capacity: min, max_capacity: max }) },
    min: Math.ceil((min ?? 0) / capacity),
    max: max === undefined ? undefined : Math.ceil(max / capacity),
    used: [key, size, least, most].map((at) => [at, "converted"]),
  };
}

function webhookOf(webhook: Cursor): Reading {
  const [url, service, ca] = [webhook.get("url"), webhook.get("service"), webhook.get("caBundle")];
  const scheme = ca.present ? "https" : "http";
  const path = (service.get("path").text() ?? "").replace(/^\/*/, "/");
  const port = service.get("port").int() ?? PORT_OF_WEBHOOK;
  const named = `${scheme}://${service.get("name").text() ?? ""}.service.consul:${port}${path}`;
  return {
    table: { webhook: { url: service.present ? named : url.text() } },
    min: 0,
    max: undefined,
    used: [
      [url, "fleetWebhook"],
      ...["name", "namespace", "path", "port"].map((key) => [service.get(key), "fleetWebhook"] as const),
      [ca, "fleetWebhookCa"],
    ],
  };
}

function scheduled(schedule: Cursor, state: FleetState): Reading | undefined {
  const inner = entryOf(schedule.get("policy"), state, false);
  if (inner === undefined) return undefined;
  const [between, period] = [schedule.get("between"), schedule.get("activePeriod")];
  const [start, end] = [between.get("start"), between.get("end")];
  const [zone, cron, length] = [period.get("timezone"), period.get("startCron"), period.get("duration")];
  const window = known({ start: start.text(), end: end.text() });
  const active = known({
    // Agones, too, takes no zone as UTC.
    timezone: zone.text() || undefined,
    start_cron: cron.text() || undefined,
    duration_secs: secondsOf(length.text()),
  });
  const table = {
    ...(Object.keys(window).length === 0 ? {} : { between: window }),
    ...(Object.keys(active).length === 0 ? {} : { active_period: active }),
  };
  return {
    ...inner,
    table: { ...inner.table, schedule: table },
    used: [...inner.used, ...[start, end, zone, cron, length].map((at) => [at, "converted"] as const)],
  };
}

/** Of Go's durations, `6h30m`; NaN for any other text, which the schema refuses. */
function secondsOf(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  if (!/^(\d+(\.\d+)?(h|ms|us|µs|ns|m|s))+$/.test(text)) return NaN;
  const parts = text.matchAll(/(\d+(?:\.\d+)?)(h|ms|us|µs|ns|m|s)/g);
  return [...parts].reduce((sum, [, amount, unit]) => sum + Number(amount) * (SECONDS_OF[unit ?? ""] ?? NaN), 0);
}

function known(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
