import type { RegionConfig } from "../../config/config";
import { regionEndpoints } from "../../config/region-endpoints";
import { systemNamespace } from "../../config/region-names";
import { vaultPlaces } from "../../config/region-vault";
import { runSecretsOf } from "../embedded/run-secrets-file";
import { systemClient } from "../system-client";
import { placeInNomad, placeInVault, removeFromNomad } from "./place-run-secrets";

export interface SecretsResult {
  readonly place: "vault" | "nomadVariables";
  /** False where all was so already. */
  readonly written: boolean;
}

export interface SecretsOptions {
  /** See `placeInNomad`. */
  readonly gateJob?: string | undefined;
  /** Takes them away again; those in a Vault go with their mount. */
  readonly remove?: boolean;
}

/**
 * Puts the run's secrets where a region's programs read them: its Vault where it has one, else Nomad's variables. They are
 * made where there are none yet, beside forge.toml.
 *
 * @param folder of the forge.toml
 * @throws {InfraError} with what to do
 */
export async function placeSecrets(
  region: RegionConfig,
  folder: string,
  env: Readonly<Record<string, string | undefined>>,
  { gateJob, remove = false }: SecretsOptions = {},
): Promise<SecretsResult> {
  const endpoints = regionEndpoints(region, folder);
  const places = vaultPlaces(region);
  const client = systemClient(places === undefined ? endpoints.nomad : endpoints.vault, env);
  try {
    if (places !== undefined) {
      const written = !remove && (await placeInVault(client, places, runSecretsOf(folder)));
      return { place: "vault", written };
    }
    const place = { region: region.name, namespace: systemNamespace(region) };
    const written = remove
      ? await removeFromNomad(client, place)
      : await placeInNomad(client, place, runSecretsOf(folder), gateJob);
    return { place: "nomadVariables", written };
  } finally {
    await client.close();
  }
}
