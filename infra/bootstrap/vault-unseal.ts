import type { HttpJson } from "../../clients/http-json";
import { InfraError } from "../failure";
import type { LocalHost } from "../local/local-host";
import type { RegionFolder } from "../local/region-folder";
import { readVaultKeys } from "./vault-key-file";

interface SealStatus {
  readonly initialized: boolean;
  readonly sealed: boolean;
}

const PATIENCE = { tries: 240, everyMs: 250 };

export function sealStatus(vault: HttpJson): Promise<SealStatus> {
  return vault.json<SealStatus>("GET", "/v1/sys/seal-status");
}

/**
 * Opens Vault's store where it is closed and its key is known, and waits until Vault leads. Does nothing before Vault has
 * been initialised.
 *
 * @returns whether it was closed
 * @throws {InfraError} `sealed` where the key does not open it, `noLeader` where nobody leads within a minute
 */
export async function unseal(vault: HttpJson, folder: RegionFolder, host: LocalHost): Promise<boolean> {
  const { initialized, sealed } = await sealStatus(vault);
  const keys = readVaultKeys(folder);
  if (!initialized || keys?.state !== "kept") return false;
  if (sealed) {
    const body = { key: keys.unsealKey };
    const after = await vault.json<SealStatus>("PUT", "/v1/sys/unseal", { body }).catch(() => undefined);
    if (after?.sealed !== false) {
      const fix =
        "bring back the key file of this region's data, or remove the region with `infra down REGION --purge`";
      throw new InfraError("sealed", "Vault is sealed, and the key in secrets/vault-init.json does not open it", fix);
    }
  }
  await untilActive(vault, host);
  return sealed;
}

async function untilActive(vault: HttpJson, host: LocalHost): Promise<void> {
  for (let attempt = 0; attempt < PATIENCE.tries; attempt += 1) {
    const query = { standbycode: 503, uninitcode: 503, sealedcode: 503 };
    const active = await vault.answer("GET", "/v1/sys/health", { query }).then(
      () => true,
      () => false,
    );
    if (active) return;
    await host.pause(PATIENCE.everyMs);
  }
  throw new InfraError(
    "noLeader",
    "Vault is open and leads nobody after a minute",
    "read logs/vault.log of the region",
  );
}
