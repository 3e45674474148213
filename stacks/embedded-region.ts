import { type LocalExecProvisioner, TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import { escapeTemplate } from "../jobs/escape";
import { TerraformData } from "./terraform-data";

export interface EmbeddedRegionProps {
  /** The region's name. */
  readonly region: string;
  /** The forge.toml that is deployed: an absolute path. */
  readonly configFile: string;
  /**
   * What the running region is known by; a new one where none runs, which makes Terraform start it anew. Asked at
   * synthesis, see `infra/embedded/region-record.ts`.
   */
  readonly incarnation: string;
  /** Of what forge.toml says, as `configRevision` computes it: another one is pushed to the live region. */
  readonly revision: string;
  /** Program and first arguments of the `forge` command on the machine that Terraform runs on. */
  readonly forge: readonly string[];
}

/** The id of a region's stack on the embedded engine. */
export function embeddedRegionStackId(region: string): string {
  return `${region}-embedded`;
}

/**
 * `REGION-embedded`: a region on the embedded engine, deployed by Terraform with its built-in provider alone. It shows
 * the way of a deploy, and provisions no cluster.
 *
 * Two resources, for changing a `terraform_data`'s input runs no provisioner: `region` starts and stops, and is replaced
 * when the incarnation that it stands for is gone; `revision` pushes the configuration, and restarts no server. Their ids
 * are a contract.
 */
export class EmbeddedRegion extends TerraformStack {
  constructor(scope: Construct, id: string, props: EmbeddedRegionProps) {
    super(scope, id);
    const { region: name, incarnation, revision } = props;
    const region = new TerraformData(this, "region", {
      triggersReplace: [incarnation],
      provisioners: [
        forge(props, ["region", "start", name, "--revision", revision, "--incarnation"], escapeTemplate(incarnation)),
        // Of the one that was started, which at its end only `self` still knows.
        { ...forge(props, ["region", "stop", name, "--incarnation"], "${self.triggers_replace[0]}"), when: "destroy" },
      ],
    });
    new TerraformData(this, "revision", {
      triggersReplace: [revision],
      dependsOn: [region],
      provisioners: [forge(props, ["region", "push", name, "--revision"], escapeTemplate(revision))],
    });
  }
}

/** No shell between: what `forge` is given are arguments, whatever characters a path has. */
function forge(
  { forge: program, configFile }: EmbeddedRegionProps,
  args: readonly string[],
  last: string,
): LocalExecProvisioner {
  const words = [...program, "--config", configFile, ...args];
  return { type: "local-exec", interpreter: words.map(escapeTemplate), command: last };
}
