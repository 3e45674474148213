import { createHash } from "node:crypto";
import { AclAuthMethod } from "@cdktf/provider-consul/lib/acl-auth-method";
import { AclBindingRule } from "@cdktf/provider-consul/lib/acl-binding-rule";
import { AclPolicy } from "@cdktf/provider-consul/lib/acl-policy";
import { AclRole } from "@cdktf/provider-consul/lib/acl-role";
import { Keys } from "@cdktf/provider-consul/lib/keys";
import { PreparedQuery } from "@cdktf/provider-consul/lib/prepared-query";
import type { TerraformResource } from "cdktf";
import { Construct } from "constructs";
import type { RegionConfig } from "../config/config";
import { configKey, consulAuthMethod, controllerQuery, controllerService, programPolicy } from "../config/region-names";
import { escapeTemplate } from "../jobs/escape";
import { consulLogin } from "./program-claims";
import { consulRules, consulSelector, type ConsulProgram } from "./program-rights";
import { addConsulProvider, fileText } from "./providers";
import { RegionStack, type RegionStackProps } from "./region-stack";
import { TerraformData } from "./terraform-data";

export interface RegionConsulProps extends RegionStackProps {
  /** The text of the forge.toml: what live configuration begins with. */
  readonly forgeToml: string;
  /**
   * Whether there is a prepared query that finds a controller. What the provider sends for one, Consul before 1.14 refuses
   * (measured with 1.8.7); there and everywhere DNS has `forge-controller-REGION.service.consul` as well.
   * @default true, but false on hosts = local, whose Consul is what this machine has
   */
  readonly query?: boolean;
}

/**
 * `REGION-consul`: what a region needs of its Consul. Who may do what (policies and roles), how a Nomad task logs in (an
 * auth method with a binding rule a program), the configuration to begin with, and a query by which DNS finds a
 * controller. The gate needs nothing of Consul.
 *
 * Construct ids are a contract: they decide the addresses in the state.
 */
export class RegionConsul extends RegionStack<RegionConsulProps> {
  constructor(scope: Construct, id: string, props: RegionConsulProps) {
    super(scope, id, props, [
      {
        problem: ({ forgeToml }) =>
          Buffer.byteLength(forgeToml) <= MAX_KV_BYTES
            ? undefined
            : `forgeToml has ${Buffer.byteLength(forgeToml)} bytes, more than a key of Consul holds, ${MAX_KV_BYTES}: ` +
              "spread the experiences over several files and runs",
      },
    ]);
    const { region, forgeToml, query = region.hosts !== "local" } = props;
    addConsulProvider(this, this.endpoints.consul);
    const method = this.addAuthMethod(region);
    for (const program of ["controller", "agent"] as const) addProgram(this, region, program, method);
    addConfig(this, region, forgeToml);
    if (query) {
      new PreparedQuery(this, "api", {
        name: controllerQuery(region.name),
        service: controllerService(region.name),
        onlyPassing: true,
        near: "_agent",
        dns: { ttl: "2s" },
      });
    }
  }

  private addAuthMethod(region: RegionConfig): AclAuthMethod {
    const { caFile } = this.endpoints.nomad;
    return new AclAuthMethod(this, "login", {
      name: consulAuthMethod(region.name),
      type: "jwt",
      displayName: `Nomad of ${region.name}`,
      description: "Workload identities of Forge's programs",
      // Programs log in again before it ends; what nobody gave back goes with it.
      maxTokenTtl: "1h0m0s",
      configJson: loginConfig(region, caFile),
    });
  }
}

/** JSON with one place for Terraform to fill in: the authority's certificate, which is there when it plans. */
function loginConfig(region: RegionConfig, caFile: string | undefined): string {
  const text = escapeTemplate(JSON.stringify(consulLogin(region, caFile === undefined ? undefined : "CERTIFICATE")));
  return caFile === undefined ? text : text.replace('"CERTIFICATE"', () => `\${jsonencode(${fileText(caFile)})}`);
}

/** Consul refuses larger values. */
const MAX_KV_BYTES = 512 * 1024;

/** Policy, role, and the rule that gives the role to whoever shows this program's identity. */
function addProgram(scope: Construct, region: RegionConfig, program: ConsulProgram, method: AclAuthMethod): void {
  const of = new Construct(scope, program);
  const name = programPolicy(region.name, program);
  const description = `Forge's ${program} of ${region.name}`;
  const policy = new AclPolicy(of, "policy", { name, description, rules: consulRules(region, program) });
  const role = new AclRole(of, "role", { name, description, policies: [policy.id] });
  new AclBindingRule(of, "binding", {
    authMethod: method.name,
    description,
    bindType: "role",
    bindName: role.name,
    selector: consulSelector(region, program),
  });
}

/**
 * The live configuration. After the first deploy the KV is its owner: what is changed there stays when the region is
 * deployed again, until forge.toml itself has changed. Then the file's text takes its place.
 */
function addConfig(scope: Construct, { name }: RegionConfig, forgeToml: string): TerraformResource {
  const revision = new TerraformData(scope, "revision", {
    triggersReplace: [createHash("sha256").update(forgeToml).digest("hex")],
    provisioners: [],
  });
  // By name: CDKTF writes a resource here as an expression, and Terraform takes none.
  return new Keys(scope, "config", {
    key: [{ path: configKey(name), value: escapeTemplate(forgeToml), delete: true }],
    lifecycle: {
      ignoreChanges: ["key"],
      replaceTriggeredBy: [`${revision.terraformResourceType}.${revision.friendlyUniqueId}`],
    },
  });
}
