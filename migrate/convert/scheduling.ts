import type { Cursor } from "../ledger/claims";
import type { Constraint, NomadGroup } from "../model/nomad-job";
import { entryOf } from "./table";

/** What decides on which nodes a group may run. */
export type Scheduling = Pick<NomadGroup, "constraints" | "affinities" | "spreads">;

const ATTRIBUTES: Readonly<Record<string, string>> = {
  "kubernetes.io/os": "${attr.kernel.name}",
  "beta.kubernetes.io/os": "${attr.kernel.name}",
  "kubernetes.io/arch": "${attr.cpu.arch}",
  "beta.kubernetes.io/arch": "${attr.cpu.arch}",
  "kubernetes.io/hostname": "${node.unique.name}",
};
const HOSTNAME = "kubernetes.io/hostname";

/** A node's label as Nomad knows it: an attribute, or meta that the node's configuration has to set. */
function attributeOf(label: string): { readonly attribute: string; readonly isMeta: boolean } {
  const known = entryOf(ATTRIBUTES, label);
  if (known !== undefined) return { attribute: known, isMeta: false };
  return { attribute: `\${meta.${label.replace(/[^A-Za-z0-9_]/g, "_")}}`, isMeta: true };
}

export function schedulingOf(pod: Cursor, podLabels: Readonly<Record<string, string>>, target: string): Scheduling {
  const constraints: Constraint[] = [];
  const affinities: (Constraint & { weight: number })[] = [];
  const spreads: { attribute: string; weight: number }[] = [];
  for (const [label, value] of pod.get("nodeSelector").entries()) {
    const { attribute, isMeta } = attributeOf(label);
    value.note(isMeta ? "nodeLabel" : "converted", `${target}#constraint`);
    constraints.push(equal(attribute, value.text() ?? ""));
  }
  const node = pod.get("nodeName");
  const name = node.text() ?? ""; // an empty name is none to Kubernetes too
  if (name !== "") constraints.push(equal("${node.unique.name}", name));
  node.note("nodeName", `${target}#constraint`);
  nodeAffinity(pod.get("affinity", "nodeAffinity"), constraints, affinities, target);
  antiAffinity(pod.get("affinity", "podAntiAffinity"), podLabels, constraints, spreads, target);
  pod.get("affinity", "podAffinity").note("podAffinity");
  topologySpread(pod.get("topologySpreadConstraints"), spreads, target);
  pod.get("tolerations").note("tolerations");
  return { constraints, affinities, spreads };
}

function nodeAffinity(
  affinity: Cursor,
  constraints: Constraint[],
  affinities: (Constraint & { weight: number })[],
  target: string,
): void {
  const required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms");
  const terms = required.items();
  if (terms.length > 1) required.note("orOfTerms");
  else for (const term of terms) constraints.push(...expressions(term, `${target}#constraint`));
  for (const preferred of affinity.get("preferredDuringSchedulingIgnoredDuringExecution").items()) {
    const weight = preferred.get("weight").converted(`${target}#affinity`).int() ?? 1;
    for (const each of expressions(preferred.get("preference"), `${target}#affinity`)) {
      affinities.push(preference(each, Math.min(100, Math.max(1, weight))));
    }
  }
}

/** Nomad refuses a comparison with nothing to compare to. */
function equal(attribute: string, value: string): Constraint {
  return value === "" ? { attribute, operator: "regexp", value: "^$" } : { attribute, operator: "=", value };
}

/** Affinities know no `is_set`: what is set is some text, and what is not is turned away from. */
function preference(constraint: Constraint, weight: number): Constraint & { readonly weight: number } {
  if (constraint.operator !== "is_set" && constraint.operator !== "is_not_set") return { ...constraint, weight };
  const sign = constraint.operator === "is_set" ? 1 : -1;
  return { ...constraint, operator: "regexp", value: ".+", weight: sign * weight };
}

