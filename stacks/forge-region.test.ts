import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Job } from "@cdktf/provider-nomad/lib/job";
import { NomadProvider } from "@cdktf/provider-nomad/lib/provider";
import { App, Aspects, TerraformStack } from "cdktf";
import { loadConfig } from "../config/load";
import { ForgeRegion, RegionConsul, StackRules, type ForgeRun } from ".";

const SHA = "ab".repeat(32);
const LOCAL = `
[nomad]
namespace = "games"
[[regions]]
name = "us-east"
engine = "nomad"
hosts = "local"
pools = { control = "control" }
[experiences.arena]
command = "arena"
max_players = 4
env = { X = "\${NOMAD_PORT_game} %{ if }" }
[experiences.arena.roles.ai]
per = "fleet"
command = "ai"
[experiences.survival]
kind = "world"
command = "survival"
max_players = 8
sdk = "none"
seats = "match"
volumes = { world = "/data" }
`;
const EXISTING = LOCAL.replace('"local"', '"existing"');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "forge-region-"));
  mkdirSync(join(folder, "dist"));
  const bundle = (name: string) => [name, { file: `${name}.js`, sha256: SHA, bytes: 1 }] as const;
  const list = Object.fromEntries(["controller", "agent", "gate"].map(bundle));
  writeFileSync(join(folder, "dist", "bundles.json"), JSON.stringify(list));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function runOf(text: string): ForgeRun {
  const { config } = loadConfig({ file: "forge.toml", readFile: () => text });
  return { config, forgeToml: text, configFile: join(folder, "forge.toml") };
}

interface Written {
  readonly resource: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>>;
  readonly provider: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>;
}

/** CDKTF's `Testing.app` makes a folder that nobody takes away. */
const testApp = (): App => new App({ outdir: join(folder, "out") });

function synth(text: string, addMore: (region: ForgeRegion) => void = () => undefined) {
  const app = testApp();
  const run = runOf(text);
  for (const { name } of run.config.regions) addMore(new ForgeRegion(app, name, { run, home: folder }));
  app.synth();
  return stacksIn(join(folder, "out"));
}

function stacksIn(out: string): Readonly<Record<string, Written>> {
  const ids = readdirSync(join(out, "stacks"));
  const read = (id: string) => JSON.parse(readFileSync(join(out, "stacks", id, "cdk.tf.json"), "utf8")) as Written;
  return Object.fromEntries(ids.map((id) => [id, read(id)]));
}

function addresses(stack: Written | undefined): readonly string[] {
  return Object.entries(stack?.resource ?? {}).flatMap(([type, named]) =>
    Object.keys(named).map((name) => `${type}.${name}`),
  );
}

/** A change here destroys and makes anew what people have deployed. */
const ADDRESSES: Readonly<Record<string, readonly string[]>> = {
  "us-east-consul": [
    "consul_acl_auth_method.login",
    "consul_acl_binding_rule.agent_binding_BB9B6466",
    "consul_acl_binding_rule.controller_binding_71F585D7",
    "consul_acl_policy.agent_policy_FA490E7E",
    "consul_acl_policy.controller_policy_F5349095",
    "consul_acl_role.agent_role_E43E1F7B",
    "consul_acl_role.controller_role_00135CD3",
    "consul_keys.config",
    "terraform_data.revision",
  ],
  "us-east-infra": ["terraform_data.bootstrap", "terraform_data.hosts"],
  "us-east-jobs": [
    "nomad_job.arena_ai_54508A4A",
    "nomad_job.arena_server_AA9528A1",
    "nomad_job.programs_agent_77201BA9",
    "nomad_job.programs_controller_A36A3905",
    "nomad_job.programs_gate_E478E97D",
    "nomad_job.survival_server_B9146A3D",
    "terraform_data.programs_config_80C0C428",
    "terraform_data.programs_servers_CBF07B71",
  ],
  "us-east-nomad": [
    "nomad_acl_policy.controller",
    "nomad_dynamic_host_volume.volumes_survival_world_4B81B956",
    "nomad_namespace.namespaces_games_B63CB969",
    "nomad_namespace.namespaces_system_F89C036B",
    "nomad_node_pool.pools_control_836EAF32",
    "nomad_scheduler_config.scheduler",
  ],
  "us-east-vault": [
    "terraform_data.secrets",
    "vault_audit.audit",
    "vault_jwt_auth_backend.login",
    "vault_jwt_auth_backend_role.agent_role_E43E1F7B",
    "vault_jwt_auth_backend_role.controller_role_00135CD3",
    "vault_jwt_auth_backend_role.gate_role_9641818E",
    "vault_mount.kv",
    "vault_mount.pki_mount_33DDF4BC",
    "vault_mount.transit_mount_42804FD6",
    "vault_pki_secret_backend_role.pki_role_601A3703",
    "vault_pki_secret_backend_root_cert.pki_root_E0194290",
    "vault_policy.agent_policy_FA490E7E",
    "vault_policy.controller_policy_F5349095",
    "vault_policy.gate_policy_ED835DE7",
    "vault_policy.own",
    "vault_transit_secret_backend_key.transit_key_9393F106",
  ],
};

