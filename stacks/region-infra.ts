import type { Construct } from "constructs";
import { infraCommand, type InfraProgram } from "./infra-command";
import { RegionStack, type RegionStackProps } from "./region-stack";
import { TerraformData } from "./terraform-data";

export interface RegionInfraProps extends RegionStackProps {
  readonly infra: InfraProgram;
  /**
   * Of what the hosts are made from, as long as a change means other hosts: their place and ports.
   * @default the region's name, index and ports
   */
  readonly hosts?: readonly string[];
}

/**
 * `REGION-infra`: the hosts of a region on this machine: its Consul, Vault and Nomad as processes that outlive Terraform.
 * Two resources, each of which can be broken off and run again. The last one is the bootstrap: ACL, unsealing, tokens to
 * 0600 files, never to the state. Terraform's built-in provider is all it needs.
 *
 * Construct ids are a contract: they decide the addresses in the state.
 */
export class RegionInfra extends RegionStack<RegionInfraProps> {
  constructor(scope: Construct, id: string, props: RegionInfraProps) {
    super(scope, id, props, [
      {
        problem: ({ region }) =>
          region.engine === "nomad" && region.hosts === "local"
            ? undefined
            : `region ${region.name} has engine = "${region.engine}" and hosts = "${region.hosts}": only hosts of ` +
              'engine = "nomad" and hosts = "local" are made; leave "infra" out of manage',
      },
    ]);
    const { region, infra } = props;
    const identity = props.hosts ?? [region.name, String(region.index), String(region.ports.nomadHttp)];
    const hosts = new TerraformData(this, "hosts", {
      triggersReplace: identity,
      provisioners: [
        infraCommand(infra, "up", region.name),
        infraCommand(infra, "down", region.name, { options: ["--purge"], when: "destroy" }),
      ],
    });
    new TerraformData(this, "bootstrap", {
      triggersReplace: identity,
      dependsOn: [hosts],
      provisioners: [infraCommand(infra, "bootstrap", region.name)],
    });
  }
}
