import { z } from "zod";
import { HttpStatusError, type HttpJson } from "../../clients/http-json";
import { gameServerJobPrefix } from "../../config/region-names";

const jobs = z.array(z.looseObject({ ID: z.string(), ParentID: z.string().nullish() }));
const allocations = z.array(z.looseObject({ ClientStatus: z.string() }));

export interface PurgeOptions {
  readonly region: string;
  /** Where the games' jobs are. */
  readonly namespace: string;
  readonly now: () => number;
  readonly pause: (ms: number) => Promise<void>;
}

/** The longest that a server may take to end, by its kill timeout, is shorter. */
const ENDED_WITHIN_MS = 120_000;
const ASK_EVERY_MS = 300;

/**
 * Ends every game server of a region: the jobs that were dispatched from its parameterized ones, which purging those
 * leaves running. Each is asked to end and gets its grace period; when none runs any more they are purged, so that their
 * namespace can go.
 *
 * @returns how many there were
 * @throws {Error} where some would not end in time
 */
export async function purgeServers(nomad: HttpJson, options: PurgeOptions): Promise<number> {
  const { region, namespace, now, pause } = options;
  const seen = new Set<string>();
  const deadlineMs = now() + ENDED_WITHIN_MS;
  for (;;) {
    // Looked for again and again: a controller that is still leaving may have started one meanwhile.
    const children = await childrenOf(nomad, region, namespace);
    if (children.length === 0) return seen.size;
    const running = await Promise.all(children.map((id) => isRunning(nomad, id, namespace)));
    const ended = children.filter((_, index) => running[index] === false);
    const asked = children.filter((id, index) => running[index] === true && !seen.has(id));
    for (const id of children) seen.add(id);
    await Promise.all([
      ...asked.map((id) => deregister(nomad, id, namespace, false)),
      ...ended.map((id) => deregister(nomad, id, namespace, true)),
    ]);
    if (now() > deadlineMs) {
      const left = children.filter((_, index) => running[index] === true);
      throw new Error(
        `${left.length} game servers have not ended within ${ENDED_WITHIN_MS / 1000} s: ${left[0] ?? ""} …`,
      );
    }
    await pause(ASK_EVERY_MS);
  }
}

async function childrenOf(nomad: HttpJson, region: string, namespace: string): Promise<readonly string[]> {
  try {
    const query = { namespace, prefix: gameServerJobPrefix(region) };
    const found = jobs.parse(await nomad.json("GET", "/v1/jobs", { query }));
    return found.filter(({ ParentID }) => (ParentID ?? "") !== "").map(({ ID }) => ID);
  } catch (error) {
    // A namespace that is gone holds none.
    if (error instanceof HttpStatusError && error.status === 404) return [];
    throw error;
  }
}

async function isRunning(nomad: HttpJson, id: string, namespace: string): Promise<boolean> {
  const path = `/v1/job/${encodeURIComponent(id)}/allocations`;
  const found = allocations.parse(await nomad.json("GET", path, { query: { namespace } }));
  return found.some(({ ClientStatus }) => ClientStatus === "running" || ClientStatus === "pending");
}

async function deregister(nomad: HttpJson, id: string, namespace: string, purge: boolean): Promise<void> {
  try {
    await nomad.json("DELETE", `/v1/job/${encodeURIComponent(id)}`, { query: { namespace, purge } });
  } catch (error) {
    if (!(error instanceof HttpStatusError && error.status === 404)) throw error;
  }
}
