import type { ExperienceConfig, RegionConfig } from "../config/config";
import { programPolicy, systemNamespace, type RegionProgram } from "../config/region-names";
import { vaultPlaces, type VaultPlaces } from "../config/region-vault";
import { leastPrivilege, type LeastPrivilege } from "./least-privilege";
import { consulLogin, JWT_ALGORITHMS, jwksUrl, vaultLoginRole } from "./program-claims";
import { consulRules, consulSelector, vaultRules } from "./program-rights";

/**
 * A shell script for the administrator of a cluster that is somebody else's: all that a region with `manage = ["jobs"]`
 * needs there, and nothing else. Run again it changes what has changed. It asks the makers' own tools only, and its last
 * lines say how to make the tokens that `forge deploy` then takes.
 *
 * @param nomadCa PEM of the authority that signed Nomad's certificate, where forge.toml names one
 */
export function guestScript(
  region: RegionConfig,
  experiences: readonly ExperienceConfig[],
  nomadCa: string | undefined,
): string {
  const rights = leastPrivilege(region, experiences);
  const places = region.manage.includes("vault") ? undefined : vaultPlaces(region);
  return [
    `# Region ${region.name} of Forge needs no more of this cluster than what follows. Read it, then pipe it to sh, with an`,
    "# administrator's NOMAD_TOKEN, CONSUL_HTTP_TOKEN and VAULT_TOKEN set, as far as these systems are named here.",
    "# Nodes: the raw_exec driver enabled, Node.js 20.18 or newer on the PATH of Nomad's client, and Forge's programs",
    "# fetched from [artifacts] url or in /opt/forge/dist.",
    "set -eu",
    `: "\${NOMAD_ADDR:=${region.nomad.address}}"; export NOMAD_ADDR`,
    "",
    ...nomadSteps(region, rights),
    ...(rights.consulDeploy === undefined ? [] : consulSteps(region, rights.consulDeploy, nomadCa)),
    ...(places === undefined || rights.vaultDeploy === undefined
      ? []
      : vaultSteps(region, places, rights.vaultDeploy, nomadCa)),
    "# Then, for whoever deploys, tokens of these policies alone:",
    `#   nomad acl token create -name ${rights.deploy.name} -policy ${rights.deploy.name}     as NOMAD_TOKEN`,
    ...(rights.consulDeploy === undefined
      ? []
      : [`#   consul acl token create -policy-name ${rights.consulDeploy.name}     as CONSUL_HTTP_TOKEN`]),
    ...(rights.vaultDeploy === undefined
      ? []
      : [`#   vault token create -policy ${rights.vaultDeploy.name}     as VAULT_TOKEN`]),
  ].join("\n");
}

function nomadSteps(region: RegionConfig, { deploy, controller, volumes }: LeastPrivilege): readonly string[] {
  const namespaces = [...new Set([region.nomad.namespace, systemNamespace(region)])];
  return [
    "# Nomad: namespaces, who deploys, and the controller, which is let in as its job and needs no token",
    ...namespaces.map(
      (name) =>
        `nomad namespace status ${name} >/dev/null 2>&1 || nomad namespace apply -description "Forge, ${region.name}" ${name}`,
    ),
    ...document(`nomad acl policy apply ${deploy.name} -`, deploy.rules),
    ...document(`nomad acl policy apply ${controller.jobAcl.join(" ")} ${controller.name} -`, controller.rules),
    ...volumes.flatMap((name) => [
      `nomad volume status -type host -namespace ${region.nomad.namespace} | grep -qF ${name} ||`,
      ...document("  nomad volume create -", volumeSpec(region, name)),
    ]),
    "",
  ];
}

function volumeSpec({ nomad, pools }: RegionConfig, name: string): string {
  return [
    `name = "${name}"`,
    `namespace = "${nomad.namespace}"`,
    'type = "host"',
    'plugin_id = "mkdir"',
    `node_pool = "${pools.games}"`,
    'capability {\n  access_mode = "single-node-writer"\n  attachment_mode = "file-system"\n}\n',
  ].join("\n");
}

