import type { IdSource } from "./core/core-interface";

const PREFIX = { server: "srv", session: "ses", match: "mtc", queue: "que", decision: "dec" } as const;
const ID_BYTES = 8;
const TOKEN_BYTES = 24;
/** Drawn at once: a call of the system's generator for each id costs more than the rest of a session's making. */
const POOL_BYTES = 4096;

/**
 * Random ids that carry their region, so that any controller of the run knows whom to ask; tokens carry nothing.
 * @param fill fills a buffer with random bytes that nobody can guess, as `crypto.randomFillSync` does
 */
export function idSource(region: string, fill: (buffer: Buffer) => unknown): IdSource {
  const pool = Buffer.alloc(POOL_BYTES);
  let at = POOL_BYTES;
  const draw = (bytes: number, encoding: "hex" | "base64url"): string => {
    if (at + bytes > POOL_BYTES) {
      fill(pool);
      at = 0;
    }
    const text = pool.toString(encoding, at, at + bytes);
    at += bytes;
    return text;
  };
  return (kind) =>
    kind === "token" ? draw(TOKEN_BYTES, "base64url") : `${PREFIX[kind]}-${region}-${draw(ID_BYTES, "hex")}`;
}
