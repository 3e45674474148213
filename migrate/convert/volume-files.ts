import { createHash } from "node:crypto";
import type { Cursor } from "../ledger/claims";
import type { Template } from "../model/nomad-job";
import type { KubeObject } from "../object";
import { guarded, isKey, keysOf, type PodContext, secretExpression, secretPath } from "./pod-context";
import { isComposed } from "./table";

/** A file that a key of a ConfigMap or Secret becomes in a volume. */
export interface VolumeFile {
  readonly path: string;
  readonly perms: string;
  /** Its bytes as they are, or a template that gives them. */
  readonly content: { readonly text: string } | { readonly template: string; readonly bytes?: Uint8Array };
}

const DELIMITERS = [
  ["{{", "}}"],
  ["[[", "]]"],
  ["<<%", "%>>"],
  ["<%%%<", ">%%%>"],
] as const;

/** A pair whose first is not in the text; there is always one that is not. */
function delimitersFor(text: string): readonly [string, string] {
  const found = DELIMITERS.find(([opening]) => !text.includes(opening));
  if (found !== undefined) return found;
  let at = 0;
  while (text.includes(`<%${at}%<`)) at += 1;
  return [`<%${at}%<`, `>%${at}%>`];
}

/** Text as a template that says exactly that text. */
export function literalTemplate(text: string): Pick<Template, "data" | "leftDelimiter" | "rightDelimiter"> {
  // An empty template is refused.
  if (text === "") return { data: '{{ "" }}' };
  if (!isComposed(text)) return { data: encodedTemplate(Buffer.from(text).toString("base64")) };
  const [left, right] = delimitersFor(text);
  return left === "{{" ? { data: text } : { data: text, leftDelimiter: left, rightDelimiter: right };
}

function encodedTemplate(base64: string): string {
  return `{{ ${JSON.stringify(base64)} | base64Decode }}`;
}

export function fileTemplate(destination: string, { content, perms }: VolumeFile): Template {
  const data = "template" in content ? { data: content.template } : literalTemplate(content.text);
  const bytes = "text" in content ? Buffer.from(content.text) : content.bytes;
  const sha256 = bytes === undefined ? {} : { sha256: createHash("sha256").update(bytes).digest("hex") };
  return { ...data, destination, changeMode: "noop", perms, ...sha256 };
}

function permsOf(mode: number | undefined): string {
  return ((mode ?? 0o644) & 0o7777).toString(8).padStart(4, "0");
}

interface ChosenFile {
  readonly key: string;
  readonly path: string;
  readonly perms: string;
  /** Where the key is named; undefined where all are taken. */
  readonly item?: Cursor;
}

/** Which keys become which files: all, or those of `items`. */
function chosen(source: Cursor, keys: readonly string[]): readonly ChosenFile[] {
  const perms = permsOf(source.get("defaultMode").int());
  const items = source.get("items");
  if (!items.present) return keys.filter(isKey).map((key) => ({ key, path: key, perms }));
  return items.items().flatMap((item) => {
    const key = item.get("key").text() ?? "";
    const path = item.get("path").text() ?? "";
    if (path === "" || path.startsWith("/") || path.split("/").includes("..")) {
      item.note("badPath");
      return [];
    }
    const mode = item.get("mode").int();
    return [{ key, path, perms: mode === undefined ? perms : permsOf(mode), item }];
  });
}

export function configMapFiles(source: Cursor, context: PodContext): readonly VolumeFile[] {
  const target = `${context.target}#templates`;
  const map = context.configMap(source.get("name").text() ?? "");
  if (map === undefined) {
    source.note(source.get("optional").flag() === true ? "optionalMissing" : "unresolvedConfigMap");
    return [];
  }
  source.note("configInJob", target);
  return chosen(source, keysOf(map, "data", "binaryData")).flatMap(
    ({ key, path, perms, item }): readonly VolumeFile[] => {
      const text = map.root.get("data", key);
      const binary = map.root.get("binaryData", key);
      if (!text.present && !binary.present) {
        item?.note(source.get("optional").flag() === true ? "optionalMissing" : "unresolvedConfigMap");
        return [];
      }
      (text.present ? text : binary).note("configInJob", target);
      if (text.node !== undefined && text.present) return [{ path, perms, content: { text: text.text() ?? "" } }];
      const base64 = (binary.text() ?? "").replace(/\s/g, "");
      const bytes = Buffer.from(base64, "base64");
      return [{ path, perms, content: { template: encodedTemplate(base64), bytes } }];
    },
  );
}

export function secretFiles(source: Cursor, context: PodContext): readonly VolumeFile[] {
  const target = `${context.target}#templates`;
  const nameAt = source.get("secretName").present ? source.get("secretName") : source.get("name");
  const name = nameAt.text() ?? "";
  const secret = context.secret(name);
  const isOptional = source.get("optional").flag() === true;
  if (secret === undefined && !source.get("items").present) {
    source.note(isOptional ? "optionalMissing" : "unresolvedSecretFiles");
    return [];
  }
  source.note(secret === undefined && !isOptional ? "unresolvedSecret" : "secretAtRunTime", target);
  context.needsSecret(name);
  const keys = secret === undefined ? [] : keysOf(secret, "data", "stringData");
  return chosen(source, keys).map(({ key, path, perms, item }) => {
    if (secret !== undefined && !keys.includes(key)) item?.note("unresolvedSecret");
    const expression = secretExpression(context, name, key);
    const isBinary = secret !== undefined && isBinaryKey(secret, key);
    const text = guarded(`{{ ${isBinary ? `base64Decode (${expression})` : expression} }}`);
    // Without it a task would wait for a Secret that may be missing; of a missing one the file is empty.
    const isAsked = isOptional && context.answers.secrets === "nomad";
    const stored = JSON.stringify(secretPath(context, name));
    return {
      path,
      perms,
      content: { template: isAsked ? `{{ if nomadVarExists ${stored} }}${text}{{ end }}` : text },
    };
  });
}

/** Whether a Secret's value is no text: such a one is stored in base64. */
export function isBinaryKey(secret: KubeObject, key: string): boolean {
  const value = secret.root.get("data", key);
  if (value.node?.kind !== "scalar" || typeof value.node.value !== "string") return false;
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(value.node.value, "base64"));
    return false;
  } catch {
    return true;
  }
}

export function projectedFiles(projected: Cursor, context: PodContext): readonly VolumeFile[] {
  projected.note("configInJob", `${context.target}#templates`);
  return projected
    .get("sources")
    .items()
    .flatMap((source) => {
      const map = source.get("configMap");
      if (map.present) return configMapFiles(map, context);
      const secret = source.get("secret");
      if (secret.present) return secretFiles(secret, context);
      source.note("volumeKind");
      return [];
    });
}
