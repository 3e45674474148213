/** What is needed of the disk to follow a token's file. */
export interface TokenDisk {
  mtimeMs(file: string): number;
  read(file: string): string;
}

/**
 * A token that Nomad renews in a file: asked for at each call, read again when the file has changed.
 * @returns the token; undefined where there is no file (yet), which Nomad takes for an anonymous caller
 */
export function fileToken(file: string, disk: TokenDisk): () => string | undefined {
  let last: { readonly mtimeMs: number; readonly token: string | undefined } | undefined;
  return () => {
    try {
      const mtimeMs = disk.mtimeMs(file);
      if (last?.mtimeMs !== mtimeMs) last = { mtimeMs, token: disk.read(file).trim() || undefined };
      return last.token;
    } catch {
      // While it is being replaced the last one still holds.
      return last?.token;
    }
  };
}