function consulSteps(
  region: RegionConfig,
  deploy: NonNullable<LeastPrivilege["consulDeploy"]>,
  nomadCa: string | undefined,
): readonly string[] {
  const method = region.consul.authMethod ?? "";
  return [
    `# Consul: Nomad's workloads log in by ${method}, which is made where there is none`,
    `: "\${CONSUL_HTTP_ADDR:=${region.consul.address}}"; export CONSUL_HTTP_ADDR`,
    `consul acl auth-method read -name ${method} >/dev/null 2>&1 ||`,
    ...document(
      `  consul acl auth-method create -name ${method} -type jwt -max-token-ttl 1h -config -`,
      `${JSON.stringify(consulLogin(region, nomadCa), undefined, 2)}\n`,
    ),
    ...consulPolicy(deploy.name, deploy.rules),
    ...(["controller", "agent"] as const).flatMap((program) => {
      const name = programPolicy(region.name, program);
      return [
        ...consulPolicy(name, consulRules(region, program)),
        `consul acl role read -name ${name} >/dev/null 2>&1 || consul acl role create -name ${name} -policy-name ${name}`,
        `consul acl binding-rule list -method ${method} | grep -qwF ${name} ||`,
        `  consul acl binding-rule create -method ${method} -bind-type role -bind-name ${name} -selector '${consulSelector(region, program)}'`,
      ];
    }),
    "",
  ];
}

/** Made, or changed where it is there. */
function consulPolicy(name: string, rules: string): readonly string[] {
  return [
    `id=$(consul acl policy read -name ${name} 2>/dev/null | sed -n 's/^ID: *//p')`,
    'if [ -n "$id" ]; then set -- update -id "$id"; else set -- create; fi',
    ...document(`consul acl policy "$@" -name ${name} -rules -`, rules),
  ];
}

function vaultSteps(
  region: RegionConfig,
  { authMount, kvMount, pki, ...places }: VaultPlaces,
  deploy: NonNullable<LeastPrivilege["vaultDeploy"]>,
  nomadCa: string | undefined,
): readonly string[] {
  const all = { authMount, kvMount, pki, ...places };
  const login = {
    jwks_url: jwksUrl(region),
    ...(nomadCa === undefined ? {} : { jwks_ca_pem: nomadCa }),
    jwt_supported_algs: JWT_ALGORITHMS.vault,
  };
  const program = (name: RegionProgram): readonly string[] => {
    const policy = programPolicy(region.name, name);
    const role = { ...vaultLoginRole(region, name), token_policies: [policy] };
    return [
      ...document(`vault policy write ${policy} -`, vaultRules(all, name)),
      ...document(
        `vault write auth/${authMount}/role/${places.role(name)} -`,
        `${JSON.stringify(role, undefined, 2)}\n`,
      ),
    ];
  };
  return [
    `# Vault: Nomad's workloads log in by auth/${authMount}, the run's secrets are in ${kvMount}; both are made where they are not there`,
    `: "\${VAULT_ADDR:=${region.vault.address}}"; export VAULT_ADDR`,
    `vault auth list | grep -q '^${authMount}/' || {`,
    `  vault auth enable -path=${authMount} jwt`,
    ...document(`  vault write auth/${authMount}/config -`, `${JSON.stringify(login, undefined, 2)}\n`),
    "}",
    `vault secrets list | grep -q '^${kvMount}/' || vault secrets enable -path=${kvMount} -version=2 kv`,
    ...(pki === undefined ? [] : pkiSteps(region, pki)),
    ...document(`vault policy write ${deploy.name} -`, deploy.rules),
    ...(["controller", "agent", "gate"] as const).flatMap(program),
    "",
  ];
}

function pkiSteps({ name }: RegionConfig, { mount, role }: NonNullable<VaultPlaces["pki"]>): readonly string[] {
  return [
    `vault secrets list | grep -q '^${mount}/' || {`,
    `  vault secrets enable -path=${mount} -max-lease-ttl=87600h pki`,
    `  vault write -field=certificate ${mount}/root/generate/internal common_name="Forge ${name}" ttl=87600h key_type=ec key_bits=256 >/dev/null`,
    "}",
    `vault write ${mount}/roles/${role} allowed_domains=${name}.forge allow_subdomains=true allow_localhost=true allow_ip_sans=true key_type=ec key_bits=256 ttl=72h max_ttl=72h`,
  ];
}

/** A command with its standard input. */
function document(command: string, text: string): readonly string[] {
  return [`${command} <<'EOF'`, ...text.trimEnd().split("\n"), "EOF"];
}
