import { Audit } from "@cdktf/provider-vault/lib/audit";
import { JwtAuthBackend } from "@cdktf/provider-vault/lib/jwt-auth-backend";
import { JwtAuthBackendRole } from "@cdktf/provider-vault/lib/jwt-auth-backend-role";
import { Mount } from "@cdktf/provider-vault/lib/mount";
import { PkiSecretBackendRole } from "@cdktf/provider-vault/lib/pki-secret-backend-role";
import { PkiSecretBackendRootCert } from "@cdktf/provider-vault/lib/pki-secret-backend-root-cert";
import { Policy } from "@cdktf/provider-vault/lib/policy";
import { TransitSecretBackendKey } from "@cdktf/provider-vault/lib/transit-secret-backend-key";
import type { TerraformResource } from "cdktf";
import { Construct } from "constructs";
import type { RegionConfig } from "../config/config";
import { regionFolder } from "../config/region-endpoints";
import {
  PKI_ROLE,
  programPolicy,
  TRANSIT_KEY,
  vaultAuditDevice,
  vaultAuthMount,
  vaultKvMount,
  vaultOwnPolicy,
  vaultPkiMount,
  vaultTransitMount,
  type RegionProgram,
} from "../config/region-names";
import { vaultPlaces } from "../config/region-vault";
import { escapeTemplate } from "../jobs/escape";
import { infraCommand, type InfraProgram } from "./infra-command";
import { JWT_ALGORITHMS, jwksUrl, vaultLoginRole } from "./program-claims";
import { vaultGrant, vaultRules } from "./program-rights";
import { addVaultProvider, textOf } from "./providers";
import { RegionStack, type RegionStackProps } from "./region-stack";
import { TerraformData } from "./terraform-data";

export interface RegionVaultProps extends RegionStackProps {
  /** Writes the run's secrets, which Terraform must not see. */
  readonly infra: InfraProgram;
  /**
   * File that Vault writes its audit log to, on Vault's host; an audit device is of the whole Vault.
   * @default on hosts = local the region's `logs/vault-audit.log`, elsewhere none: that Vault has its own
   */
  readonly auditFile?: string;
}

const DAY_SECS = 86_400;
const ROOT_TTL_SECS = 3650 * DAY_SECS;
const CERTIFICATE_TTL_SECS = 3 * DAY_SECS;

/**
 * `REGION-vault`: what a region needs of its Vault (or OpenBao). How a Nomad task logs in (JWT, a role for each program),
 * what it may then do, where the run's secrets are (KV v2), who certifies the region's programs (PKI), a transit key, and
 * the audit log. The last resource runs a program that writes the run's secrets: they pass Terraform by.
 *
 * Construct ids are a contract: they decide the addresses in the state.
 */
export class RegionVault extends RegionStack<RegionVaultProps> {
  constructor(scope: Construct, id: string, props: RegionVaultProps) {
    super(scope, id, props);
    const { region } = props;
    addVaultProvider(this, this.endpoints.vault);
    const audit = this.addAudit(props);
    const kv = new Mount(this, "kv", {
      path: vaultKvMount(region.name),
      type: "kv",
      options: { version: "2" },
      description: `Secrets of Forge's region ${region.name}`,
    });
    addPki(this, region);
    addTransit(this, region);
    const login = this.addLogin(region);
    const own = new Policy(this, "own", {
      name: vaultOwnPolicy(region.name),
      policy: ownPolicy(region, login.accessor),
    });
    for (const program of ["controller", "agent", "gate"] as const) addRole(this, region, program, login, own);
    new TerraformData(this, "secrets", {
      // Another mount has none of them.
      triggersReplace: [kv.accessor],
      dependsOn: [kv, ...(audit === undefined ? [] : [audit])],
      provisioners: [infraCommand(props.infra, "secrets", region.name)],
    });
  }

  private addAudit({ region, folder, auditFile }: RegionVaultProps): TerraformResource | undefined {
    const local = `${regionFolder(region.name, folder)}/logs/vault-audit.log`;
    const file = auditFile ?? (region.hosts === "local" ? local : undefined);
    if (file === undefined) return undefined;
    return new Audit(this, "audit", {
      path: vaultAuditDevice(region.name),
      type: "file",
      options: { file_path: escapeTemplate(file) },
      description: "Every request, its secrets as HMAC",
    });
  }