describe("a region on Nomad", () => {
  test("on this machine is at these addresses", () => {
    const stacks = synth(LOCAL);
    const found = Object.fromEntries(Object.entries(stacks).map(([id, stack]) => [id, [...addresses(stack)].sort()]));
    expect(found).toEqual(ADDRESSES);
  });

  test("depends on nothing outside itself, and its stacks are deployed after its hosts", () => {
    synth(`${LOCAL}[[regions]]\nname = "eu-west"\nengine = "nomad"\nhosts = "local"\nnomad.namespace = "eu"\n`);
    const manifest = JSON.parse(readFileSync(join(folder, "out", "manifest.json"), "utf8")) as {
      readonly stacks: Readonly<Record<string, { readonly dependencies: readonly string[] }>>;
    };
    const of = (id: string) => [...(manifest.stacks[id]?.dependencies ?? [])].sort();
    expect(of("us-east-infra")).toEqual([]);
    for (const part of ["consul", "vault", "nomad"]) expect(of(`us-east-${part}`)).toEqual(["us-east-infra"]);
    expect(of("eu-west-jobs")).toEqual(["eu-west-consul", "eu-west-infra", "eu-west-nomad", "eu-west-vault"]);
  });

  test("has no token in what is written, only where each is read from", () => {
    const stacks = synth(LOCAL);
    const file = (name: string) => `\${trimspace(file("${folder}/.forge/regions/us-east/secrets/${name}.token"))}`;
    expect(stacks["us-east-nomad"]?.provider["nomad"]?.[0]).toMatchObject({
      address: "https://127.0.0.1:4646",
      ca_file: join(folder, ".forge/regions/us-east/tls/ca.pem"),
      secret_id: file("nomad-management"),
    });
    expect(stacks["us-east-consul"]?.provider["consul"]?.[0]).toEqual({
      address: "127.0.0.1:8500",
      scheme: "http",
      token: file("consul-management"),
    });
    expect(stacks["us-east-vault"]?.provider["vault"]?.[0]?.["token"]).toMatch(/^\$\{trimspace\(file\(/);
  });

  test("of somebody else is one stack in one namespace, with nothing to read tokens from", () => {
    const stacks = synth(EXISTING);
    expect(Object.keys(stacks)).toEqual(["us-east-jobs"]);
    const { resource, provider } = stacks["us-east-jobs"] as Written;
    expect(provider["nomad"]).toEqual([{ address: "http://127.0.0.1:4646" }]);
    const jobs = Object.values(resource["nomad_job"] ?? {}).map(
      ({ jobspec }) => (JSON.parse(String(jobspec)) as { readonly Job: { readonly Namespace: string } }).Job,
    );
    expect(new Set(jobs.map(({ Namespace }) => Namespace))).toEqual(new Set(["games"]));
    // The run's secrets go to the variables of the programs' jobs.
    expect(addresses(stacks["us-east-jobs"])).toContain("terraform_data.programs_secrets_61124E36");
  });

  test("runs the bundles that were built, from Forge's own server or the store that the file names", () => {
    const sources = (text: string) => {
      const jobs = Object.values(synth(text)["us-east-jobs"]?.resource["nomad_job"] ?? {});
      return jobs.flatMap(({ jobspec }) =>
        [...String(jobspec).matchAll(/"GetterSource":"([^"]+)"/g)].map(([, u]) => u),
      );
    };
    const served = (base: string) => ["gate", "agent", "controller"].map((name) => `${base}/${name}.js`).sort();
    expect(sources(LOCAL).sort()).toEqual(served("http://127.0.0.1:7600"));
    expect(sources(`${EXISTING}\n[artifacts]\nurl = "https://files.example.com/1.0/"\n`).sort()).toEqual(
      served("https://files.example.com/1.0"),
    );
    expect(sources(EXISTING)).toEqual([]);
  });

  test("gives its game servers' drivers by namespace: raw_exec for games on this machine only", () => {
    const drivers = (text: string) => {
      const named = Object.values(synth(text)["us-east-nomad"]?.resource["nomad_namespace"] ?? {});
      return named.map(({ name, capabilities }) => [
        name,
        (capabilities as { readonly enabled_task_drivers: readonly string[] }).enabled_task_drivers,
      ]);
    };
    expect(drivers(LOCAL)).toEqual([
      ["games", ["docker", "exec", "java", "raw_exec"]],
      ["games-forge", ["raw_exec"]],
    ]);
    const all = EXISTING.replace('hosts = "existing"', 'hosts = "existing"\nmanage = ["nomad"]');
    expect(drivers(all)[0]).toEqual(["games", ["docker", "exec", "java"]]);
  });

  test("on this machine keeps its controller's job when a game changes: that is in a file beside it", () => {
    const jobs = (text: string) => synth(text)["us-east-jobs"]?.resource["nomad_job"] ?? {};
    const before = jobs(LOCAL);
    const after = jobs(LOCAL.replace('command = "arena"', 'command = "arena"\ncpu = 700'));
    const changed = Object.keys(before).filter((name) => before[name]?.["jobspec"] !== after[name]?.["jobspec"]);
    expect(changed).toEqual(["arena_server_AA9528A1"]);
  });

  test("on this machine has its controller where it is looked for, whichever address of loopback Nomad gives its ports", () => {
    const controller = (text: string) => {
      const job = synth(text)["us-east-jobs"]?.resource["nomad_job"]?.["programs_controller_A36A3905"];
      return JSON.stringify(job?.["jobspec"]);
    };
    expect(controller(LOCAL)).not.toMatch(/NOMAD_(IP|ADDR)_/);
    // Elsewhere the nodes are not known beforehand.
    expect(controller(EXISTING)).toMatch(/NOMAD_IP_api.*NOMAD_ADDR_api.*NOMAD_ADDR_agents/);
  });

  test("that cannot be made says everything that is wrong", () => {
    const run = runOf(LOCAL);
    const [region] = run.config.regions;
    if (region === undefined) throw new Error("the file has no region");
    const make = () =>
      new RegionConsul(testApp(), "us-east-consul", {
        region: { ...region, hosts: "aws" },
        folder: "here",
        forgeToml: "#".repeat(600_000),
      });
    expect(make).toThrow(
      /RegionConsul us-east-consul cannot be made:\n {2}- folder is "here".*\n {2}- .*aws.*\n {2}- .*600000/,
    );
    expect(() => new ForgeRegion(testApp(), "mars", { run })).toThrow(/no region "mars": name one of us-east/);
    const embedded = runOf('[[regions]]\nname = "us-east"\n');
    expect(() => new ForgeRegion(testApp(), "us-east", { run: embedded })).toThrow(/engine = "embedded"/);
    const stack = new TerraformStack(testApp(), "mine");
    expect(() => new ForgeRegion(stack, "us-east", { run, home: folder })).toThrow(/child of the App/);
    expect(() => new ForgeRegion(testApp(), "us-east", { run, home: join(folder, "none") })).toThrow(/npm run build/);
  });
});

describe("the rules of stacks", () => {
  const job = (jobspec: string, json = true) => {
    const fails = () => synth(LOCAL, ({ jobs }) => void new Job(jobs as TerraformStack, "mine", { jobspec, json }));
    return expect(fails);
  };

  test("refuse a job that Terraform would evaluate, without a namespace, not JSON, or with a secret in it", () => {
    job('{"Job": {"Namespace": "games", "Meta": {"x": "${NOMAD_PORT_game}"}}}').toThrow(
      /us-east-jobs\/mine\] .*not escaped/,
    );
    job('{"Job": {"ID": "x"}}').toThrow(/names no namespace/);
    job('job "x" {}', false).toThrow(/must be the JSON of a job/);
    job('{"Job": {"Namespace": "games", "Env": {"API_TOKEN": "s3cr3t"}}}').toThrow(
      /Env\.API_TOKEN is a literal secret/,
    );
  });

  test("refuse a literal secret anywhere, and let one be read from a file", () => {
    const withToken = (secretId: string) => () => {
      const app = testApp();
      const stack = new TerraformStack(app, "mine");
      Aspects.of(stack).add(new StackRules());
      new NomadProvider(stack, "nomad", { address: "http://127.0.0.1:4646", secretId });
      app.synth();
    };
    expect(withToken("4a5bafc7-30c5-f6d3-0b5b-0d4e7a0a4a5b")).toThrow(/secret_id is a literal secret/);
    expect(withToken('${trimspace(file("/secrets/nomad.token"))}')).not.toThrow();
  });
});
