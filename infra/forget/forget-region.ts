import { HttpStatusError, HttpUnreachable } from "../../clients/http-json";
import type { RegionConfig } from "../../config/config";
import { regionEndpoints } from "../../config/region-endpoints";
import { leadersKeys } from "../../config/region-names";
import { vaultPlaces } from "../../config/region-vault";
import { systemClient } from "../system-client";
import { clearNodes } from "./clear-nodes";

export interface ForgetWorld {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds. */
  readonly now: () => number;
  readonly pause: (ms: number) => Promise<unknown>;
}

export interface ForgetResult {
  readonly removed: readonly string[];
  /** What could not be taken away, each with why. It is in nobody's way. */
  readonly left: readonly string[];
}

/**
 * Takes away what a region's programs and commands have written on a cluster of others beside what Terraform knows: the
 * run's secrets, what its leaders kept in Consul, the folders on the nodes. The region's jobs are gone by now.
 *
 * What cannot be reached, or what a token may not do, holds nothing up: the result tells it.
 *
 * @param folder of the forge.toml
 */
export async function forgetRegion(region: RegionConfig, folder: string, world: ForgetWorld): Promise<ForgetResult> {
  const endpoints = regionEndpoints(region, folder);
  const nomad = systemClient(endpoints.nomad, world.env);
  const consul = systemClient(endpoints.consul, world.env);
  const vault = systemClient(endpoints.vault, world.env);
  const removed: string[] = [];
  const left: string[] = [];
  const attempt = async (what: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
      removed.push(what);
    } catch (error) {
      if (!(error instanceof HttpStatusError || error instanceof HttpUnreachable)) throw error;
      left.push(`${what} (${error.message})`);
    }
  };
  try {
    await attempt("the folders on the nodes", () => clearNodes(region, nomad, world));
    // The mounts of a Vault of ours go with their stack, and Nomad's variables with the resource that wrote them.
    const places = region.manage.includes("vault") ? undefined : vaultPlaces(region);
    if (places !== undefined) {
      const path = `/v1/${places.kvMount}/metadata/${places.kvPath}`;
      await attempt("the run's secrets in Vault", () => vault.json("DELETE", path));
    }
    for (const key of leadersKeys(region.name))
      await attempt(`${key} in Consul`, () => consul.json("DELETE", `/v1/kv/${key}`));
    return { removed, left };
  } finally {
    await Promise.all([nomad.close(), consul.close(), vault.close()]);
  }
}
