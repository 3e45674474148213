import type { Template } from "../model/nomad-job";
import { guarded } from "./pod-context";
import { isComposed } from "./table";

/** A variable's value: text, expressions of the template language, and `${…}` that Nomad is meant to replace. */
export type Part = string | { readonly expression: string } | { readonly nomad: string };

export interface Variable {
  readonly parts: readonly Part[];
  /** Written only where this condition of the template language holds. */
  readonly condition?: string;
  /** It comes with all of its Secret. */
  readonly isInRange?: boolean;
}

/** What Nomad replaces in `env` where it knows the name, by Nomad's `ReplaceEnv`; what a template writes it leaves alone. */
export const NOMAD_REPLACES = /\$\{[A-Za-z0-9_.-]+\}/;

/** Names that Nomad reads from a template; one with another sign, such as `-`, fails the task for good. */
const TEMPLATE_NAME = "^[A-Za-z0-9_.]*$";

/** Whether a variable can be written: any name by itself, not every one by a template. */
export function isWritable(name: string, { parts, condition }: Variable): boolean {
  return isTemplateName(name) || (condition === undefined && !needsTemplate(parts));
}

export function isTemplateName(name: string): boolean {
  return new RegExp(TEMPLATE_NAME).test(name);
}

/** The lines of a template for all keys of `map`, an expression, but those that Nomad takes for no name. */
export function rangeOf(map: string, prefix: string, value: string): string {
  const line = `${prefix}{{ $key }}={{ ${value} | toJSON }}\n`;
  return `{{ range $key, $value := ${map} }}{{ if $key | regexMatch ${JSON.stringify(TEMPLATE_NAME)} }}${line}{{ end }}{{ end }}`;
}

/** What is written of the variables: literals, and the template for the rest. */
export interface WrittenEnvironment {
  /** Every variable whose name is known here. */
  readonly names: ReadonlySet<string>;
  readonly env: Readonly<Record<string, string>>;
  readonly templates: readonly Template[];
}

export function writeEnvironment(
  variables: ReadonlyMap<string, Variable>,
  ranges: readonly string[],
): WrittenEnvironment {
  const env: [string, string][] = [];
  const lines: string[] = [...ranges];
  for (const [name, { parts, condition, isInRange }] of variables) {
    if (isInRange === true) continue;
    if (condition === undefined && !needsTemplate(parts)) {
      env.push([name, parts.map((part) => (typeof part === "string" ? part : textOf(part))).join("")]);
      continue;
    }
    const words = parts.map(wordOf);
    const text = `{{ printf ${JSON.stringify("%v".repeat(words.length))} ${words.join(" ")} | toJSON }}`;
    const line = guarded(`${name}=${text}`);
    lines.push(condition === undefined ? line : `{{ if ${condition} }}${line}{{ end }}`);
  }
  const names = new Set(variables.keys());
  if (lines.length === 0) return { names, env: Object.fromEntries(env), templates: [] };
  const data = `${lines.join("\n")}\n`;
  // Kubernetes gives a running container no new environment, so a changed secret restarts nothing.
  const template = { data, destination: "secrets/environment.env", env: true, changeMode: "noop" } as const;
  return { names, env: Object.fromEntries(env), templates: [template] };
}

/** Parts of Nomad can be written as `env` alone. */
function needsTemplate(parts: readonly Part[]): boolean {
  if (parts.some((part) => typeof part !== "string" && "expression" in part)) return true;
  const texts = parts.filter((part) => typeof part === "string");
  const text = texts.join("");
  return texts.length === parts.length && (NOMAD_REPLACES.test(text) || !isComposed(text));
}

export function textOf(part: Exclude<Part, string>): string {
  return "nomad" in part ? part.nomad : part.expression;
}

/** One word of `printf`. Templates know Nomad's variables, though nothing of its nodes. */
function wordOf(part: Part): string {
  if (typeof part === "string") return goText(part);
  if ("expression" in part) return `(${part.expression})`;
  const name = /^\$\{(NOMAD_\w+)\}$/.exec(part.nomad)?.[1];
  return name === undefined ? goText(part.nomad) : `(env ${goText(name)})`;
}

/** Text in Go's quotes, which are JSON's; what HCL would compose is written as Go's escapes. */
function goText(text: string): string {
  const quoted = JSON.stringify(text);
  if (isComposed(text)) return quoted;
  // eslint-disable-next-line no-control-regex
  return quoted.replace(/[^\x00-\x7f]/gu, (char) => `\\U${(char.codePointAt(0) ?? 0).toString(16).padStart(8, "0")}`);
}
