import { experienceSchema } from "../../config/experience-schema";
import { scalingPolicySchema } from "../../config/scaling-schema";
import type { Cursor } from "../ledger/claims";
import type { FleetState } from "./fleet-state";

const { rollout: rolloutSchema } = experienceSchema.shape;
const { allocation_overflow: overflowSchema } = scalingPolicySchema.shape;
const MOST_PRIORITIES = 16;
/** Agones' own, which forge.toml's `max_unavailable` is not. */
const AGONES_UNAVAILABLE = "25%";

/** `rollout` of an experience: the Fleet's strategy, with what Agones has where it says nothing. */
export function rolloutOf(strategy: Cursor, target: string): Record<string, unknown> {
  const at = `${target}.rollout`;
  const type = strategy.get("type");
  if (type.converted(`${at}.strategy`).text() === "Recreate") {
    strategy.get("rollingUpdate").note("fleetStrategy");
    return { strategy: "recreate" };
  }
  const amount = (field: string, key: "max_surge" | "max_unavailable"): number | string | undefined => {
    const given = strategy.get("rollingUpdate", field);
    const value = given.intOrText();
    const isTaken = value !== undefined && rolloutSchema.safeParse({ [key]: value }).success;
    given.note(isTaken || !given.present ? "converted" : "wrongType", `${at}.${key}`);
    return isTaken ? value : undefined;
  };
  const surge = amount("maxSurge", "max_surge");
  return {
    ...(surge === undefined ? {} : { max_surge: surge }),
    max_unavailable: amount("maxUnavailable", "max_unavailable") ?? AGONES_UNAVAILABLE,
  };
}

/** `priorities` of its scaling; one that names what no server counts orders nothing, and is said so. */
export function prioritiesOf(priorities: Cursor, state: FleetState, target: string): Record<string, unknown> {
  const found: Record<string, string>[] = [];
  for (const each of priorities.items()) {
    const type = each.get("type").text();
    const key = each.get("key").text() ?? "";
    const isKnown =
      (type === "Counter" && Object.hasOwn(state.counters, key)) ||
      (type === "List" && Object.hasOwn(state.lists, key));
    if (!isKnown || found.length >= MOST_PRIORITIES) {
      each.note("fleetPriority");
      continue;
    }
    each.converted(`${target}.scaling.priorities[${found.length}]`);
    const order = each.get("order").text() === "Descending" ? "descending" : "ascending";
    found.push({ type: type === "Counter" ? "counter" : "list", key, order });
  }
  return found.length === 0 ? {} : { priorities: found };
}

/** `allocation_overflow` of its scaling. */
export function overflowOf(overflow: Cursor, target: string): Record<string, unknown> {
  if (!overflow.present) return {};
  const read = (field: "labels" | "annotations"): Record<string, string> => {
    const all = overflow.get(field);
    return Object.fromEntries((all.present ? all.entries() : []).map(([key, value]) => [key, value.text() ?? ""]));
  };
  const table = { labels: read("labels"), annotations: read("annotations") };
  if (!overflowSchema.safeParse(table).success) {
    overflow.note("fleetOverflow");
    return {};
  }
  overflow.converted(`${target}.scaling.allocation_overflow`);
  const marks = Object.entries(table).filter(([, values]) => Object.keys(values).length > 0);
  return marks.length === 0 ? {} : { allocation_overflow: Object.fromEntries(marks) };
}
