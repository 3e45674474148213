import type { RegionConfig } from "../config/config";
import {
  agentLinkService,
  configKey,
  controllerService,
  gameServerService,
  leadersKeys,
  type RegionProgram,
} from "../config/region-names";
import type { VaultPlaces } from "../config/region-vault";
import { programClaims } from "./program-claims";

/** What Forge's programs may do in Consul and Vault, and nothing else, as texts of ACL policies. */

/** The gate needs nothing of Consul. */
export type ConsulProgram = "controller" | "agent";

/** In Consul's own language, in its older form that 1.8 reads as well. */
export function consulRules({ name }: Pick<RegionConfig, "name">, program: ConsulProgram): string {
  const servers = gameServerService("");
  const rules: Readonly<Record<ConsulProgram, readonly string[]>> = {
    controller: [
      consulRule("key", configKey(name), "read"),
      ...leadersKeys(name).map((key) => consulRule("key", key, "write")),
      consulRule("service", controllerService(name), "write"),
      consulRule("service", agentLinkService(name), "write"),
      // The lock's session lies on the node that the controller runs on, whichever that is.
      consulRule("session_prefix", "", "write"),
      consulRule("node_prefix", "", "read"),
      consulRule("agent_prefix", "", "read"),
      consulRule("service_prefix", servers, "read"),
    ],
    agent: [
      consulRule("service_prefix", servers, "write"),
      consulRule("service", agentLinkService(name), "read"),
      consulRule("node_prefix", "", "read"),
      consulRule("agent_prefix", "", "read"),
    ],
  };
  return rules[program].join("");
}

/** Which identities get a program's role at Consul: an expression over what the auth method maps. */
export function consulSelector(region: RegionConfig, program: ConsulProgram): string {
  const claims = Object.entries(programClaims(region, program));
  return claims.map(([claim, value]) => `value.${claim} == "${value}"`).join(" and ");
}

export function consulRule(kind: string, name: string, policy: "read" | "write"): string {
  return `${kind} ${JSON.stringify(name)} {\n  policy = "${policy}"\n}\n`;
}

/** In Vault: the run's secrets, and certificates where somebody issues them. */
export function vaultRules({ kvMount, kvPath, pki }: VaultPlaces, program: RegionProgram): string {
  const run = vaultGrant(`${kvMount}/data/${kvPath}`, ["read"]);
  if (program === "gate" || pki === undefined) return run;
  return run + vaultGrant(`${pki.mount}/issue/${pki.role}`, ["create", "update"]);
}

type Capability = "create" | "read" | "update" | "delete" | "list";

export function vaultGrant(path: string, capabilities: readonly Capability[]): string {
  return `path "${path}" {\n  capabilities = ${JSON.stringify(capabilities)}\n}\n`;
}
