import { readFileSync } from "node:fs";
import { HttpJson } from "../../clients/http-json";
import type { RegionConfig } from "../../config/config";
import { regionEndpoints, type SystemEndpoint } from "../../config/region-endpoints";
import { systemNamespace } from "../../config/region-names";
import { runSecretsOf } from "../embedded/run-secrets-file";
import { readIfThere } from "../local/region-folder";
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
 * Puts the run's secrets where a region's programs read them: its Vault where Forge manages that, else Nomad's variables.
 * They are made where there are none yet, beside forge.toml.
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
  const inVault = region.manage.includes("vault");
  const [name, header, endpoint] = inVault
    ? (["Vault", "X-Vault-Token", endpoints.vault] as const)
    : (["Nomad", "X-Nomad-Token", endpoints.nomad] as const);
  const client = clientOf(name, header, endpoint, env);
  try {
    if (inVault) {
      const written = !remove && (await placeInVault(client, region.name, runSecretsOf(folder)));
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

function clientOf(
  name: string,
  header: string,
  { address, caFile, tokenFile, tokenEnv }: SystemEndpoint,
  env: Readonly<Record<string, string | undefined>>,
): HttpJson {
  const token = (tokenFile === undefined ? undefined : readIfThere(tokenFile)?.trim()) ?? env[tokenEnv];
  return new HttpJson({
    name,
    address,
    ca: caFile === undefined ? undefined : readFileSync(caFile, "utf8"),
    headers: () => (token === undefined ? {} : { [header]: token }),
  });
}
