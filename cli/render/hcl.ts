/** As much of JSON as Terraform's own JSON syntax has. */
export type TerraformJson =
  string | number | boolean | null | readonly TerraformJson[] | { readonly [key: string]: TerraformJson };

type Table = { readonly [key: string]: TerraformJson };

/**
 * Terraform's JSON of a stack as HCL. CDKTF 0.21 has a writer of its own, whose strings with quotes beside an expression
 * are no HCL; this one knows what Forge's stacks are made of: `BLOCKS` names every key that is a block and not a value.
 */
export function toHcl(stack: TerraformJson): string {
  const { terraform, provider, resource, ...rest } = tableOf(stack);
  const unknown = Object.keys(rest).filter((key) => key !== "//");
  if (unknown.length > 0) throw new Error(`no stack of Forge has had ${unknown.join(", ")}: say how it is written`);
  const blocks = [
    ...(terraform === undefined ? [] : [block("terraform", [], terraformOf(tableOf(terraform)), 0)]),
    ...Object.entries(tableOf(provider ?? {})).flatMap(([name, all]) =>
      listOf(all).map((one) => block("provider", [name], body(tableOf(one), 1), 0)),
    ),
    ...Object.entries(tableOf(resource ?? {})).flatMap(([type, named]) =>
      Object.entries(tableOf(named)).map(([name, one]) => block("resource", [type, name], body(tableOf(one), 1), 0)),
    ),
  ];
  return `${blocks.join("\n\n")}\n`;
}

/** Keys whose tables are blocks, wherever they stand in a resource. */
const BLOCKS: ReadonlySet<string> = new Set(["capabilities", "capability", "dns", "job_acl", "key", "lifecycle"]);
/** Those that have a label: `provisioner "local-exec"`. */
const LABELLED: ReadonlySet<string> = new Set(["provisioner"]);
/** Values that name things instead of being them. */
const REFERENCES: ReadonlySet<string> = new Set(["depends_on", "replace_triggered_by", "ignore_changes", "when"]);

function terraformOf({ backend, required_providers: providers }: Table): readonly string[] {
  const indent = "  ";
  const kept = Object.entries(tableOf(backend ?? {})).map(([name, one]) =>
    block("backend", [name], body(tableOf(one), 2), 1),
  );
  const named = Object.entries(tableOf(providers ?? {})).map(
    ([name, one]) => `${indent.repeat(2)}${name} = ${value(one, 2)}`,
  );
  return [...kept, ...(named.length === 0 ? [] : [block("required_providers", [], named, 1)])];
}

function body(table: Table, depth: number): readonly string[] {
  const indent = "  ".repeat(depth);
  return Object.entries(table).flatMap(([key, inner]): readonly string[] => {
    if (key === "//") return [];
    if (LABELLED.has(key)) {
      return listOf(inner).flatMap((one) =>
        Object.entries(tableOf(one)).map(([label, of]) => block(key, [label], body(tableOf(of), depth + 1), depth)),
      );
    }
    if (BLOCKS.has(key)) return listOf(inner).map((one) => block(key, [], body(tableOf(one), depth + 1), depth));
    return [`${indent}${key} = ${REFERENCES.has(key) ? reference(inner) : value(inner, depth)}`];
  });
}

function block(type: string, labels: readonly string[], lines: readonly string[], depth: number): string {
  const indent = "  ".repeat(depth);
  const head = [type, ...labels.map((label) => JSON.stringify(label))].join(" ");
  return [`${indent}${head} {`, ...lines, `${indent}}`].join("\n");
}

function reference(inner: TerraformJson): string {
  if (isList(inner)) return `[${inner.map(reference).join(", ")}]`;
  return typeof inner === "string" ? inner : JSON.stringify(inner);
}

function value(inner: TerraformJson, depth: number): string {
  if (typeof inner === "string") return template(inner);
  if (inner === null || typeof inner !== "object") return String(inner);
  const deeper = "  ".repeat(depth + 1);
  const close = "  ".repeat(depth);
  if (isList(inner)) {
    if (inner.length === 0) return "[]";
    return `[\n${inner.map((one) => `${deeper}${value(one, depth + 1)},`).join("\n")}\n${close}]`;
  }
  const lines = Object.entries(inner).map(([key, of]) => `${deeper}${JSON.stringify(key)} = ${value(of, depth + 1)}`);
  return lines.length === 0 ? "{}" : `{\n${lines.join("\n")}\n${close}}`;
}

/** A string is a template in both syntaxes; only quoting differs, and not inside of an expression. */
function template(text: string): string {
  let written = "";
  for (let at = 0; at < text.length;) {
    const open = opening(text, at);
    written += quoted(text.slice(at, open));
    const end = open < text.length ? closing(text, open) : open;
    written += text.slice(open, end);
    at = end;
  }
  return `"${written}"`;
}

function quoted(literal: string): string {
  return JSON.stringify(literal).slice(1, -1);
}

/** Where the next expression begins: a `${` or `%{` that is not doubled. */
function opening(text: string, from: number): number {
  for (let at = from; at < text.length - 1; at++) {
    const char = text[at];
    if ((char !== "$" && char !== "%") || text[at + 1] !== "{") continue;
    if (text[at - 1] !== char) return at;
  }
  return text.length;
}

/** Behind the brace that ends an expression; braces in its strings do not count. */
function closing(text: string, open: number): number {
  let depth = 0;
  let inString = false;
  for (let at = open + 1; at < text.length; at++) {
    const char = text[at];
    if (inString && char === "\\") at++;
    else if (char === '"') inString = !inString;
    else if (!inString && char === "{") depth++;
    else if (!inString && char === "}" && --depth === 0) return at + 1;
  }
  throw new Error(`an expression does not end: ${text.slice(open, open + 60)}`);
}

function isList(inner: TerraformJson): inner is readonly TerraformJson[] {
  return Array.isArray(inner);
}

function listOf(inner: TerraformJson): readonly TerraformJson[] {
  return isList(inner) ? inner : [inner];
}

function tableOf(inner: TerraformJson): Table {
  if (typeof inner !== "object" || inner === null || isList(inner)) throw new Error("a table was expected");
  return inner;
}