function expressions(term: Cursor, target: string): readonly Constraint[] {
  term.get("matchFields").note("noRule");
  return term
    .get("matchExpressions")
    .items()
    .flatMap((expression) => {
      const { attribute, isMeta } = attributeOf(expression.get("key").text() ?? "");
      const values = expression.get("values").texts();
      const operator = expression.get("operator").text();
      // Nomad has no rule for "some other value, or none".
      if (operator === "NotIn" && values.includes("")) {
        expression.note("noRule");
        return [];
      }
      expression.note(isMeta ? "nodeLabel" : "converted", target);
      switch (operator) {
        case "In":
          return values.length === 1
            ? [equal(attribute, values[0] ?? "")]
            : [{ attribute, operator: "regexp", value: `^(${values.map(regexpText).join("|")})$` }];
        case "NotIn":
          return values.map((value) => ({ attribute, operator: "!=", value }));
        case "Exists":
          return [{ attribute, operator: "is_set" }];
        case "DoesNotExist":
          return [{ attribute, operator: "is_not_set" }];
        case "Gt":
          return [{ attribute, operator: ">", value: values[0] || "0" }];
        case "Lt":
          return [{ attribute, operator: "<", value: values[0] || "0" }];
        default:
          expression.note("noRule");
          return [];
      }
    });
}

function regexpText(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

function antiAffinity(
  affinity: Cursor,
  podLabels: Readonly<Record<string, string>>,
  constraints: Constraint[],
  spreads: { attribute: string; weight: number }[],
  target: string,
): void {
  for (const term of affinity.get("requiredDuringSchedulingIgnoredDuringExecution").items()) {
    const key = term.get("topologyKey").text() ?? "";
    if (!selectsItself(term, podLabels)) term.note("podAffinity");
    else if (key === HOSTNAME) {
      term.converted(`${target}#constraint`);
      constraints.push({ operator: "distinct_hosts", value: "true" });
    } else {
      term.note("nodeLabel", `${target}#constraint`);
      constraints.push({ attribute: attributeOf(key).attribute, operator: "distinct_property" });
    }
  }
  for (const preferred of affinity.get("preferredDuringSchedulingIgnoredDuringExecution").items()) {
    const term = preferred.get("podAffinityTerm");
    if (!selectsItself(term, podLabels)) {
      preferred.note("podAffinity");
      continue;
    }
    preferred.note("spreadInstead", `${target}#spread`);
    const weight = Math.min(100, Math.max(1, preferred.get("weight").int() ?? 50));
    addSpread(spreads, term.get("topologyKey").text() ?? "", weight);
  }
}

function addSpread(spreads: { attribute: string; weight: number }[], key: string, weight: number): void {
  const { attribute } = attributeOf(key);
  if (!spreads.some((spread) => spread.attribute === attribute)) spreads.push({ attribute, weight });
}

function selectsItself(term: Cursor, podLabels: Readonly<Record<string, string>>): boolean {
  return selects(term.get("labelSelector"), podLabels);
}

function topologySpread(constraints: Cursor, spreads: { attribute: string; weight: number }[], target: string): void {
  for (const constraint of constraints.items()) {
    const isHard = constraint.get("whenUnsatisfiable").text() !== "ScheduleAnyway";
    constraint.note(isHard ? "hardSpread" : "spreadInstead", `${target}#spread`);
    addSpread(spreads, constraint.get("topologyKey").text() ?? "", 50);
  }
}

/** Whether a label selector takes an object with these labels. An empty one takes all, none at all takes nothing. */
export function selects(selector: Cursor, labels: Readonly<Record<string, string>>): boolean {
  if (!selector.present) return false;
  const exact = selector.get("matchLabels").entries();
  if (!exact.every(([key, value]) => entryOf(labels, key) === value.text())) return false;
  return selector
    .get("matchExpressions")
    .items()
    .every((expression) => {
      const label = entryOf(labels, expression.get("key").text() ?? "");
      const values = expression.get("values").texts();
      switch (expression.get("operator").text()) {
        case "In":
          return label !== undefined && values.includes(label);
        case "NotIn":
          return label === undefined || !values.includes(label);
        case "Exists":
          return label !== undefined;
        default:
          return label === undefined;
      }
    });
}
