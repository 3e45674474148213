import type { Answers } from "../answers";
import type { Converted } from "../convert/convert";
import { dnsLabel } from "../convert/names";
import { grantName } from "../convert/pod-context";

/**
 * A stack of CDKTF that registers what was converted: namespaces, policies and jobs, read from the files beside it. The
 * jobs' text is escaped for Terraform there, as it is in Forge's own stacks.
 */
export function stackSource({ jobs, namespaces }: Converted, answers: Answers): string {
  const policies = answers.secrets === "nomad" ? jobs.filter(({ secrets }) => secrets.length > 0) : [];
  const spaces = namespaces.filter((name) => name !== "default");
  const entry = (fields: Readonly<Record<string, string>>): string =>
    `  { ${Object.entries(fields)
      .map(([key, value]) => `${key}: ${JSON.stringify(value)}`)
      .join(", ")} },`;
  return `// Made by \`forge migrate\`. It needs cdktf, constructs and @cdktf/provider-nomad.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { AclPolicy } from "@cdktf/provider-nomad/lib/acl-policy";
import { Job } from "@cdktf/provider-nomad/lib/job";
import { Namespace } from "@cdktf/provider-nomad/lib/namespace";
import { NomadProvider } from "@cdktf/provider-nomad/lib/provider";
import { TerraformStack } from "cdktf";
import type { Construct } from "constructs";

const NAMESPACES: readonly string[] = ${JSON.stringify(spaces)};

const JOBS: readonly { readonly id: string; readonly file: string }[] = [
${jobs.map(({ file }) => entry({ id: dnsLabel(file.slice("jobs/".length)), file: `${file}.json` })).join("\n")}
];

/** Rights of jobs to read the Secrets that were copied for them. */
const POLICIES: readonly { readonly id: string; readonly file: string; readonly grant: string; readonly namespace: string; readonly job: string }[] = [
${policies
  .map(({ job, file }) => {
    const name = file.slice("jobs/".length);
    const grant = grantName(file);
    const policy = `nomad/policies/${name}.hcl`;
    return entry({ id: dnsLabel(name), file: policy, grant, namespace: job.namespace, job: job.id });
  })
  .join("\n")}
];

export interface MigratedProps {
  /** Of Nomad's API. The token is read from NOMAD_TOKEN. */
  readonly address: string;
  /** The folder that \`forge migrate\` wrote. */
  readonly folder: string;
}

/** Text that means itself in a template of Terraform. */
function literal(text: string): string {
  return text.replace(/\\$\\{|%\\{/g, (opening) => \`\${opening.charAt(0)}\${opening}\`);
}

export class Migrated extends TerraformStack {
  constructor(scope: Construct, id: string, { address, folder }: MigratedProps) {
    super(scope, id);
    const read = (file: string): string => literal(readFileSync(join(folder, file), "utf8"));
    new NomadProvider(this, "nomad", { address });
    const namespaces = NAMESPACES.map((name) => new Namespace(this, \`namespace-\${name}\`, { name }));
    const policies = POLICIES.map(
      ({ id: name, file, grant, namespace, job }) =>
        new AclPolicy(this, \`policy-\${name}\`, {
          name: grant,
          rulesHcl: read(file),
          jobAcl: { namespace, jobId: job },
          dependsOn: namespaces,
        }),
    );
    for (const { id: name, file } of JOBS) {
      new Job(this, \`job-\${name}\`, { jobspec: read(file), json: true, dependsOn: [...namespaces, ...policies] });
    }
  }
}
`;
}
