import { PlayerClient, type Place } from "eustress-forge-sdk/player";

export interface Asks {
  /** Controllers that are left. */
  readonly urls: readonly string[];
  readonly forMs: number;
  readonly now: () => number;
}

/** What the player of a lost server heard, and when by `now`. */
export type Told =
  | { readonly kind: "moved"; readonly atMs: number }
  | { readonly kind: "ended" }
  | { readonly kind: "untold"; readonly reason: string };

/** Asks where a seat is now as its player does, by the SDK and with the ticket, from the moment that the server is gone. */
export async function toldWhere(place: Place, { urls, forMs, now }: Asks): Promise<Told> {
  const client = new PlayerClient({ url: urls });
  client.adopt(place);
  try {
    const outcome = await client.follow({ moved: true, forMs });
    if (outcome.kind === "moved") return { kind: "moved", atMs: now() };
    return outcome.kind === "ended" ? { kind: "ended" } : { kind: "untold", reason: outcome.kind };
  } catch (error) {
    return { kind: "untold", reason: (error as Error).message };
  }
}
