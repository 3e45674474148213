import type { Cursor } from "../ledger/claims";
import type { ConfigValue } from "../model/nomad-job";
import { namesServiceVariable, REFERENCE } from "./environment";
import { isComposed } from "./table";

/** `command` and `args`; the driver's own `command` would be put behind the image's entry point. */
export function programOf(
  container: Cursor,
  names: ReadonlySet<string>,
  target: (path: string) => string,
): Record<string, ConfigValue> {
  const config: Record<string, ConfigValue> = {};
  for (const [field, key] of [
    ["command", "entrypoint"],
    ["args", "args"],
  ] as const) {
    const words = container.get(field);
    words.converted(target(`config.${key}`));
    if (!words.present) continue;
    config[key] = words.items().map((word) => {
      const text = word.text() ?? "";
      const { replaced, hasVariable } = argument(text, names);
      if (hasVariable) word.note("argumentVariable", target(`config.${key}`));
      if (namesServiceVariable(text, names)) word.note("serviceVariable", target(`config.${key}`));
      if (!isComposed(text)) word.note("composed", target(`config.${key}`));
      return replaced;
    });
  }
  return config;
}

/**
 * A word of a program as the driver's configuration has it: `$(NAME)` of a known variable is `${NAME}`, which Nomad replaces from
 * the task's environment, `$$` is `$`, and all else means itself.
 */
export function argument(text: string, names: ReadonlySet<string>): { replaced: string; hasVariable: boolean } {
  let replaced = "";
  let literal = "";
  let rest = 0;
  let hasVariable = false;
  for (const match of text.matchAll(REFERENCE)) {
    const [whole, name] = match;
    literal += text.slice(rest, match.index);
    rest = match.index + whole.length;
    if (name === undefined) literal += "$";
    else if (names.has(name)) {
      // What is replaced must not come to stand within an escape: `$` and `${NAME}` would be one, as would two of three `$`.
      replaced += driverText(literal).replace(/[$%]+$/, (signs) => `\${"${signs}"}`);
      replaced += /^[A-Za-z_]\w*$/.test(name) ? `\${${name}}` : `\${env[${JSON.stringify(name)}]}`;
      literal = "";
      hasVariable = true;
    } else literal += whole;
  }
  return { replaced: replaced + driverText(literal + text.slice(rest)), hasVariable };
}

/** Text that means itself in a driver's configuration: on the node, Nomad reads each text of it as a template of HCL. */
function driverText(text: string): string {
  return text.replace(/\$\{|%\{/g, (opening) => `${opening[0] ?? ""}${opening}`);
}

/** The same for all texts within. */
export function driverLiteral(value: unknown): unknown {
  if (typeof value === "string") return driverText(value);
  if (Array.isArray(value)) return value.map(driverLiteral);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, driverLiteral(each)]));
}
