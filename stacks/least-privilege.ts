import type { RegionConfig } from "../config/config";
import { PROGRAM_TASK, programJobId, programPolicy, systemNamespace } from "../config/region-names";

/** A namespace's block of a Nomad ACL policy. */
function namespaceRules(namespace: string, capabilities: readonly string[]): string {
  return `namespace "${namespace}" {\n  capabilities = ${JSON.stringify(capabilities)}\n}\n`;
}

/**
 * What the controller does in Nomad: it starts, watches, reads and ends game servers, and looks at nodes. It can neither
 * change a job nor anything of another namespace. (Its own variables, where the run's secrets may be, it may read anyway.)
 */
export function controllerRules({ nomad }: Pick<RegionConfig, "nomad">): string {
  return `${namespaceRules(nomad.namespace, CONTROLLER_CAPABILITIES)}node {\n  policy = "read"\n}\n`;
}

/**
 * `alloc-lifecycle`: a server that gets no grace is sent SIGKILL. `purge-job`: ended servers leave Nomad's memory. Ending
 * and purging have capabilities of their own as of Nomad 2.0; before, `submit-job` was for both.
 */
const CONTROLLER_CAPABILITIES = [
  "list-jobs",
  "read-job",
  "dispatch-job",
  "deregister-job",
  "purge-job",
  "alloc-lifecycle",
  "read-logs",
  "read-fs",
];

/**
 * What deploying a region with `manage = ["jobs"]` does in Nomad: jobs, the variables that hold the run's secrets, and naming
 * the volumes of worlds in a job.
 */
export function deployRules(region: Pick<RegionConfig, "name" | "nomad" | "manage">): string {
  const namespaces = [...new Set([region.nomad.namespace, systemNamespace(region)])];
  return (
    namespaces
      .map(
        (namespace) =>
          `namespace "${namespace}" {\n  capabilities = ${JSON.stringify(DEPLOY_CAPABILITIES)}\n` +
          `  variables {\n    path "nomad/jobs/*" {\n      capabilities = ["write", "read", "list", "destroy"]\n    }\n  }\n}\n`,
      )
      // Nomad takes no dot in this name; what the star stands for may have them.
      .concat(`host_volume "${region.name}*" {\n  policy = "write"\n}\n`)
      .join("")
  );
}

const DEPLOY_CAPABILITIES = ["list-jobs", "read-job", "submit-job"];

/** Policies for a cluster whose ACL is somebody else's, as its administrator is to be shown them. */
export interface LeastPrivilege {
  /** For the token that deploys, HCL of a Nomad ACL policy. */
  readonly deploy: { readonly name: string; readonly rules: string };
  /** For the controller's job: bound to it, so that it needs no token. */
  readonly controller: { readonly name: string; readonly rules: string; readonly apply: string };
}

/** All the rights that a region with `manage = ["jobs"]` needs in Nomad. */
export function leastPrivilege(region: RegionConfig): LeastPrivilege {
  const name = programPolicy(region.name, "controller");
  const job = programJobId(region.name, "controller");
  const binding = `-namespace ${systemNamespace(region)} -job ${job} -group ${PROGRAM_TASK} -task ${PROGRAM_TASK}`;
  return {
    deploy: { name: `forge-${region.name}-deploy`, rules: deployRules(region) },
    controller: {
      name,
      rules: controllerRules(region),
      apply: `nomad acl policy apply ${binding} ${name} FILE`,
    },
  };
}

/** Both as text for a terminal: what to put where, and why. */
export function describeLeastPrivilege(region: RegionConfig): string {
  const { deploy, controller } = leastPrivilege(region);
  return [
    `Region ${region.name} needs no more of its Nomad than this. Its administrator does once:`,
    "",
    `1. nomad acl policy apply ${deploy.name} FILE, for the token that deploys (NOMAD_TOKEN), with FILE:`,
    "",
    deploy.rules,
    `2. ${controller.apply}, for the controller, which then needs no token, with FILE:`,
    "",
    controller.rules,
  ].join("\n");
}
