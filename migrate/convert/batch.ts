import type { Cursor } from "../ledger/claims";
import type { NomadGroup, Periodic } from "../model/nomad-job";
import type { KubeObject } from "../object";
import { isCron } from "./cron";
import { entryOf } from "./table";

/** Nomad's `job_max_count`, unless its servers are configured for more. */
const MOST_OF_A_JOB = 50_000;

export function countOf(at: Cursor, byDefault: number, target: string): number {
  const count = Math.max(0, at.int() ?? byDefault);
  if (count > MOST_OF_A_JOB) at.note("countLimit", `${target}#count`);
  return Math.min(MOST_OF_A_JOB, count);
}

export type BatchParts = Pick<NomadGroup, "count" | "restart" | "reschedule"> & { readonly type: "batch" };

/** What a Job says of its runs. */
export function batch(spec: Cursor, pod: Cursor, target: string): BatchParts {
  const completionsAt = spec.get("completions");
  const parallelism = countOf(spec.get("parallelism").converted(`${target}#count`), 1, target);
  const completions = countOf(completionsAt, 1, target);
  const isIndexed = spec.get("completionMode").note("completionIndex").text() === "Indexed";
  completionsAt.note(completions > parallelism ? "workQueue" : "converted", `${target}#count`);
  const isSuspended = spec.get("suspend").note("suspended", `${target}#count`).flag() === true;
  const limit = Math.min(1_000, Math.max(0, spec.get("backoffLimit").note("backoff", `${target}#restart`).int() ?? 6));
  const isNever = pod.get("restartPolicy").text() !== "OnFailure";
  const count = isSuspended ? 0 : isIndexed ? completions : Math.min(parallelism, Math.max(completions, 1));
  return {
    type: "batch",
    count,
    restart: { attempts: isNever ? 0 : limit, interval: 86_400, delay: 15, mode: "fail" },
    reschedule:
      isNever && limit > 0
        ? { attempts: limit, interval: 86_400, unlimited: false }
        : { attempts: 0, unlimited: false },
  };
}

const MACROS: Readonly<Record<string, string>> = { "@midnight": "@daily", "@annually": "@yearly" };

export function periodicOf(object: KubeObject): Periodic | undefined {
  const spec = object.root.get("spec");
  const written = (spec.get("schedule").text() ?? "").trim();
  const [, zone, schedule = ""] = /^(?:(?:CRON_)?TZ=(\S+)\s+)?(.*)$/s.exec(written) ?? [];
  const cron = entryOf(MACROS, schedule) ?? schedule;
  const timeZone = spec.get("timeZone").text() ?? zone;
  if (!isCron(cron) || (timeZone !== undefined && !isTimeZone(timeZone))) return undefined;
  return {
    crons: [cron],
    timeZone,
    prohibitOverlap: spec.get("concurrencyPolicy").text() === "Forbid",
    ...(spec.get("suspend").flag() === true ? { enabled: false } : {}),
  };
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
