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
import {
  agentLinkService,
  configKey,
  CONSUL_AUDIENCE,
  consulAuthMethod,
  controllerQuery,
  controllerService,
  epochKey,
  gameServerService,
  leaderKey,
  programPolicy,
} from "../config/region-names";
import { escapeTemplate } from "../jobs/escape";
import { JWT_ALGORITHMS, jwksUrl, programClaims } from "./program-claims";
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
  // In the order that Consul gives it back, or each plan would show a change.
  const config = JSON.stringify({
    BoundAudiences: [CONSUL_AUDIENCE],
    ClaimMappings: { nomad_job_id: "nomad_job_id", nomad_namespace: "nomad_namespace", nomad_task: "nomad_task" },
    ...(caFile === undefined ? {} : { JWKSCACert: "CERTIFICATE" }),
    JWKSURL: jwksUrl(region),
    JWTSupportedAlgs: JWT_ALGORITHMS.consul,
  });
  const text = escapeTemplate(config);
  return caFile === undefined ? text : text.replace('"CERTIFICATE"', () => `\${jsonencode(${fileText(caFile)})}`);
}

/** Consul refuses larger values. */
const MAX_KV_BYTES = 512 * 1024;

type ConsulProgram = "controller" | "agent";

/** What each may do, and nothing else: Consul's own language, in its older form that 1.8 reads as well. */
function rulesOf({ name }: RegionConfig, program: ConsulProgram): string {
  const servers = gameServerService("");
  const rules: Readonly<Record<ConsulProgram, readonly string[]>> = {
    controller: [
      rule("key", configKey(name), "read"),
      rule("key", leaderKey(name), "write"),
      rule("key", epochKey(name), "write"),
      rule("service", controllerService(name), "write"),
      rule("service", agentLinkService(name), "write"),
      // The lock's session lies on the node that the controller runs on, whichever that is.
      rule("session_prefix", "", "write"),
      rule("node_prefix", "", "read"),
      rule("agent_prefix", "", "read"),
      rule("service_prefix", servers, "read"),
    ],
    agent: [
      rule("service_prefix", servers, "write"),
      rule("service", agentLinkService(name), "read"),
      rule("node_prefix", "", "read"),
      rule("agent_prefix", "", "read"),
    ],
  };
  return rules[program].join("");
}

function rule(kind: string, name: string, policy: "read" | "write"): string {
  return `${kind} ${JSON.stringify(name)} {\n  policy = "${policy}"\n}\n`;
}

/** Policy, role, and the rule that gives the role to whoever shows this program's identity. */
function addProgram(scope: Construct, region: RegionConfig, program: ConsulProgram, method: AclAuthMethod): void {
  const of = new Construct(scope, program);
  const name = programPolicy(region.name, program);
  const description = `Forge's ${program} of ${region.name}`;
  const policy = new AclPolicy(of, "policy", { name, description, rules: rulesOf(region, program) });
  const role = new AclRole(of, "role", { name, description, policies: [policy.id] });
  const claims = Object.entries(programClaims(region, program));
  new AclBindingRule(of, "binding", {
    authMethod: method.name,
    description,
    bindType: "role",
    bindName: role.name,
    selector: claims.map(([claim, value]) => `value.${claim} == "${value}"`).join(" and "),
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
