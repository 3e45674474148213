import { randomBytes } from "node:crypto";

/** What the programs of one run know and nobody else: made anew for each run, kept in 0600 files only. */
export interface RunSecrets {
  /** Between the programs themselves. */
  readonly shared: string;
  /** Players' tickets. */
  readonly ticket: string;
  /** API tokens. */
  readonly token: string;
}

export function newRunSecrets(): RunSecrets {
  const secret = (): string => randomBytes(32).toString("base64url");
  return { shared: secret(), ticket: secret(), token: secret() };
}
