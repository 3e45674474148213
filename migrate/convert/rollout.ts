import type { Cursor } from "../ledger/claims";
import type { Update } from "../model/nomad-job";
import { quantity } from "./quantity";

/** Nomad's own, in seconds, of a job that says nothing. */
export const PROGRESS_DEADLINE = 600;

/** How the kinds bring a new version out, as Nomad's `update`. */

function timesOf(spec: Cursor, target: string): Update {
  const ready = Math.min(
    86_400,
    Math.max(0, spec.get("minReadySeconds").converted(`${target}#update.min_healthy_time`).int() ?? 0),
  );
  const asked = Math.min(
    604_800,
    spec.get("progressDeadlineSeconds").note("progressDeadline", `${target}#update`).int() ?? 600,
  );
  // Nomad wants them in this order, each greater.
  const healthyDeadline = Math.max(ready + 60, Math.min(300, asked - 1));
  const progressDeadline = Math.max(asked, healthyDeadline + 60);
  return { minHealthyTime: ready, healthyDeadline, progressDeadline, autoRevert: false };
}

/** Of the replicas, as a number or in percent. */
function share(value: number | string | undefined, replicas: number, round: (x: number) => number): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "number") return value;
  const percent = /^(\d+)%$/.exec(value)?.[1];
  return percent === undefined ? quantity(value) : round((Number(percent) * replicas) / 100);
}

export function rollingUpdate(spec: Cursor, target: string): Update {
  const replicas = Math.max(1, spec.get("replicas").int() ?? 1);
  const strategy = spec.get("strategy");
  const type = strategy.get("type");
  const rolling = strategy.get("rollingUpdate");
  const isRecreate = type.text() === "Recreate";
  type.note(isRecreate ? "recreate" : "converted", `${target}#update.max_parallel`);
  rolling.get("maxSurge").note("surge", `${target}#update`);
  rolling.get("maxUnavailable").note("maxUnavailable", `${target}#update.max_parallel`);
  const away = share(rolling.get("maxUnavailable").intOrText(), replicas, Math.floor) ?? Math.floor(replicas / 4);
  const maxParallel = isRecreate ? replicas : Math.max(1, Math.min(replicas, away));
  return { maxParallel, ...timesOf(spec, target) };
}

export function statefulUpdate(spec: Cursor, target: string): Update {
  for (const [field, code] of [
    ["podManagementPolicy", "startOrder"],
    ["persistentVolumeClaimRetentionPolicy", "keepsVolumes"],
    ["ordinals", "startOrder"],
    ["serviceName", "stableName"],
  ] as const) {
    spec.get(field).note(code);
  }
  const strategy = spec.get("updateStrategy");
  strategy.get("type").note(strategy.get("type").text() === "OnDelete" ? "onDelete" : "converted", `${target}#update`);
  strategy.get("rollingUpdate", "partition").note("partition");
  strategy.get("rollingUpdate", "maxUnavailable").note("maxUnavailable", `${target}#update.max_parallel`);
  return { maxParallel: 1, ...timesOf(spec, target) };
}

export function daemonUpdate(spec: Cursor, target: string): Update {
  const strategy = spec.get("updateStrategy");
  strategy.get("type").note(strategy.get("type").text() === "OnDelete" ? "onDelete" : "converted", `${target}#update`);
  strategy.get("rollingUpdate", "maxSurge").note("surge");
  const away = strategy.get("rollingUpdate", "maxUnavailable");
  away.note("maxUnavailable", `${target}#update.max_parallel`);
  const value = away.intOrText();
  const { minHealthyTime, healthyDeadline, progressDeadline = 0 } = timesOf(spec, target);
  return {
    maxParallel: typeof value === "number" ? Math.min(1_000, Math.max(1, value)) : 1,
    minHealthyTime,
    healthyDeadline,
    ...(progressDeadline > PROGRESS_DEADLINE ? { progressDeadline } : {}),
  };
}
