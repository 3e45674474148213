import type { Cursor } from "../ledger/claims";
import type { KubeObject } from "../object";
import { fieldOf, INDEX, resourceOf } from "./pod-fields";
import { keysOf, type PodContext, secretExpression, secretPath, taskTarget } from "./pod-context";
import {
  isTemplateName,
  isWritable,
  NOMAD_REPLACES,
  type Part,
  rangeOf,
  textOf,
  type Variable,
  writeEnvironment,
  type WrittenEnvironment,
} from "./environment-template";

/** Names that a key of a ConfigMap gives a variable. */
const NAME = /^[-._A-Za-z0-9]+$/;

/**
 * A container's environment: literals in `env`; what comes from Secrets, and what Nomad would read as its own, in a template that
 * is filled in on the node.
 */
export function environmentOf(container: Cursor, task: string, context: PodContext): WrittenEnvironment {
  const variables = new Map<string, Variable>();
  const ranges: string[] = [];
  for (const source of container.get("envFrom").items()) addSource(source, variables, ranges, task, context);
  for (const item of container.get("env").items()) {
    const name = item.get("name").text();
    if (name === undefined || name === "") {
      item.note("noName");
      continue;
    }
    const target = taskTarget(context, task, `env.${name}`);
    item.get("name").converted(target);
    const variable = variableOf(item, variables, container, context, target);
    if (variable !== undefined && isWritable(name, variable)) variables.set(name, variable);
    else if (variable !== undefined) item.note("variableName").get("name").note("variableName");
  }
  // Kubernetes sets it last, and only where the manifest does not.
  if (context.pod.isIndexed && !variables.has("JOB_COMPLETION_INDEX"))
    variables.set("JOB_COMPLETION_INDEX", { parts: [{ nomad: INDEX }] });
  return writeEnvironment(variables, ranges);
}

function variableOf(
  item: Cursor,
  before: ReadonlyMap<string, Variable>,
  container: Cursor,
  context: PodContext,
  target: string,
): Variable | undefined {
  const from = item.get("valueFrom");
  if (!from.present) {
    const value = item.get("value");
    const text = value.text() ?? "";
    value.converted(target);
    if (/\.svc(\.cluster\.local)?\b/.test(text)) value.note("clusterLocalName", target);
    if (namesServiceVariable(text, before)) value.note("serviceVariable", target);
    const parts = expand(text, before);
    if (parts === undefined) {
      value.note("valueTooLong");
      return undefined;
    }
    const isMixed = parts.some((part) => typeof part !== "string" && "nomad" in part);
    if (isMixed && NOMAD_REPLACES.test(parts.filter((part) => typeof part === "string").join("")))
      value.note("nomadReplaces", target);
    return { parts };
  }
  const key = from.get("configMapKeyRef");
  if (key.present) return fromConfigMap(key, context, target);
  const secret = from.get("secretKeyRef");
  if (secret.present) return fromSecret(secret, context, target);
  const field = from.get("fieldRef");
  if (field.present) return fieldOf(field, context, target);
  const resource = from.get("resourceFieldRef");
  if (resource.present) return resourceOf(resource, container, context, target);
  from.note("unknownSource");
  return undefined;
}

/** As Kubernetes' `expansion.Expand` reads them. */
export const REFERENCE = /\$\$|\$\(([^)]*)\)/g;

/** Whether a text reads a variable that Kubernetes sets for a Service, and that nothing else sets: `REDIS_SERVICE_HOST`. */
export function namesServiceVariable(text: string, known: { has(name: string): boolean }): boolean {
  const names = text.match(/\b[A-Z_][A-Z0-9_]*_SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)\b/g) ?? [];
  return names.some((name) => !known.has(name));
}

/** Linux starts no program with a longer variable (MAX_ARG_STRLEN). */
const LONGEST_VALUE = 128 * 1024;

/**
 * `$(NAME)` is a variable before it, `$$(` is `$(`; unknown names stay as they are. Undefined where it becomes longer than a
 * variable may be, as by variables that each name the one before twice.
 */
