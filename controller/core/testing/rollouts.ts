import type { Fleet, ForgeEvent, Server } from "../resources";
import { servers } from "./ask";
import type { RegionDouble } from "./region-double";

/** Asks of the experience `arena` and its rollouts. */

export const put = (over: object) => ({ type: "putFleet" as const, experienceId: "arena", ...over });

export const fleet = (r: RegionDouble): Fleet => r.must<Fleet>({ type: "getFleet", experienceId: "arena" });

/** How many servers of each version there are. */
export const versions = (r: RegionDouble): Record<string, number> => {
  const count: Record<string, number> = {};
  for (const { version, state } of r.must<Server[]>(servers))
    if (state !== "terminated") count[version] = (count[version] ?? 0) + 1;
  return count;
};

/** `STEP VERSION` of each event of a rollout. */
export const steps = (r: RegionDouble): string[] =>
  r.events.flatMap((event: ForgeEvent) => (event.type === "rollout" ? [`${event.step} ${event.toVersion}`] : []));
