import { ALL_REGIONS, type Tokens } from "./tokens";

const LIFE_SECS = 3600;
/** It is made anew with this much of its life left. */
const SLACK_SECS = 300;

/** A controller's own token, for calls of other regions' APIs and of its own region's leader. */
export function ownToken(
  tokens: Tokens,
  { sub, role }: { readonly sub: string; readonly role: "viewer" | "allocator" | "operator" },
): () => string {
  let current = { token: "", expiresAtMs: 0 };
  return () => {
    if (tokens.nowMs() > current.expiresAtMs - SLACK_SECS * 1000)
      current = tokens.mint({ sub, role, regions: [ALL_REGIONS], expiresInSecs: LIFE_SECS });
    return current.token;
  };
}
