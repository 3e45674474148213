import { linkSync, rmSync, writeFileSync } from "node:fs";
import { InfraError, systemCode } from "../failure";
import { identify, isAlive, type ProcessIdentity } from "./process-identity";
import { readIfThere } from "./region-folder";

/**
 * One command at a time on a region's hosts. A lock whose process is gone counts for nothing.
 *
 * @returns what gives it back
 * @throws {InfraError} `busy` while another command holds it
 */
export function lockRegion(file: string, region: string): () => void {
  // Linked into place, so that the lock is there with its owner's name or not at all.
  const partial = `${file}.${String(process.pid)}`;
  writeFileSync(partial, JSON.stringify(identify(process.pid)), { mode: 0o600 });
  try {
    return take(file, partial, region);
  } finally {
    rmSync(partial, { force: true });
  }
}

function take(file: string, partial: string, region: string): () => void {
  for (let attempt = 0; attempt < 3; attempt += 1) {
    try {
      linkSync(partial, file);
      return () => rmSync(file, { force: true });
    } catch (error) {
      if (systemCode(error) !== "EEXIST") throw error;
    }
    const holder = holderOf(file);
    if (holder !== undefined && isAlive(holder)) {
      const message = `another command works on region ${region} (process ${String(holder.pid)})`;
      throw new InfraError("busy", message, "wait until it has ended, then run the same again");
    }
    rmSync(file, { force: true });
  }
  throw new InfraError("busy", `other commands work on region ${region}`, "run the same again");
}

function holderOf(file: string): ProcessIdentity | undefined {
  try {
    const { pid, started } = JSON.parse(readIfThere(file) ?? "") as Partial<ProcessIdentity>;
    return typeof pid === "number" && typeof started === "string" ? { pid, started } : undefined;
  } catch {
    return undefined;
  }
}