  private addLogin(region: RegionConfig): JwtAuthBackend {
    const { caFile } = this.endpoints.nomad;
    return new JwtAuthBackend(this, "login", {
      path: vaultAuthMount(region.name),
      type: "jwt",
      description: `Workload identities of Nomad ${region.name}`,
      // One for each region: each Nomad signs with keys of its own.
      jwksUrl: escapeTemplate(jwksUrl(region)),
      ...(caFile === undefined ? {} : { jwksCaPem: textOf(caFile) }),
      jwtSupportedAlgs: [...JWT_ALGORITHMS.vault],
    });
  }
}

function addPki(scope: Construct, { name }: RegionConfig): void {
  const of = new Construct(scope, "pki");
  const mount = new Mount(of, "mount", {
    path: vaultPkiMount(name),
    type: "pki",
    description: `Certificates of Forge's programs in ${name}`,
    defaultLeaseTtlSeconds: CERTIFICATE_TTL_SECS,
    maxLeaseTtlSeconds: ROOT_TTL_SECS,
  });
  const root = new PkiSecretBackendRootCert(of, "root", {
    backend: mount.path,
    // Its key never leaves Vault.
    type: "internal",
    commonName: `Forge ${name}`,
    ttl: String(ROOT_TTL_SECS),
    keyType: "ec",
    keyBits: 256,
  });
  new PkiSecretBackendRole(of, "role", {
    backend: mount.path,
    name: PKI_ROLE,
    allowedDomains: [`${name}.forge`],
    allowSubdomains: true,
    allowLocalhost: true,
    allowIpSans: true,
    allowBareDomains: false,
    allowAnyName: false,
    keyType: "ec",
    keyBits: 256,
    serverFlag: true,
    clientFlag: true,
    ttl: String(CERTIFICATE_TTL_SECS),
    maxTtl: String(CERTIFICATE_TTL_SECS),
    dependsOn: [root],
  });
}

function addTransit(scope: Construct, { name }: RegionConfig): void {
  const of = new Construct(scope, "transit");
  const mount = new Mount(of, "mount", {
    path: vaultTransitMount(name),
    type: "transit",
    description: `Keys of Forge's region ${name} that never leave Vault`,
  });
  new TransitSecretBackendKey(of, "key", {
    backend: mount.path,
    name: TRANSIT_KEY,
    type: "aes256-gcm96",
    exportable: false,
    // A region that is destroyed takes its keys along.
    deletionAllowed: true,
  });
}

/** One program's policy and the role by which its identity, and nobody else's, gets it. */
function addRole(
  scope: Construct,
  region: RegionConfig,
  program: RegionProgram,
  login: JwtAuthBackend,
  own: Policy,
): void {
  const of = new Construct(scope, program);
  const policy = new Policy(of, "policy", {
    name: programPolicy(region.name, program),
    policy: policyOf(region, program),
  });
  const role = vaultLoginRole(region, program);
  new JwtAuthBackendRole(of, "role", {
    backend: login.path,
    roleName: program,
    roleType: role.role_type,
    userClaim: role.user_claim,
    boundAudiences: role.bound_audiences,
    boundClaimsType: role.bound_claims_type,
    boundClaims: role.bound_claims,
    claimMappings: role.claim_mappings,
    tokenType: role.token_type,
    tokenPeriod: role.token_period,
    tokenPolicies: [policy.name, own.name],
  });
}

function policyOf(region: RegionConfig, program: RegionProgram): string {
  const places = vaultPlaces(region);
  if (places === undefined) throw new Error(`region ${region.name} does not manage its Vault`);
  const rules = vaultRules(places, program);
  if (program !== "controller") return rules;
  const transit = vaultTransitMount(region.name);
  return (
    rules +
    vaultGrant(`${transit}/encrypt/${TRANSIT_KEY}`, ["create", "update"]) +
    vaultGrant(`${transit}/decrypt/${TRANSIT_KEY}`, ["create", "update"])
  );
}

/** For each program a place of its own in the KV, by who Nomad says it is: one text for all of them. */
function ownPolicy({ name }: RegionConfig, accessor: string): string {
  const job = `{{identity.entity.aliases.${accessor}.metadata.nomad_job_id}}`;
  const kv = vaultKvMount(name);
  return (
    vaultGrant(`${kv}/data/jobs/${job}/*`, ["create", "read", "update", "delete"]) +
    vaultGrant(`${kv}/metadata/jobs/${job}/*`, ["read", "list", "delete"])
  );
}
