import type { SdkAnswer } from "../sdk-problem";
import { agonesFailure, CODE } from "./agones-status";
import { labelKeyProblems, labelValueProblems } from "./kubernetes-names";

/** Stands before every key that a server sets by Agones' SDK. */
export const SDK_PREFIX = "agones.dev/sdk-";
/** When the server was last taken for a match; a server that is used again looks at it. */
export const LAST_ALLOCATED = "agones.dev/last-allocated";

const MAX_KEYS = 64;
/** Kubernetes allows 256 KiB of annotations; ours travel to every controller. */
const MAX_ANNOTATION_BYTES = 32 * 1024;

type Values = Readonly<Record<string, string>>;

export function labelProblem(present: Values, key: string, value: string): SdkAnswer | undefined {
  const wrong = labelKeyProblems(key);
  if (wrong.length > 0) return refuse(`invalid label key ${shown(key)}: ${wrong.join(", ")}`);
  const bad = labelValueProblems(value);
  if (bad.length > 0) return refuse(`invalid label value ${shown(value)} for key ${shown(key)}: ${bad.join(", ")}`);
  return tooMany("labels", present, key);
}

export function annotationProblem(present: Values, key: string, value: string): SdkAnswer | undefined {
  const wrong = labelKeyProblems(key);
  if (wrong.length > 0) return refuse(`invalid annotation key ${shown(key)}: ${wrong.join(", ")}`);
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

function refuse(message: string): SdkAnswer {
  return agonesFailure(CODE.invalidArgument, message);
}

function shown(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
