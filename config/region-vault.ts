import type { RegionConfig } from "./config";
import {
  PKI_ROLE,
  programPolicy,
  RUN_SECRETS_PATH,
  vaultAuthMount,
  vaultKvMount,
  vaultPkiMount,
  type RegionProgram,
} from "./region-names";

/** The places in a region's Vault that its programs use. */
export interface VaultPlaces {
  /** JWT login, below `auth/`. */
  readonly authMount: string;
  /** Each program's role there. */
  readonly role: (program: RegionProgram) => string;
  /** KV v2 mount and item of the run's secrets. */
  readonly kvMount: string;
  readonly kvPath: string;
  /** Undefined: nobody certifies the programs, and they speak no TLS. */
  readonly pki: { readonly mount: string; readonly role: string } | undefined;
}

/**
 * Where in Vault a region's programs find what is theirs: mounts of their own where `manage` has vault, else those that
 * forge.toml names in somebody else's; undefined where it names none, and the run's secrets are in Nomad's variables.
 */
export function vaultPlaces({
  name,
  manage,
  vault,
}: Pick<RegionConfig, "name" | "manage" | "vault">): VaultPlaces | undefined {
  if (manage.includes("vault")) {
    return {
      authMount: vaultAuthMount(name),
      role: (program) => program,
      kvMount: vaultKvMount(name),
      kvPath: RUN_SECRETS_PATH,
      pki: { mount: vaultPkiMount(name), role: PKI_ROLE },
    };
  }
  const { authMount, kvMount = "secret", pkiMount } = vault;
  if (authMount === undefined) return undefined;
  return {
    authMount,
    role: (program) => programPolicy(name, program),
    kvMount,
    kvPath: `forge/${name}`,
    pki: pkiMount === undefined ? undefined : { mount: pkiMount, role: `forge-${name}` },
  };
}
