import { isAbsolute, join } from "node:path";
import type { RegionConfig, SystemConfig } from "./config";

/** One of a region's systems as a stack or command reaches it. Files are absolute paths where `folder` was one. */
export interface SystemEndpoint {
  readonly address: string;
  /** PEM of the authority that signed its certificate; undefined: those that this machine trusts anyway. */
  readonly caFile: string | undefined;
  /** 0600 file that holds a token and nothing else; undefined: `tokenEnv` has it, where there is one. */
  readonly tokenFile: string | undefined;
  /** The variable by which its maker's own tools, and Terraform's provider, take a token. */
  readonly tokenEnv: "NOMAD_TOKEN" | "CONSUL_HTTP_TOKEN" | "VAULT_TOKEN";
}

export interface RegionEndpoints {
  readonly nomad: SystemEndpoint;
  readonly consul: SystemEndpoint;
  readonly vault: SystemEndpoint;
}

/** Where everything of a region lies that Forge runs on this machine; docs/nomad-region.md says what. */
export function regionFolder(region: string, folder: string): string {
  return join(folder, ".forge", "regions", region);
}

/** Names below a region's folder of what the makers of a region and its users both have to find. */
export const REGION_FILES = {
  ca: join("tls", "ca.pem"),
  nomadToken: join("secrets", "nomad-management.token"),
  consulToken: join("secrets", "consul-management.token"),
  vaultToken: join("secrets", "vault-deploy.token"),
} as const;

/**
 * How to reach a region's Nomad, Consul and Vault, and where the tokens for it are. Of a region that Forge runs on this
 * machine they are in files that its bootstrap writes; of any other they are in the environment only.
 *
 * @param folder the one that forge.toml lies in
 */
export function regionEndpoints(
  region: Pick<RegionConfig, "name" | "engine" | "hosts" | "nomad" | "consul" | "vault">,
  folder: string,
): RegionEndpoints {
  const ours = region.engine === "nomad" && region.hosts === "local";
  const file = (name: string) => (ours ? join(regionFolder(region.name, folder), name) : undefined);
  const at = ({ address, caFile }: SystemConfig) => ({
    address,
    caFile: caFile === undefined || isAbsolute(caFile) ? caFile : join(folder, caFile),
  });
  const ca = ours ? { caFile: file(REGION_FILES.ca) } : {};
  return {
    nomad: { ...at(region.nomad), ...ca, tokenFile: file(REGION_FILES.nomadToken), tokenEnv: "NOMAD_TOKEN" },
    // Consul of a local region speaks HTTP on loopback.
    consul: { ...at(region.consul), tokenFile: file(REGION_FILES.consulToken), tokenEnv: "CONSUL_HTTP_TOKEN" },
    vault: { ...at(region.vault), ...ca, tokenFile: file(REGION_FILES.vaultToken), tokenEnv: "VAULT_TOKEN" },
  };
}
