import { z } from "zod";
import type { HttpJson } from "../../clients/http-json";

export interface EndServersDeps {
  readonly nomad: Pick<HttpJson, "json">;
  /** Milliseconds. */
  readonly now: () => number;
  readonly pause: (ms: number) => Promise<unknown>;
}

const jobs = z.array(z.object({ ID: z.string(), ParentID: z.string().nullish() }));
const allocations = z.array(z.object({ JobID: z.string(), ClientStatus: z.string() }));

/** A match may take as long to end as its own grace period, and a node that is away longer: then it ends by itself. */
const DEADLINE_MS = 300_000;
const ASK_EVERY_MS = 500;
/** Agents look after processes four times a second, then take the server out of Consul; they are ended next. */
const AGENTS_NOTICE_MS = 2000;

/**
 * Ends every game server of a region and removes it from Nomad: a parameterized job that is purged leaves running what was
 * dispatched from it, and then the namespace cannot go. Whoever dispatches has to be gone by now.
 *
 * First they are stopped, and purged once they have ended: Nomad forgets the allocations of a purged job while they still
 * take their time to end.
 *
 * @returns how many it ended
 * @throws {Error} where some still run after five minutes
 */
export async function endServers(
  { namespace, jobPrefix }: { readonly namespace: string; readonly jobPrefix: string },
  { nomad, now, pause }: EndServersDeps,
): Promise<number> {
  const deadlineMs = now() + DEADLINE_MS;
  const query = { namespace, prefix: jobPrefix };
  const stopped = new Set<string>();
  const remove = (id: string, purge: boolean) =>
    nomad.json("DELETE", `/v1/job/${encodeURIComponent(id)}`, { query: { namespace, purge } });
  for (;;) {
    const found = jobs.parse(await nomad.json("GET", "/v1/jobs", { query }));
    const children = found.filter(({ ParentID }) => ParentID !== undefined && ParentID !== null && ParentID !== "");
    const fresh = children.filter(({ ID }) => !stopped.has(ID));
    for (const { ID } of fresh) {
      await remove(ID, false);
      stopped.add(ID);
    }
    const running = allocations
      .parse(await nomad.json("GET", "/v1/allocations", { query: { namespace } }))
      .filter(({ JobID, ClientStatus }) => isChild(JobID, jobPrefix) && !OVER.has(ClientStatus));
    if (fresh.length === 0 && running.length === 0) {
      for (const { ID } of children) await remove(ID, true);
      if (stopped.size > 0) await pause(AGENTS_NOTICE_MS);
      return stopped.size;
    }
    if (now() > deadlineMs) {
      const first = running[0]?.JobID ?? children[0]?.ID ?? "";
      throw new Error(
        `${Math.max(children.length, running.length)} game servers in namespace ${namespace} still run after ` +
          `${DEADLINE_MS / 60_000} minutes, ${first} among them: look at its node, then run this again`,
      );
    }
    await pause(ASK_EVERY_MS);
  }
}

const OVER = new Set(["complete", "failed", "lost"]);

function isChild(jobId: string, jobPrefix: string): boolean {
  return jobId.startsWith(jobPrefix) && jobId.includes("/dispatch-");
}