export function expand(text: string, known: ReadonlyMap<string, Variable>): readonly Part[] | undefined {
  const parts: Part[] = [];
  let length = text.length;
  let rest = 0;
  for (const match of text.matchAll(REFERENCE)) {
    const [whole, name] = match;
    const variable = name === undefined ? undefined : known.get(name);
    if (name !== undefined && variable === undefined) continue;
    const inserted = variable?.parts ?? ["$"];
    for (const part of inserted) length += typeof part === "string" ? part.length : textOf(part).length;
    if (length > LONGEST_VALUE) return undefined;
    parts.push(text.slice(rest, match.index), ...inserted);
    rest = match.index + whole.length;
  }
  parts.push(text.slice(rest));
  const kept = parts.filter((part) => part !== "");
  return kept.length === 0 ? [""] : kept;
}

function fromConfigMap(reference: Cursor, context: PodContext, target: string): Variable | undefined {
  const name = reference.get("name").text() ?? "";
  const key = reference.get("key").text() ?? "";
  const value = context.configMap(name)?.root.get("data", key);
  if (value?.present !== true) {
    reference.note(reference.get("optional").flag() === true ? "optionalMissing" : "unresolvedConfigMap");
    return undefined;
  }
  reference.converted(target);
  value.note("configInJob", target);
  return { parts: [value.text() ?? ""] };
}

function fromSecret(reference: Cursor, context: PodContext, target: string): Variable {
  const name = reference.get("name").text() ?? "";
  const key = reference.get("key").text() ?? "";
  const isOptional = reference.get("optional").flag() === true;
  context.needsSecret(name);
  const known = context.secret(name);
  const isKnown = known !== undefined && keysOf(known, "data", "stringData").includes(key);
  reference.note(isKnown || isOptional ? "secretAtRunTime" : "unresolvedSecret", target);
  const expression = secretExpression(context, name, key);
  const path = JSON.stringify(secretPath(context, name));
  return {
    parts: [{ expression }],
    ...(isOptional && context.answers.secrets === "nomad" ? { condition: `nomadVarExists ${path}` } : {}),
  };
}

function addSource(
  source: Cursor,
  variables: Map<string, Variable>,
  ranges: string[],
  task: string,
  context: PodContext,
): void {
  const prefixAt = source.get("prefix");
  const prefix = prefixAt.text() ?? "";
  const target = taskTarget(context, task, "env");
  prefixAt.converted(target);
  const map = source.get("configMapRef");
  if (map.present) {
    const found = context.configMap(map.get("name").text() ?? "");
    if (found === undefined) {
      map.note(map.get("optional").flag() === true ? "optionalMissing" : "unresolvedConfigMap");
      return;
    }
    map.converted(target);
    addConfigMap(found, prefix, variables, target);
    return;
  }
  const secret = source.get("secretRef");
  if (!secret.present) {
    source.note("unknownSource");
    return;
  }
  const name = secret.get("name").text() ?? "";
  const isOptional = secret.get("optional").flag() === true;
  context.needsSecret(name);
  const known = context.secret(name);
  secret.note(known !== undefined || isOptional ? "secretAtRunTime" : "unresolvedSecret", target);
  if (!isTemplateName(prefix)) {
    for (const at of [secret, prefixAt]) at.note("variableName");
    return;
  }
  ranges.push(secretRange(context, name, prefix, isOptional));
  // Others may name them.
  for (const key of known === undefined ? [] : keysOf(known, "data", "stringData")) {
    if (!isTemplateName(key)) {
      for (const field of ["data", "stringData"]) known?.root.get(field, key).note("variableName");
      continue;
    }
    const parts = [{ expression: secretExpression(context, name, key) }];
    variables.set(`${prefix}${key}`, { parts, isInRange: true });
  }
}

function addConfigMap(map: KubeObject, prefix: string, variables: Map<string, Variable>, target: string): void {
  for (const key of keysOf(map, "data")) {
    const value = map.root.get("data", key);
    const name = `${prefix}${key}`;
    // Kubernetes too leaves out what is no name of a variable.
    if (!NAME.test(name)) continue;
    const variable: Variable = { parts: [value.text() ?? ""] };
    if (isWritable(name, variable)) variables.set(name, variable);
    value.note(isWritable(name, variable) ? "configInJob" : "variableName", target);
  }
}

function secretRange(context: PodContext, name: string, prefix: string, isOptional: boolean): string {
  const path = JSON.stringify(secretPath(context, name));
  if (context.answers.secrets === "vault") return rangeOf(`(secret ${path}).Data.data`, prefix, "$value");
  const range = rangeOf(`nomadVar ${path}`, prefix, "$value.Value");
  return isOptional ? `{{ if nomadVarExists ${path} }}${range}{{ end }}` : range;
}
