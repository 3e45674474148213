import { z } from "zod";
import { toHcl, type TerraformJson } from "./hcl";

export interface RenderedFile {
  /** From the output folder. */
  readonly path: string;
  readonly text: string;
}

const synthesized = z.looseObject({
  terraform: z.looseObject({}).optional(),
  resource: z.looseObject({ nomad_job: z.record(z.string(), z.looseObject({ jobspec: z.string() })).optional() }),
});

/**
 * A synthesized stack as files that need no CDKTF: its configuration without CDKTF's notes and backend, and each of its
 * jobs as Nomad itself takes it.
 */
export function renderStack(id: string, json: string, language: "json" | "hcl"): readonly RenderedFile[] {
  const stack = synthesized.parse(JSON.parse(json));
  const { backend: _backend, ...terraform } = stack.terraform ?? {};
  const plain = withoutNotes({ ...stack, terraform } as TerraformJson);
  const jobs = Object.values(stack.resource.nomad_job ?? {}).map(({ jobspec }) => jobFile(jobspec));
  const main =
    language === "hcl"
      ? { path: `${id}/main.tf`, text: toHcl(plain) }
      : { path: `${id}/main.tf.json`, text: `${JSON.stringify(plain, null, 2)}\n` };
  return [main, ...jobs];
}

const job = z.looseObject({ Job: z.looseObject({ ID: z.string() }) });

/** As Terraform reads the jobspec: its escapes undone. */
function jobFile(jobspec: string): RenderedFile {
  const spec = job.parse(JSON.parse(jobspec.replace(/\$\$\{|%%\{/g, (opening) => opening.slice(1))));
  return { path: `jobs/${spec.Job.ID}.nomad.json`, text: `${JSON.stringify(spec, null, 2)}\n` };
}

function withoutNotes(value: TerraformJson): TerraformJson {
  if (Array.isArray(value)) return (value as readonly TerraformJson[]).map(withoutNotes);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([key]) => key !== "//");
  return Object.fromEntries(entries.map(([key, inner]) => [key, withoutNotes(inner)]));
}
