import type { ConfigBlock, ConfigValue, Network, NomadJob, Scaling } from "../model/nomad-job";
import { durationText, HclWriter, keyOf, quoted, textOf } from "./hcl-text";
import { type Field, JOB, type Shape } from "./shapes";

type Values = Readonly<Record<string, unknown>>;

/** The job as people read it: the same as `jobJson`, with what to know about it as comments. */
export function renderJobHcl(job: NomadJob): string {
  const out = new HclWriter();
  for (const note of job.notes) out.comment(note);
  writeBlock(out, "job", job as unknown as Values, JOB);
  return out.text;
}

function writeBlock(out: HclWriter, name: string, values: Values, shape: Shape): void {
  const label = shape.label === undefined ? "" : ` ${quoted(values[shape.label.key] as string)}`;
  if (name !== "job") for (const note of (values["notes"] as readonly string[] | undefined) ?? []) out.comment(note);
  out.block(`${name}${label}`, () => {
    for (const [key, field] of Object.entries(shape.fields)) writeField(out, values[key], field);
  });
}

function writeField(out: HclWriter, value: unknown, { hcl, as, shape }: Field): void {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return;
  switch (as) {
    case "duration":
      out.attribute(hcl, quoted(durationText(value as number)));
      break;
    case "block":
      writeBlock(out, hcl, value as Values, shape as Shape);
      break;
    case "blocks":
      for (const each of value as readonly Values[]) writeBlock(out, hcl, each, shape as Shape);
      break;
    case "map":
    case "headers":
      writeMap(out, hcl, value as Values);
      break;
    case "ports":
      writeNetwork(out, value as Network);
      break;
    case "scaling":
      writeScaling(out, value as Scaling);
      break;
    case "config":
      out.block(hcl, () => {
        for (const [key, each] of Object.entries(value as Readonly<Record<string, ConfigValue>>))
          writeConfig(out, key, each);
      });
      break;
    case "value":
      out.attribute(hcl, valueText(value));
  }
}

function valueText(value: unknown): string {
  if (typeof value === "string") return textOf(value);
  if (Array.isArray(value)) return `[${value.map((each) => quoted(String(each))).join(", ")}]`;
  return String(value);
}

/** As `valueText`, on one line: within a map a here-document would need a line break behind it that is not there. */
function lineText(value: unknown): string {
  return typeof value === "string" ? quoted(value) : valueText(value);
}

function writeMap(out: HclWriter, name: string, values: Values): void {
  const entries = Object.entries(values);
  if (entries.length === 0) return;
  // An attribute of a block cannot be in quotes: where a name needs them, all are written as a map.
  const isMap = entries.some(([key]) => keyOf(key).startsWith('"'));
  out.block(isMap ? `${name} =` : name, () => {
    for (const [key, value] of entries) out.attribute(key, isMap ? lineText(value) : valueText(value));
  });
}

function writeConfig(out: HclWriter, key: string, value: ConfigValue | ConfigBlock[string]): void {
  if (Array.isArray(value) && value.length > 0 && typeof value[0] === "object") {
    for (const each of value as readonly ConfigBlock[]) {
      out.block(key, () => {
        for (const [name, inner] of Object.entries(each)) writeConfig(out, name, inner);
      });
    }
  } else if (Array.isArray(value)) {
    if (value.length <= 1) out.attribute(key, valueText(value));
    else {
      out.line(`${keyOf(key)} = [`);
      for (const each of value) out.line(`  ${quoted(String(each))},`);
      out.line("]");
    }
  } else if (typeof value === "object") {
    out.line(`${keyOf(key)} = {`);
    for (const [name, each] of Object.entries(value as Readonly<Record<string, string>>)) {
      out.line(`  ${quoted(name)} = ${quoted(each)}`);
    }
    out.line("}");
  } else out.attribute(key, valueText(value));
}

function writeNetwork(out: HclWriter, { mode, hostname, dns, ports }: Network): void {
  out.block("network", () => {
    out.attribute("mode", quoted(mode));
    if (hostname !== undefined) out.attribute("hostname", quoted(hostname));
    if (dns !== undefined) {
      out.block("dns", () => {
        if (dns.servers !== undefined) out.attribute("servers", valueText(dns.servers));
        if (dns.searches !== undefined) out.attribute("searches", valueText(dns.searches));
        if (dns.options !== undefined) out.attribute("options", valueText(dns.options));
      });
    }
    for (const port of ports) {
      out.block(`port ${quoted(port.label)}`, () => {
        if (port.static !== undefined) out.attribute("static", String(port.static));
        if (port.to !== undefined) out.attribute("to", String(port.to));
      });
    }
  });
}

function writeScaling(out: HclWriter, { enabled, min, max, checks, cooldown }: Scaling): void {
  out.block("scaling", () => {
    out.attribute("enabled", String(enabled));
    out.attribute("min", String(min));
    out.attribute("max", String(max));
    if (checks.length === 0 && cooldown === undefined) return;
    out.block("policy", () => {
      if (cooldown !== undefined) out.attribute("cooldown", quoted(`${cooldown}s`));
      for (const { name, query, target } of checks) {
        out.block(`check ${quoted(name)}`, () => {
          out.attribute("source", quoted("nomad-apm"));
          out.attribute("query", quoted(query));
          out.block(`strategy ${quoted("target-value")}`, () => out.attribute("target", String(target)));
        });
      }
    });
  });
}
