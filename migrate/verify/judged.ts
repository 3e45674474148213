import type { Finding, Json, WrittenJob } from "./finding";
import { differenceOf } from "./same-meaning";

export interface NomadJudge {
  /** What Nomad has against a job; "" where it takes it. */
  validate(body: unknown): Promise<string>;
  /** The job that Nomad's own parser makes of HCL. @throws {Error} where it makes none */
  parse(hcl: string): Promise<Json>;
}

/** Has real Nomad look at each job: it is valid, and its HCL says what its JSON says. */
export async function judgedByNomad(jobs: readonly WrittenJob[], nomad: NomadJudge): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const { file, hcl, json } of jobs) {
    const body = JSON.parse(json) as { readonly Job: { readonly [key: string]: Json } };
    // Namespaces may not be there yet, and what is asked is whether the job is right.
    const refused = await nomad.validate({ Job: { ...body.Job, Namespace: "default" } });
    if (refused !== "") findings.push({ file: `${file}.json`, problem: refused });
    try {
      const at = differenceOf(await nomad.parse(hcl), body.Job);
      if (at !== undefined)
        findings.push({ file: `${file}.nomad.hcl`, problem: `says something else than the JSON at ${at}` });
    } catch (error) {
      findings.push({ file: `${file}.nomad.hcl`, problem: (error as Error).message });
    }
  }
  return findings;
}
