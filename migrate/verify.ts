/** What verification needs of the written folder: every job's two files. */
export interface WrittenJob {
  /** Without what follows the dot. */
  readonly file: string;
  readonly hcl: string;
  readonly json: string;
}

export interface NomadJudge {
  /** What Nomad has against a job; "" where it takes it. */
  validate(body: unknown): Promise<string>;
  /** The job that Nomad's own parser makes of HCL. @throws {Error} where it makes none */
  parse(hcl: string): Promise<Json>;
}

export interface Finding {
  readonly file: string;
  readonly problem: string;
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Has real Nomad look at each job: it is valid, and its HCL says what its JSON says. */
export async function verifyJobs(jobs: readonly WrittenJob[], nomad: NomadJudge): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const { file, hcl, json } of jobs) {
    const body = JSON.parse(json) as { readonly Job: { readonly [key: string]: Json } };
    // Namespaces may not be there yet, and what is asked is whether the job is right.
    const refused = await nomad.validate({ Job: { ...body.Job, Namespace: "default" } });
    if (refused !== "") findings.push({ file: `${file}.json`, problem: refused });
    try {
      const parsed = await nomad.parse(hcl);
      const at = firstDifference(meaning(parsed), meaning(body.Job), "");
      if (at !== undefined)
        findings.push({ file: `${file}.nomad.hcl`, problem: `says something else than the JSON at ${at}` });
    } catch (error) {
      findings.push({ file: `${file}.nomad.hcl`, problem: (error as Error).message });
    }
  }
  return findings;
}

/** Without what says nothing: Nomad's parser fills in zeros, and what it says of every template. */
export function meaning(value: Json): Json {
  if (Array.isArray(value)) return value.map((each: Json) => meaning(each));
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value)
    .map(([key, each]) => [key, meaning(each)] as const)
    .filter(([key, each]) => !isNothing(each) && key !== "Splay" && !(key === "Perms" && each === "0644"));
  return Object.fromEntries(kept);
}

function isNothing(value: Json): boolean {
  if (value === null || value === "" || value === false || value === 0) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

/** Where two values differ first, as a path; undefined where they do not. */
function firstDifference(a: Json | undefined, b: Json | undefined, path: string): string | undefined {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null)
    return a === b ? undefined : path || "/";
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
  const [left, right] = [a, b] as Readonly<Record<string, Json>>[];
  for (const key of keys) {
    const found = firstDifference(left?.[key], right?.[key], `${path}/${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}
