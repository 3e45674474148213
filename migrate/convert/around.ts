import type { KubeObject } from "../object";
import type { NomadGroup, Scaling } from "../model/nomad-job";
import { claimCommon } from "./metadata";
import { selects } from "./scheduling";
import { entryOf } from "./table";

/** Objects beside a workload that say something of it. */

/** The HorizontalPodAutoscaler of a workload as its scaling. */
export function scalingOf(hpa: KubeObject, target: string): Scaling {
  claimCommon(hpa, `${target}#scaling`);
  const spec = hpa.root.get("spec");
  spec.get("scaleTargetRef").converted(`${target}#scaling`);
  const min = Math.max(0, spec.get("minReplicas").converted(`${target}#scaling.min`).int() ?? 1);
  const max = Math.max(min, spec.get("maxReplicas").converted(`${target}#scaling.max`).int() ?? min);
  const behavior = spec.get("behavior");
  behavior.note("hpaBehavior", `${target}#scaling.policy.cooldown`);
  const window = behavior.get("scaleDown", "stabilizationWindowSeconds").int();
  const checks: Scaling["checks"][number][] = [];
  const v1 = spec.get("targetCPUUtilizationPercentage");
  v1.note("hpaMetric", `${target}#scaling.policy.check`);
  if (v1.int() !== undefined) checks.push({ name: "cpu", query: "avg_cpu-allocated", target: v1.int() ?? 80 });
  for (const metric of spec.get("metrics").items()) {
    const resource = metric.get("resource");
    const name = resource.get("name").text();
    // v2beta1 had it beside the name.
    const utilization =
      resource.get("target", "averageUtilization").int() ?? resource.get("targetAverageUtilization").int();
    if ((name === "cpu" || name === "memory") && utilization !== undefined) {
      metric.note("hpaMetric", `${target}#scaling.policy.check`);
      if (!checks.some((check) => check.name === name))
        checks.push({ name, query: `avg_${name}-allocated`, target: utilization });
    } else metric.note("hpaCustomMetric");
  }
  return { enabled: true, min, max, checks, ...(window === undefined || window <= 0 ? {} : { cooldown: window }) };
}

/** How many of a workload may leave a node at once, by its PodDisruptionBudget. */
export function migrateOf(pdb: KubeObject, count: number, target: string): NomadGroup["migrate"] {
  claimCommon(pdb, `${target}#migrate`);
  const spec = pdb.root.get("spec");
  spec.get("selector").note("label");
  spec.get("unhealthyPodEvictionPolicy").note("noRule");
  for (const field of ["minAvailable", "maxUnavailable"])
    spec.get(field).note("disruption", `${target}#migrate.max_parallel`);
  const part = (field: string): number | undefined => {
    const value = spec.get(field).intOrText();
    if (typeof value !== "string") return value;
    const percent = /^(\d+)%$/.exec(value)?.[1];
    return percent === undefined ? undefined : Math.ceil((Number(percent) * count) / 100);
  };
  const away = part("maxUnavailable") ?? count - (part("minAvailable") ?? count - 1);
  return { maxParallel: Math.min(1_000, Math.max(1, away)) };
}

export function budgets(pdb: KubeObject, labels: Readonly<Record<string, string>>): boolean {
  return selects(pdb.root.get("spec", "selector"), labels);
}

/** A Kubernetes priority as Nomad's 1 to 100: above what Nomad gives by itself where it is above zero. */
export function priorityOf(priorityClass: KubeObject, target: string): number {
  claimCommon(priorityClass, `${target}#priority`);
  for (const field of ["description", "globalDefault", "preemptionPolicy"])
    priorityClass.root.get(field).note("preemption");
  return onNomadsScale(priorityClass.root.get("value").note("priority", `${target}#priority`).int() ?? 0);
}

/** The classes that each cluster has of itself. */
const SYSTEM_CLASSES: Readonly<Record<string, number>> = {
  "system-cluster-critical": 2_000_000_000,
  "system-node-critical": 2_000_001_000,
};

/** The priority of a class that no manifest has to say; undefined where it is none of those. */
export function systemPriority(className: string): number | undefined {
  const value = entryOf(SYSTEM_CLASSES, className);
  return value === undefined ? undefined : onNomadsScale(value);
}

function onNomadsScale(value: number): number {
  return Math.min(
    100,
    Math.max(1, 50 + Math.round(Math.sign(value) * Math.min(50, (Math.log10(Math.abs(value) + 1) / 9) * 50))),
  );
}
