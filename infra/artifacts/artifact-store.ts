import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { readIfThere, writeWhole } from "../local/region-folder";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const listSchema = z.record(z.string(), z.object({ file: z.string().regex(/^[\w.-]+(?:\/[\w.-]+)*$/), sha256 }));

/**
 * The bundles that nodes get: those that were built last, by name, and every one that was ever asked for by its checksum,
 * because a job that is rolled back asks for the old bytes.
 */
export class ArtifactStore {
  constructor(
    /** Folder with `bundles.json` and the files that it lists. */
    private readonly dist: string,
    /** Folder that keeps what was given out, by checksum. */
    private readonly kept: string,
  ) {}

  /** The bytes at a path of the server (`/controller.js`, `/SHA256/controller.js`); undefined where there are none. */
  read(path: string): Buffer | undefined {
    const [, hash, name = ""] = /^\/(?:([0-9a-f]{64})\/)?([\w./-]+)$/.exec(path) ?? [];
    const listed = this.list().find(({ file }) => file === name);
    if (hash === undefined) return listed === undefined ? undefined : this.built(listed);
    // Names from outside are compared with the list or are checksums: none becomes a path otherwise.
    return this.old(hash) ?? (listed?.sha256 === hash ? this.built(listed) : undefined);
  }

  /** A build that is under way may have the file and not yet its checksum: then there is none. */
  private built({ file, sha256: wanted }: { readonly file: string; readonly sha256: string }): Buffer | undefined {
    const bytes = bytesOf(join(this.dist, file));
    if (bytes === undefined || hashOf(bytes) !== wanted) return undefined;
    if (this.old(wanted) === undefined) writeWhole(join(this.kept, wanted), bytes);
    return bytes;
  }

  private old(hash: string): Buffer | undefined {
    const bytes = bytesOf(join(this.kept, hash));
    return bytes !== undefined && hashOf(bytes) === hash ? bytes : undefined;
  }

  private list(): readonly { readonly file: string; readonly sha256: string }[] {
    try {
      return Object.values(listSchema.parse(JSON.parse(readIfThere(join(this.dist, "bundles.json")) ?? "{}")));
    } catch {
      return [];
    }
  }
}

function bytesOf(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}

function hashOf(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
