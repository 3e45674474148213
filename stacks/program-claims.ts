import type { RegionConfig } from "../config/config";
import {
  CONSUL_AUDIENCE,
  PROGRAM_TASK,
  programJobId,
  systemNamespace,
  VAULT_AUDIENCE,
  type RegionProgram,
} from "../config/region-names";

/**
 * What Nomad signs into the identity of one of Forge's programs, and nobody else's: the task of that job there. The gate's
 * versions are jobs of their own, so its job is a pattern.
 */
export interface ProgramClaims {
  readonly nomad_namespace: string;
  readonly nomad_job_id: string;
  readonly nomad_task: string;
}

export function programClaims(region: RegionConfig, program: RegionProgram): ProgramClaims {
  const job = programJobId(region.name, program);
  return {
    nomad_namespace: systemNamespace(region),
    nomad_job_id: program === "gate" ? `${job}-*` : job,
    nomad_task: PROGRAM_TASK,
  };
}

/** Where a region's Nomad publishes the keys that it signs identities with. */
export function jwksUrl({ nomad }: RegionConfig): string {
  return `${nomad.address.replace(/\/+$/, "")}/.well-known/jwks.json`;
}

/** What Nomad signs with: RS256 since 1.7, EdDSA in clusters born before. Consul 1.8 reads the first only. */
export const JWT_ALGORITHMS = { consul: ["RS256"], vault: ["RS256", "EdDSA"] } as const;

/**
 * The configuration of an auth method of Consul that Nomad's workloads log in by, as its API has it.
 * @param ca PEM of the authority of that address, where it is not one that Consul's machine trusts anyway
 */
export function consulLogin(region: RegionConfig, ca: string | undefined) {
  // In the order that Consul gives it back, or each plan would show a change.
  return {
    BoundAudiences: [CONSUL_AUDIENCE],
    ClaimMappings: { nomad_job_id: "nomad_job_id", nomad_namespace: "nomad_namespace", nomad_task: "nomad_task" },
    ...(ca === undefined ? {} : { JWKSCACert: ca }),
    JWKSURL: jwksUrl(region),
    JWTSupportedAlgs: JWT_ALGORITHMS.consul,
  };
}

/** A role of Vault's JWT login that only one program's identity gets, as its API has it. */
export function vaultLoginRole(region: RegionConfig, program: RegionProgram) {
  return {
    role_type: "jwt",
    user_claim: "nomad_job_id",
    bound_audiences: [VAULT_AUDIENCE],
    bound_claims_type: program === "gate" ? "glob" : "string",
    bound_claims: { ...programClaims(region, program) },
    claim_mappings: { nomad_namespace: "nomad_namespace", nomad_job_id: "nomad_job_id", nomad_task: "nomad_task" },
    token_type: "service",
    token_period: VAULT_TOKEN_PERIOD_SECS,
  };
}

/** A token that is not renewed for so long is gone. */
const VAULT_TOKEN_PERIOD_SECS = 1800;
