import type { SdkAnswer } from "../sdk-problem";
import { agonesFailure, CODE } from "./agones-status";

/** Stands before every key that a server sets by Agones' SDK. */
export const SDK_PREFIX = "agones.dev/sdk-";
/** When the server was last taken for a match; a server that is used again looks at it. */
export const LAST_ALLOCATED = "agones.dev/last-allocated";

const MAX_KEYS = 64;
/** Kubernetes allows 256 KiB of annotations; ours travel to every controller. */
const MAX_ANNOTATION_BYTES = 32 * 1024;

/** A part of a key, and a label's value: Kubernetes' `IsQualifiedName` and `IsValidLabelValue`. */
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?$/;
const DNS = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;
const NAME_RULE =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

type Values = Readonly<Record<string, string>>;

export function labelProblem(present: Values, key: string, value: string): SdkAnswer | undefined {
  const wrong = keyProblem(key);
  if (wrong) return refuse(`invalid label key ${shown(key)}: ${wrong}`);
  const bad =
    value.length > 63 ? "must be no more than 63 characters" : value === "" || NAME.test(value) ? "" : NAME_RULE;
  if (bad) return refuse(`invalid label value ${shown(value)} for key ${shown(key)}: ${bad}`);
  return tooMany("labels", present, key);
}

export function annotationProblem(present: Values, key: string, value: string): SdkAnswer | undefined {
  const wrong = keyProblem(key);
  if (wrong) return refuse(`invalid annotation key ${shown(key)}: ${wrong}`);
  const after = Object.entries({ ...present, [`${SDK_PREFIX}${key}`]: value });
  const bytes = after.reduce((sum, [of, text]) => sum + Buffer.byteLength(of) + Buffer.byteLength(text), 0);
  if (bytes > MAX_ANNOTATION_BYTES) {
    return refuse(`the server's annotations would take ${bytes} bytes, ${MAX_ANNOTATION_BYTES} are allowed`);
  }
  return tooMany("annotations", present, key);
}

function tooMany(what: string, present: Values, key: string): SdkAnswer | undefined {
  const known = Object.hasOwn(present, `${SDK_PREFIX}${key}`);
  if (known || Object.keys(present).length < MAX_KEYS) return undefined;
  return refuse(`the server has ${MAX_KEYS} ${what}, which is the most`);
}

function keyProblem(key: string): string | undefined {
  const parts = key.split("/");
  if (parts.length > 2) return "a qualified name has at most one slash";
  const [prefix, name] = parts.length === 2 ? parts : [undefined, key];
  if (prefix !== undefined && (prefix.length > 253 || !DNS.test(prefix))) return "prefix part must be a DNS subdomain";
  if (name === undefined || name === "") return "name part must be non-empty";
  if (name.length > 63) return "name part must be no more than 63 characters";
  return NAME.test(name) ? undefined : `name part ${NAME_RULE}`;
}

function refuse(message: string): SdkAnswer {
  return agonesFailure(CODE.invalidArgument, message);
}

function shown(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
