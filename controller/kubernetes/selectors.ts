import type { KubeObject } from "./objects";

export type Matches = (object: KubeObject) => boolean;

/** A selector that says what it is not. */
export class SelectorError extends Error {}

const KEY = "[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?";
const SET = new RegExp(`^(${KEY})\\s+(in|notin)\\s+\\(([^()]*)\\)$`);
const EQUALS = new RegExp(`^(${KEY})\\s*(==|=|!=)\\s*([-A-Za-z0-9_.]*)$`);
const EXISTS = new RegExp(`^(!?)\\s*(${KEY})$`);
const MAX_LENGTH = 4096;

/**
 * `a=b, c!=d, e in (f,g), h notin (i), j, !k`, as `labelSelector` of a query; an empty one takes all.
 * @throws {SelectorError}
 */
export function labelSelector(text: string): Matches {
  if (text.length > MAX_LENGTH) throw new SelectorError(`a labelSelector has at most ${MAX_LENGTH} characters`);
  const terms = splitTerms(text).map(labelTerm);
  return ({ metadata }) => terms.every((term) => term(metadata.labels ?? {}));
}

/** Of fields only the name can be selected by, as of every custom resource. @throws {SelectorError} */
export function fieldSelector(text: string): Matches {
  const terms = text
    .split(",")
    .filter((term) => term.trim() !== "")
    .map((term): Matches => {
      const match = /^\s*metadata\.(name|namespace)\s*(==|=|!=)\s*([^=!,\s]*)\s*$/.exec(term);
      if (!match) throw new SelectorError(`fieldSelector ${quoted(term)}: only metadata.name and metadata.namespace`);
      const [, field, operator, value] = match;
      return ({ metadata }) => (metadata[field as "name" | "namespace"] === value) === (operator !== "!=");
    });
  return (object) => terms.every((term) => term(object));
}

type LabelTerm = (labels: Readonly<Record<string, string>>) => boolean;

/** As Kubernetes has it: what has no such label satisfies `!=` and `notin`. */
function labelTerm(text: string): LabelTerm {
  const set = SET.exec(text);
  if (set) {
    const [, key = "", operator, list = ""] = set;
    const values = new Set(list.split(",").map((value) => value.trim()));
    return (labels) => (own(labels, key) !== undefined && values.has(labels[key] ?? "")) === (operator === "in");
  }
  const equals = EQUALS.exec(text);
  if (equals) {
    const [, key = "", operator, value] = equals;
    return (labels) => (own(labels, key) === value) === (operator !== "!=");
  }
  const exists = EXISTS.exec(text);
  if (!exists) throw new SelectorError(`labelSelector ${quoted(text)} cannot be read`);
  const [, not, key = ""] = exists;
  return (labels) => (own(labels, key) !== undefined) === (not === "");
}

/** At commas that are in no brackets. */
function splitTerms(text: string): readonly string[] {
  return text
    .split(/,(?![^(]*\))/)
    .map((term) => term.trim())
    .filter((term) => term !== "");
}

function own(labels: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}
