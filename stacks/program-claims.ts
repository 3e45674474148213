import type { RegionConfig } from "../config/config";
import { PROGRAM_TASK, programJobId, systemNamespace, type RegionProgram } from "../config/region-names";

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
