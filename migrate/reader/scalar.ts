/**
 * What a scalar means to Kubernetes: its YAML library is go-yaml 2, whose rules are those of YAML 1.1 with exceptions of
 * its own (`resolve.go`): no base 60, timestamps stay text, `0o7` and `_` in numbers are taken.
 */

const TRUE = new Set(["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"]);
const FALSE = new Set(["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"]);
const NULL = new Set(["", "~", "null", "Null", "NULL"]);
const FLOAT = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/;
const DECIMAL = /^[-+]?(0|[1-9][0-9]*)$/;
const PREFIXED = /^([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+))$/;

/** Tags that say what a scalar is, whatever it looks like. */
const STRING_TAG = "tag:yaml.org,2002:str";
const BINARY_TAG = "tag:yaml.org,2002:binary";

/**
 * @param text as written, without quotes, escapes resolved
 * @param isPlain whether it was written without quotes and not as a block
 * @param tag its explicit tag, where it has one
 */
export function resolveScalar(
  text: string,
  isPlain: boolean,
  tag: string | undefined,
): string | number | boolean | null {
  if (tag === BINARY_TAG) return Buffer.from(text, "base64").toString("utf8");
  // Half of a surrogate pair, which an escape can write, has no bytes: Go and every file make it U+FFFD.
  if (tag === STRING_TAG || tag === "!" || (!isPlain && tag === undefined)) return wellFormed(text);
  if (NULL.has(text)) return null;
  if (TRUE.has(text)) return true;
  if (FALSE.has(text)) return false;
  return resolveNumber(text) ?? text;
}

function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, "\ufffd");
}

/** Integers beyond 2^53 stay text: a number would be another one. */
function resolveNumber(text: string): number | undefined {
  if (!/^[-+.0-9]/.test(text)) return undefined;
  const plain = text.replaceAll("_", "");
  if (DECIMAL.test(plain)) {
    const value = Number(plain);
    return Number.isSafeInteger(value) ? value : undefined;
  }
  const prefixed = PREFIXED.exec(plain);
  if (prefixed !== null) {
    const [, sign, hex, binary, octal] = prefixed;
    const value =
      hex !== undefined ? parseInt(hex, 16) : binary !== undefined ? parseInt(binary, 2) : parseInt(octal ?? "0", 8);
    if (!Number.isSafeInteger(value)) return undefined;
    return sign === "-" ? -value : value;
  }
  if (!FLOAT.test(plain)) return undefined;
  const value = Number(plain);
  return Number.isFinite(value) ? value : undefined;
}
