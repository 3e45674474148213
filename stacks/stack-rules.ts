import { Job } from "@cdktf/provider-nomad/lib/job";
import { Annotations, TerraformElement, Token, type IAspect } from "cdktf";
import type { IConstruct } from "constructs";
import { formatPath } from "../config/problem";
import { findSecrets } from "../config/secrets";

/**
 * What no stack of Forge may hold, whoever adds to it: synthesis fails with every place.
 *
 * - a job that is no JSON, that Terraform would evaluate, that holds a value known only when deployed (it would blank out
 *   the whole job in the plan), or that names no namespace;
 * - a literal secret, which would stand in cdktf.out and in the state.
 */
export class StackRules implements IAspect {
  visit(node: IConstruct): void {
    if (!TerraformElement.isTerraformElement(node)) return;
    const problems = [...(node instanceof Job ? jobProblems(node) : []), ...secretProblems(node.toTerraform())];
    for (const problem of problems) Annotations.of(node).addError(problem);
  }
}

function jobProblems(job: Job): readonly string[] {
  const jobspec = job.jobspecInput ?? "";
  if (Token.isUnresolved(jobspec)) {
    return ["its jobspec holds a CDKTF token: names come from config/region-names.ts, values from forge.toml"];
  }
  const problems: string[] = [];
  if (/(?<!\$)\$\{|(?<!%)%\{/.test(jobspec)) {
    problems.push("its jobspec is not escaped, and Terraform would evaluate it: use escapeTemplate of jobs/escape.ts");
  }
  const spec = job.jsonInput === true ? jobOf(jobspec) : undefined;
  if (spec === undefined) return [...problems, "its jobspec must be the JSON of a job: set json = true"];
  if (typeof spec["Namespace"] !== "string" || spec["Namespace"] === "") {
    problems.push("its jobspec names no namespace: set Job.Namespace");
  }
  return [...problems, ...secretProblems(spec)];
}

/** The job that a jobspec means, once Terraform has read its escapes. */
function jobOf(jobspec: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed = JSON.parse(jobspec.replace(/\$\$\{|%%\{/g, (opening) => opening.slice(1))) as unknown;
    const { Job: job } = parsed as { readonly Job?: unknown };
    return typeof job === "object" && job !== null ? (job as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function secretProblems(document: unknown): readonly string[] {
  return findSecrets(document).map(
    ({ path }) =>
      `${formatPath(path)} is a literal secret, and would stand in the state: read it from a file or the environment`,
  );
}
