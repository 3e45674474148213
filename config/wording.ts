import { forgeTomlJsonSchema, type JsonSchema } from "./json-schema";
import { asName, didYouMean } from "./names";
import { formatPath, type Path, type Problem } from "./problem";
import type { z } from "zod";

export type Issue = z.core.$ZodIssue;

/** A problem before its place in the file is known. */
export type Finding = Omit<Problem, "path" | "line" | "column"> & { readonly path: Path };

/** What zod found, in words: the place, what is wrong there, what to write instead. */
export function findingsOf(issue: Issue, document: unknown): Finding[] {
  const path = pathOf(issue);
  const value = valueAt(document, path);
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => unknownKey([...path, key], valueAt(document, [...path, key])));
    case "invalid_key": {
      const [problem, fix] = lines(issue.issues[0]?.message ?? issue.message);
      const name = asName(String(path.at(-1)));
      return [
        {
          path,
          value: undefined,
          problem: `the name ${problem}`,
          fix: name === undefined ? fix : `write ${name}; ${fix}`,
        },
      ];
    }
    case "invalid_type":
      // A message of our own knows better what was meant.
      if (value !== undefined && issue.message.includes("\n")) break;
      return [value === undefined ? missing(path, issue.expected) : wrongType(path, value, issue.expected)];
    case "invalid_value": {
      const choices = issue.values.map((choice) => JSON.stringify(choice));
      const meant = typeof value === "string" ? didYouMean(value, issue.values.map(String)) : undefined;
      const fix =
        meant === undefined
          ? `write ${listed(choices)}`
          : `did you mean ${JSON.stringify(meant)}? Known: ${choices.join(", ")}`;
      if (value === undefined) return [{ path, value, problem: "is required", fix }];
      return [{ path, value, problem: "is not one of the known values", fix }];
    }
    case "too_small":
    case "too_big":
      return [outOfRange(issue, path, value)];
    default:
  }
  const [problem, fix] = lines(issue.message);
  return [{ path, value, problem, fix }];
}

function unknownKey(path: Path, value: unknown): Finding {
  const key = String(path.at(-1));
  const parent = path.slice(0, -1);
  const known = knownKeys(parent);
  const near = didYouMean(key, known);
  const elsewhere = near === undefined ? known.find((table) => knownKeys([...parent, table]).includes(key)) : undefined;
  const fix =
    near !== undefined
      ? `did you mean ${formatPath([...parent, near])}?`
      : elsewhere !== undefined
        ? `did you mean ${formatPath([...parent, elsewhere, key])}?`
        : `remove it; known here: ${known.join(", ")}`;
  return { path, value, problem: "is not a key that forge.toml knows", fix };
}

const EXAMPLES: Readonly<Record<string, string>> = {
  string: 'a string, in quotes: "…"',
  number: "a number, without quotes",
  int: "a whole number, without quotes",
  boolean: "true or false",
  array: "a list: […]",
  tuple: "a list: […]",
  object: "a table: { … }",
  record: "a table: { … }",
};

function missing(path: Path, expected: string): Finding {
  return {
    path,
    value: undefined,
    problem: "is required",
    fix: `add ${String(path.at(-1))} with ${EXAMPLES[expected] ?? expected}`,
  };
}

function wrongType(path: Path, value: unknown, expected: string): Finding {
  const got = Array.isArray(value)
    ? "a list"
    : value instanceof Date
      ? "a date"
      : typeof value === "object"
        ? "a table"
        : `a ${typeof value}`;
  const article = /^[aeiou]/.test(expected) ? "an" : "a";
  const wanted =
    expected === "record" || expected === "object"
      ? "a table"
      : expected === "int"
        ? "a whole number"
        : `${article} ${expected}`;
  const numeric =
    (expected === "number" || expected === "int") && typeof value === "string" && /^-?\d+(?:\.\d+)?$/.test(value);
  const textual = expected === "string" && (typeof value === "number" || typeof value === "boolean");
  const fix = numeric
    ? `write ${value}`
    : textual
      ? `write ${JSON.stringify(String(value))}`
      : `write ${EXAMPLES[expected] ?? expected}`;
  return { path, value, problem: `must be ${wanted}, not ${got}`, fix };
}

function outOfRange(issue: Extract<Issue, { code: "too_small" | "too_big" }>, path: Path, value: unknown): Finding {
  const small = issue.code === "too_small";
  const limit = String(small ? issue.minimum : issue.maximum);
  const unit = issue.origin === "string" ? " characters" : issue.origin === "array" ? " entries" : "";
  if (small && unit !== "" && limit === "1")
    return { path, value, problem: "must not be empty", fix: "write something or remove the key" };
  const bound = issue.inclusive === false ? (small ? "more than" : "less than") : small ? "at least" : "at most";
  const range = rangeAt(path);
  const fix = unit === "" && range !== undefined ? `write a number ${range}` : `write ${bound} ${limit}${unit}`;
  return { path, value, problem: `must be ${bound} ${limit}${unit}`, fix };
}

/** "from 1 to 10000", as far as the schema bounds it. */
function rangeAt(path: Path): string | undefined {
  const { minimum, exclusiveMinimum, maximum } = schemaAt(path)[0] ?? {};
  const low =
    minimum === undefined
      ? exclusiveMinimum === undefined
        ? undefined
        : `above ${exclusiveMinimum}`
      : `from ${minimum}`;
  const high =
    maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER
      ? undefined
      : `${low?.startsWith("above") === true ? "and at most" : "to"} ${maximum}`;
  return low === undefined || high === undefined ? undefined : `${low} ${high}`;
}

/** The keys that a table may have, or for `experiences` and the like, none. */
export function knownKeys(path: Path): readonly string[] {
  return schemaAt(path).flatMap((schema) => Object.keys(schema.properties ?? {}));
}

/** The schemas that apply at a path: more than one where there are alternatives. */
export function schemaAt(path: Path): readonly JsonSchema[] {
  let found: readonly JsonSchema[] = [forgeTomlJsonSchema()];
  for (const key of path) {
    found = found.flatMap((schema) => {
      const next =
        typeof key === "number"
          ? (schema.prefixItems?.[key] ?? schema.items)
          : (schema.properties?.[key] ?? schema.additionalProperties);
      return typeof next === "object" ? (next.anyOf ?? [next]) : [];
    });
  }
  return found;
}

export function pathOf(issue: Issue): Path {
  return issue.path.map((key) => (typeof key === "number" ? key : String(key)));
}

export function valueAt(document: unknown, path: Path): unknown {
  let value = document;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string | number, unknown>)[key];
  }
  return value;
}

function lines(text: string): [string, string] {
  const [problem, fix] = text.split("\n");
  return [problem ?? text, fix ?? "see docs/forge-toml.md"];
}

function listed(choices: readonly string[]): string {
  return choices.length < 2 ? choices.join("") : `${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}`;
}
