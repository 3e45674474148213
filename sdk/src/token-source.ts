import { ForgeApiError } from "./errors";

/**
 * A token, or what gives one: asked before each attempt, so that whoever writes the next token into a file or a
 * variable is heard without a restart. Space around a token does not matter. What it throws, the call throws.
 */
export type TokenSource = string | (() => string | Promise<string>);

/**
 * Runs `attempt` with the header that says who is asking; with none where there is no source. Where the answer is 401
 * and the source has another token by then, once more with that.
 */
export async function withToken<T>(
  source: TokenSource | undefined,
  attempt: (authorization: Readonly<Record<string, string>>) => Promise<T>,
): Promise<T> {
  if (source === undefined) return attempt({});
  if (typeof source === "string") return attempt(bearer(source));
  const token = await source();
  try {
    return await attempt(bearer(token));
  } catch (error) {
    if (!(error instanceof ForgeApiError) || error.status !== 401) throw error;
    const next = await source();
    if (next.trim() === token.trim()) throw error;
    return attempt(bearer(next));
  }
}

function bearer(token: string): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${token.trim()}` };
}
