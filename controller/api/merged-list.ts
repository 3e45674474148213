import { ProblemError } from "../problems";
import { json, type Answer } from "./answer";
import type { ApiContext } from "./api-context";
import { mayIn } from "./caller";
import { type Page, type PageQuery, pageOf } from "./page";
import type { Call } from "./route";

const REGION_MS = 3000;

export interface MergedList<T> {
  /** This region's items, in any order. */
  readonly local: () => Promise<readonly T[]> | readonly T[];
  /** The order of the list; different for each item of the run. */
  readonly keyOf: (item: T) => string;
}

interface Missing {
  readonly region: string;
  readonly reason: string;
}

/**
 * Answers a list: this region's where the call names it or was passed on, else that of all regions that the caller
 * may see. Regions that do not answer are named instead of failing the rest.
 */
export async function mergedList<T>(
  call: Call<unknown, PageQuery & { readonly region?: string }, unknown>,
  api: ApiContext,
  { local, keyOf }: MergedList<T>,
): Promise<Answer> {
  const { actor } = call.caller;
  const here = api.backend.region;
  if (call.forwarded || call.query.region !== undefined) return json(200, pageOf(await local(), keyOf, call.query));

  const others = api.backend.regions().filter(({ name }) => name !== here && mayIn(actor, name));
  const missing: Missing[] = [];
  const pages = await Promise.all([
    mayIn(actor, here) ? Promise.resolve(local()).then((items): Page<T> => ({ items, next: null })) : undefined,
    ...others.map(({ name }) =>
      pageFrom<T>(call, api, name).catch(
        (error: unknown) => void missing.push({ region: name, reason: reasonOf(error) }),
      ),
    ),
  ]);
  const items = pages.flatMap((page) => page?.items ?? []);
  const more = pages.some((page) => page !== undefined && page.next !== null);
  return json(200, { ...pageOf(items, keyOf, call.query, more), ...(missing.length > 0 && { missing }) });
}

/** The same call, asked of one other region. Its answer comes from our own program in another process. */
async function pageFrom<T>(call: Call, api: ApiContext, region: string): Promise<Page<T>> {
  const url = api.forwarder.urlOf(region);
  if (url === undefined) throw new ProblemError("regionUnavailable", `region ${region} has no address`);
  const asked = new URL(call.request.url, "http://region");
  asked.searchParams.set("region", region);
  const answer = await api.forwarder.forward(region, url, {
    method: "GET",
    url: asked.pathname + asked.search,
    headers: call.request.headers,
    requestId: call.request.id,
    timeoutMs: REGION_MS,
  });
  const text = typeof answer.body === "string" ? answer.body : "";
  if (answer.status !== 200)
    throw new ProblemError("regionUnavailable", `region ${region} answered ${answer.status}: ${text.slice(0, 300)}`);
  const page = JSON.parse(text) as Partial<Page<T>>;
  if (!Array.isArray(page.items)) throw new ProblemError("regionUnavailable", `region ${region} answered no list`);
  return { items: page.items as T[], next: page.next ?? null };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
