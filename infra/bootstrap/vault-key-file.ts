import { z } from "zod";
import { InfraError } from "../failure";
import { readIfThere, writeWhole, type RegionFolder } from "../local/region-folder";

const schema = z.discriminatedUnion("state", [
  /** Vault was asked to initialise itself; its answer has not been kept yet. */
  z.object({ state: z.literal("asked") }),
  z.object({
    state: z.literal("kept"),
    /** One share, base64: whoever has it opens the store. */
    unsealKey: z.string().min(1),
    /** Until the bootstrap has made a lesser token and revoked it. */
    rootToken: z.string().min(1).optional(),
  }),
]);

/** What is known of Vault's initialisation: `secrets/vault-init.json`, 0600. */
export type VaultKeys = z.output<typeof schema>;

const FILE = "vault-init.json";

/** @throws {InfraError} `lostSecret` where the file is there and cannot be understood */
export function readVaultKeys(folder: RegionFolder): VaultKeys | undefined {
  const file = folder.secret(FILE);
  const text = readIfThere(file);
  if (text === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    throw lostKey(folder, "cannot be understood");
  }
}

export function writeVaultKeys(folder: RegionFolder, keys: VaultKeys): void {
  writeWhole(folder.secret(FILE), JSON.stringify(keys));
}

export function lostKey(folder: RegionFolder, what: string): InfraError {
  const message = `Vault is initialised, and ${folder.secret(FILE)}, which holds the key that opens it, ${what}`;
  const fix = "bring the file back; without it what Vault keeps is lost: `infra down REGION --purge`, then start anew";
  return new InfraError("lostSecret", message, fix);
}
