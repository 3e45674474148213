import type { Network, NomadJob, Scaling } from "../model/nomad-job";
import { type Field, JOB, type Shape } from "./shapes";

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
type JsonObject = { readonly [key: string]: Json };
type Values = Readonly<Record<string, unknown>>;

/** The body of `PUT /v1/jobs`, which `nomad job run -json` takes as well. */
export function jobJson(job: NomadJob): JsonObject {
  const body = objectOf(job as unknown as Values, JOB);
  const periodic = body["Periodic"] as JsonObject | undefined;
  return {
    Job: {
      ...body,
      Name: job.id,
      ...(periodic === undefined ? {} : { Periodic: { SpecType: "cron", ...periodic } }),
      TaskGroups: [body["TaskGroups"] as JsonObject],
    },
  };
}

/** The job as it is written to a file. */
export function renderJobJson(job: NomadJob): string {
  return `${JSON.stringify(jobJson(job), null, 2)}\n`;
}

function objectOf(values: Values, shape: Shape): JsonObject {
  const out: Record<string, Json> = {};
  if (shape.label !== undefined) out[shape.label.json] = values[shape.label.key] as string;
  for (const [key, field] of Object.entries(shape.fields)) {
    const json = jsonOf(values[key], field);
    if (json !== undefined) out[field.json] = json;
  }
  return out;
}

function jsonOf(value: unknown, { as, shape }: Field): Json | undefined {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return undefined;
  switch (as) {
    case "duration":
      return Math.round((value as number) * 1e9);
    case "block":
      return objectOf(value as Values, shape as Shape);
    case "blocks":
      return listOf(value as readonly Values[], shape as Shape);
    case "map":
    case "headers":
      return Object.keys(value as object).length === 0 ? undefined : (value as JsonObject);
    case "ports":
      return [networkOf(value as Network)];
    case "scaling":
      return scalingOf(value as Scaling);
    case "config":
    case "value":
      return value as Json;
  }
}

function listOf(values: readonly Values[], shape: Shape): Json {
  const objects = values.map((each) => objectOf(each, shape));
  if (shape.isMap !== true) return objects;
  return Object.fromEntries(objects.map((each) => [each[shape.label?.json ?? ""] as string, each]));
}

function networkOf({ mode, hostname, dns, ports }: Network): JsonObject {
  const port = (each: Network["ports"][number]): JsonObject => ({
    Label: each.label,
    ...(each.static === undefined ? {} : { Value: each.static }),
    ...(each.to === undefined ? {} : { To: each.to }),
  });
  const reserved = ports.filter((each) => each.static !== undefined).map(port);
  const dynamic = ports.filter((each) => each.static === undefined).map(port);
  return {
    Mode: mode,
    ...(hostname === undefined ? {} : { Hostname: hostname }),
    ...(dns === undefined
      ? {}
      : {
          DNS: {
            ...(dns.servers === undefined ? {} : { Servers: dns.servers }),
            ...(dns.searches === undefined ? {} : { Searches: dns.searches }),
            ...(dns.options === undefined ? {} : { Options: dns.options }),
          },
        }),
    ...(reserved.length === 0 ? {} : { ReservedPorts: reserved }),
    ...(dynamic.length === 0 ? {} : { DynamicPorts: dynamic }),
  };
}

/** Nomad keeps the policy as the Autoscaler reads it: each block a list of one map. */
function scalingOf({ enabled, min, max, checks, cooldown }: Scaling): JsonObject {
  const policy = {
    ...(cooldown === undefined ? {} : { cooldown: `${cooldown}s` }),
    ...(checks.length === 0
      ? {}
      : {
          check: checks.map(({ name, query, target }) => ({
            [name]: [{ source: "nomad-apm", query, strategy: [{ "target-value": [{ target }] }] }],
          })),
        }),
  };
  return {
    Type: "horizontal",
    Enabled: enabled,
    Min: min,
    Max: max,
    ...(Object.keys(policy).length === 0 ? {} : { Policy: policy }),
  };
}
