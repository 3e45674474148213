import { didYouMean } from "./names";
import type { Path } from "./problem";
import { forgeTomlSchema, type ForgeToml } from "./schema";
import { findingsOf, knownKeys, pathOf, schemaAt, valueAt, type Finding, type Issue } from "./wording";

export interface SchemaResult {
  readonly findings: readonly Finding[];
  /**
   * The file with what was wrong taken out, so that rules over several keys still find their own problems in the same
   * run; undefined where not enough is left. Never to be run with while there are findings.
   */
  readonly toml: ForgeToml | undefined;
  /** What was taken out: rules must not complain of it again. */
  readonly removed: readonly Path[];
}

/** Holds a parsed document against the schema. */
export function checkSchema(document: unknown): SchemaResult {
  const first = forgeTomlSchema.safeParse(document);
  if (first.success) return { findings: [], toml: first.data, removed: [] };
  const findings = first.error.issues.flatMap((issue) => findingsOf(flatten(issue), document));
  const removed: Path[] = [];
  let rest = structuredClone(document);
  let parsed: ReturnType<typeof forgeTomlSchema.safeParse> = first;
  // Each pass removes something or stops, and a document is only so deep; most need one pass.
  for (let pass = 0; pass < 8 && !parsed.success; pass++) {
    for (const issue of parsed.error.issues) removed.push(...takeOut(rest, flatten(issue)));
    parsed = forgeTomlSchema.safeParse(rest);
    if (removed.some((path) => path.length === 0)) rest = {};
  }
  return { findings, toml: parsed.success ? parsed.data : undefined, removed };
}

/** Of a union's issue, the one of the alternative that was meant: the first whose type at least fits. */
function flatten(issue: Issue): Issue {
  if (issue.code !== "invalid_union") return issue;
  for (const issues of issue.errors) {
    const inner = issues[0];
    if (inner === undefined || (inner.path.length === 0 && inner.code !== "unrecognized_keys" && !isRefined(inner)))
      continue;
    return flatten({ ...inner, path: [...issue.path, ...inner.path] });
  }
  return issue;
}

/** The type fits but the value does not: what a pattern or range says is more use than "none of these". */
function isRefined(issue: Issue): boolean {
  return ["invalid_format", "too_small", "too_big", "custom"].includes(issue.code);
}

/** What `rest` needs where a key that must be there was wrong, so that the table around it can still be checked. */
const STAND_INS: Readonly<Record<string, unknown>> = {
  name: "unnamed",
  url: "http://localhost/",
  events: ["server.spawned"],
  max_players: 1,
  per: "server",
  protocol: "udp",
};

/** Removes what an issue is about from the document; returns the paths removed. */
function takeOut(document: unknown, issue: Issue): Path[] {
  const path = pathOf(issue);
  if (issue.code === "unrecognized_keys") {
    return issue.keys.flatMap((key) => {
      // What a misspelt key was meant to say is as unknown as if it had been wrong.
      const meant = didYouMean(key, knownKeys(path));
      return [remove(document, [...path, key]), ...(meant === undefined ? [] : [[...path, meant]])];
    });
  }
  const key = path.at(-1);
  const parent = valueAt(document, path.slice(0, -1));
  const required =
    typeof key === "string" && schemaAt(path.slice(0, -1)).some((schema) => schema.required?.includes(key) === true);
  if (required && typeof parent === "object" && parent !== null && Object.hasOwn(STAND_INS, key)) {
    (parent as Record<string, unknown>)[key] = STAND_INS[key];
    return [path];
  }
  return [remove(document, required || Array.isArray(parent) ? path.slice(0, -1) : path)];
}

function remove(document: unknown, path: Path): Path {
  const parent = valueAt(document, path.slice(0, -1));
  const key = path.at(-1);
  if (key !== undefined && typeof parent === "object" && parent !== null) Reflect.deleteProperty(parent, key);
  return path;
}
