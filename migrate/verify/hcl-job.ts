import { jobJson } from "../emit/job-json";
import { type Field, JOB, type Shape } from "../emit/shapes";
import type { Network, NomadJob, Port, Scaling } from "../model/nomad-job";
import type { Json } from "./finding";
import { type HclBlock, HclError, type HclValue, readHcl } from "./read-hcl";

/**
 * The job of an HCL file as Nomad's JSON, read back by the tables that wrote it.
 * @throws {HclError} where it is not as `forge migrate` writes it
 */
export function jsonOfHcl(text: string): Json {
  const [block, ...more] = readHcl(text);
  if (block?.type !== "job" || more.length > 0) throw new HclError("one job was expected", 1);
  const values = valuesOf(block, JOB);
  return (jobJson({ notes: [], ...values } as unknown as NomadJob) as { readonly Job: Json }).Job;
}

function valuesOf({ label, attributes, blocks }: HclBlock, shape: Shape): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  if (shape.label !== undefined) out[shape.label.key] = label ?? "";
  const known = new Set<string>();
  for (const [key, field] of Object.entries(shape.fields)) {
    known.add(field.hcl);
    const value = valueOf(
      field,
      attributes.get(field.hcl),
      blocks.filter(({ type }) => type === field.hcl),
    );
    if (value !== undefined) out[key] = value;
  }
  const stranger = [...attributes.keys(), ...blocks.map(({ type }) => type)].find((name) => !known.has(name));
  if (stranger !== undefined) throw new HclError(`"${stranger}" is nothing that forge migrate writes`, 1);
  return out;
}

function valueOf({ as, shape }: Field, attribute: HclValue | undefined, blocks: readonly HclBlock[]): unknown {
  const [block] = blocks;
  switch (as) {
    case "value":
      return attribute === undefined ? undefined : plain(attribute);
    case "duration":
      return attribute === undefined ? undefined : secondsOf(textIn(attribute));
    case "blocks":
      return blocks.map((each) => valuesOf(each, shape as Shape));
    case "block":
      return block && valuesOf(block, shape as Shape);
    case "map":
    case "headers":
      return block === undefined && attribute === undefined ? {} : mapOf(attribute, block);
    case "ports":
      return block && networkOf(block);
    case "scaling":
      return block && scalingOf(block);
    case "config":
      return block && configOf(block);
  }
}

function plain(value: HclValue): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, each]) => [key, plain(each as HclValue)]));
  return Array.isArray(value) ? value.map(plain) : value;
}

function mapOf(attribute: HclValue | undefined, block: HclBlock | undefined): unknown {
  return plain(attribute ?? block?.attributes ?? new Map());
}

function textIn(value: HclValue | undefined): string {
  if (typeof value === "string") return value;
  throw new HclError("a text was expected", 1);
}

/** `30s`, `500ms`, as `durationText` writes them. */
function secondsOf(text: string): number {
  const [, amount, unit] = /^(\d+)(ms|s)$/.exec(text) ?? [];
  if (amount === undefined) throw new HclError(`"${text}" is no duration that forge migrate writes`, 1);
  return unit === "ms" ? Number(amount) / 1000 : Number(amount);
}

/** Blocks within are lists of maps, as drivers take them. */
function configOf({ attributes, blocks }: HclBlock): Record<string, unknown> {
  const out = plain(attributes) as Record<string, unknown>;
  for (const { type } of blocks) out[type] = blocks.filter((each) => each.type === type).map(configOf);
  return out;
}

function networkOf({ attributes, blocks }: HclBlock): Network {
  const dns = blocks.find(({ type }) => type === "dns");
  const ports = blocks
    .filter(({ type }) => type === "port")
    .map(({ label, attributes: of }) => ({ label, ...(plain(of) as object) }) as Port);
  return {
    ...(plain(attributes) as { mode: Network["mode"] }),
    ...(dns === undefined ? {} : { dns: plain(dns.attributes) as object }),
    ports,
  };
}

function scalingOf({ attributes, blocks }: HclBlock): Scaling {
  const [policy] = blocks;
  const cooldown = policy?.attributes.get("cooldown");
  const checks = (policy?.blocks ?? []).map(({ label, attributes: of, blocks: [strategy] }) => ({
    name: label ?? "",
    query: textIn(of.get("query")),
    target: Number(strategy?.attributes.get("target")),
  }));
  return {
    ...(plain(attributes) as Pick<Scaling, "enabled" | "min" | "max">),
    checks,
    ...(cooldown === undefined ? {} : { cooldown: secondsOf(textIn(cooldown)) }),
  };
}
