import type { ApiContext } from "../api-context";
import { regionOfId } from "../region-of-id";
import type { Call } from "../route";

/** The region that the id in the path names; this one where it names none, which then does not know it. */
export function regionOfPathId({ params }: Call<{ readonly id: string }>, { backend }: ApiContext): string {
  return regionOfId(params.id, backend.regions()) ?? backend.region;
}

/** The region of `?region=`; undefined where all are asked. */
export function regionOfQuery({ query }: Call<unknown, { readonly region?: string }>): string | undefined {
  return query.region;
}

/** The region of `?region=`, else this one. */
export function regionOfQueryOrHere(
  { query }: Call<unknown, { readonly region?: string }>,
  { backend }: ApiContext,
): string {
  return query.region ?? backend.region;
}
