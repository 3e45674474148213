import { z } from "zod";
import { HttpStatusError, type HttpJson } from "../../clients/http-json";
import type { LocalHost } from "./local-host";

const jobs = z.array(z.looseObject({ ID: z.string(), Namespace: z.string(), ParentID: z.string().nullish() }));
const nodes = z.array(z.looseObject({ ID: z.string(), Status: z.string() }));
const allocations = z.array(z.looseObject({ ID: z.string(), ClientStatus: z.string() }));

/** Name, in the region's `run/`, of the file that says that its nodes were emptied by `down`. */
export const EMPTIED = "emptied";

/** Tasks get this long to end by themselves before their node ends them. */
const DRAIN_NANOSECONDS = 20 * 1e9;
const QUIET_WITHIN_MS = 90_000;
const ASK_EVERY_MS = 300;

/**
 * Ends everything that a region's Nomad runs, and waits until its node has ended it.
 *
 * Game servers (dispatched jobs) are deregistered: nobody would want one back that lost its players. Other jobs stay
 * registered, so that they start again with the region, unless it is never to come back (`forGood`).
 *
 * @returns whether everything has ended; false where some of it needs harder means
 */
export async function quietNomad(nomad: HttpJson, host: LocalHost, forGood: boolean): Promise<boolean> {
  const listed = jobs.parse(await nomad.json("GET", "/v1/jobs", { query: { namespace: "*" } }));
  // Children first: a parent that is purged before leaves them running.
  const ending = listed.filter(({ ParentID }) => forGood || isSet(ParentID));
  const inOrder = [
    ...ending.filter(({ ParentID }) => isSet(ParentID)),
    ...ending.filter(({ ParentID }) => !isSet(ParentID)),
  ];
  for (const { ID, Namespace } of inOrder) {
    await nomad
      .json("DELETE", `/v1/job/${encodeURIComponent(ID)}`, { query: { namespace: Namespace, purge: forGood } })
      .catch(ignoreMissing);
  }
  const there = nodes.parse(await nomad.json("GET", "/v1/nodes")).filter(({ Status }) => Status !== "down");
  for (const { ID } of there) {
    const DrainSpec = { Deadline: DRAIN_NANOSECONDS, IgnoreSystemJobs: false };
    await nomad.json("PUT", `/v1/node/${ID}/drain`, { body: { DrainSpec, MarkEligible: false } });
  }
  return untilQuiet(
    nomad,
    host,
    there.map(({ ID }) => ID),
  );
}

/** Lets nodes take work again that were emptied by `quietNomad`. */
export async function wakeNomad(nomad: HttpJson): Promise<void> {
  const drained = z.array(z.looseObject({ ID: z.string(), SchedulingEligibility: z.string() }));
  for (const { ID, SchedulingEligibility } of drained.parse(await nomad.json("GET", "/v1/nodes"))) {
    if (SchedulingEligibility === "eligible") continue;
    await nomad.json("PUT", `/v1/node/${ID}/drain`, { body: { DrainSpec: null, MarkEligible: true } });
  }
}

async function untilQuiet(nomad: HttpJson, host: LocalHost, nodeIds: readonly string[]): Promise<boolean> {
  const deadlineMs = host.now() + QUIET_WITHIN_MS;
  for (;;) {
    const running = await Promise.all(
      nodeIds.map(async (id) => {
        const found = allocations.parse(await nomad.json("GET", `/v1/node/${id}/allocations`));
        return found.filter(({ ClientStatus }) => ClientStatus === "running" || ClientStatus === "pending").length;
      }),
    );
    if (running.every((count) => count === 0)) return true;
    if (host.now() > deadlineMs) return false;
    await host.pause(ASK_EVERY_MS);
  }
}

function isSet(text: string | null | undefined): boolean {
  return text !== undefined && text !== null && text !== "";
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof HttpStatusError && error.status === 404)) throw error;
}
