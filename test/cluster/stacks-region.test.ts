import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { App, LocalBackend } from "cdktf";
import { HttpJson, HttpStatusError } from "../../clients/http-json";
import {
  configKey,
  consulAuthMethod,
  epochKey,
  leaderKey,
  programJobId,
  vaultAuthMount,
  vaultKvMount,
  vaultPkiMount,
  vaultTransitMount,
  worldVolumeName,
  type RegionProgram,
} from "../../config/region-names";
import { agentJob } from "../../jobs/agent";
import { controllerJob } from "../../jobs/controller";
import { gateJob } from "../../jobs/gate";
import { renderJob } from "../../jobs/render";
import type { JobSpec } from "../../jobs/spec";
import { ForgeRegion, leastPrivilege, readForgeToml, RegionJobs } from "../../stacks";
import { skipUnless } from "../skips";
import { until } from "../until";
import { HOST_PROGRAMS, LocalHosts } from "./local-hosts";
import { runTerraform, TERRAFORM } from "./terraform";

type TfPlace = { readonly out?: string; readonly env?: NodeJS.ProcessEnv };

const REGION = "us-east";
const PARTS = ["consul", "vault", "nomad"] as const;

const FORGE_TOML = `
[nomad]
namespace = "games"
[experiences.arena]
command = "/bin/sleep"
args = ["3600", "\${NOMAD_PORT_game} %{ if }"]
driver = "raw_exec"
max_players = 4
cpu = 50
memory = 32
[experiences.survival]
kind = "world"
command = "/bin/sleep"
args = ["3600"]
driver = "exec"
max_players = 4
sdk = "none"
seats = "match"
volumes = { world = "/data" }
cpu = 50
memory = 32
`;

skipUnless(
  "a region's stacks",
  HOST_PROGRAMS.available ? TERRAFORM.reason : HOST_PROGRAMS.reason,
  HOST_PROGRAMS.available && TERRAFORM.available,
)("the stacks of a region on real Consul, Vault and Nomad", () => {
  jest.setTimeout(400_000);
  let hosts: LocalHosts;
  let home: string;
  const clients: HttpJson[] = [];

  beforeAll(async () => {
    hosts = await LocalHosts.create([REGION], FORGE_TOML);
    home = join(hosts.folder, "home");
    mkdirSync(join(home, "dist"), { recursive: true });
    const bundle = (name: string) => [name, { file: `${name}.js`, sha256: "ab".repeat(32), bytes: 1 }] as const;
    const list = Object.fromEntries(["controller", "agent", "gate"].map(bundle));
    writeFileSync(join(home, "dist", "bundles.json"), JSON.stringify(list));
    // What writes the run's secrets is not under test here: it is told apart by its arguments only.
    writeFileSync(
      join(home, "dist", "infra.js"),
      `require("fs").appendFileSync(${JSON.stringify(join(hosts.folder, "infra-calls"))}, process.argv.slice(2).join(" ") + "\\n")`,
    );
    await hosts.mustInfra("bootstrap");
    synth();
    for (const part of PARTS) await tf(part, ["init", "-no-color"]);
  });
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.close()));
    await hosts?.remove();
  });

  function synth(): void {
    const forge = readForgeToml(hosts.file, { env: hosts.env });
    const app = new App({ outdir: join(hosts.folder, "out") });
    const region = new ForgeRegion(app, REGION, { run: forge, home });
    for (const stack of region.stacks)
      new LocalBackend(stack, { path: join(hosts.folder, `${stack.node.id}.tfstate`) });
    app.synth();
  }

  function tf(part: string, args: readonly string[], { out = "out", env = {} }: TfPlace = {}): Promise<number> {
    const cwd = join(hosts.folder, out, "stacks", `${REGION}-${part}`);
    return runTerraform(cwd, args, { ...hosts.env, ...env });
  }

  /** A client of one of the three with a token of its own, or none. */
  function as(system: "nomad" | "consul" | "vault", token?: string): HttpJson {
    const { ports, folder } = hosts.region();
    const at = {
      nomad: [`https://127.0.0.1:${ports.nomadHttp}`, "x-nomad-token"],
      consul: [`http://127.0.0.1:${ports.consulHttp}`, "x-consul-token"],
      vault: [`https://127.0.0.1:${ports.vaultApi}`, "x-vault-token"],
    } as const;
    const [address, header] = at[system];
    const ca = readFileSync(folder.tls("ca.pem"), "utf8");
    const headers = () => (token === undefined ? {} : { [header]: token }) as Record<string, string>;
    const client = new HttpJson({ name: system, address, ca, headers });
    clients.push(client);
    return client;
  }

  function managed(system: "nomad" | "consul" | "vault"): HttpJson {
    const files = { nomad: "nomad-management", consul: "consul-management", vault: "vault-deploy" };
    return as(system, readFileSync(hosts.region().folder.secret(`${files[system]}.token`), "utf8").trim());
  }

  async function refused(call: Promise<unknown>): Promise<number> {
    const error = await call.then(
      () => new Error("it was let in"),
      (thrown: unknown) => thrown,
    );
    if (error instanceof HttpStatusError) return error.status;
    throw error;
  }

  it("are applied, and planned again show no changes", async () => {
    for (const part of PARTS) await tf(part, ["apply", "-no-color", "-auto-approve"]);
    for (const part of PARTS)
      expect([part, await tf(part, ["plan", "-no-color", "-detailed-exitcode"])]).toEqual([part, 0]);
    expect(readFileSync(join(hosts.folder, "infra-calls"), "utf8")).toBe(
      `secrets --engine nomad --config ${hosts.file} ${REGION}\n`,
    );
  });

  it("keep no token in their state", () => {
    const { folder } = hosts.region();
    const secrets = readdirSync(folder.secret("")).map((name) => readFileSync(folder.secret(name), "utf8").trim());
    for (const part of PARTS) {
      const state = readFileSync(join(hosts.folder, `${REGION}-${part}.tfstate`), "utf8");
      for (const secret of secrets) expect(state.includes(secret)).toBe(false);
      expect(state).not.toMatch(/PRIVATE KEY/);
    }
  });

  it("put forge.toml into the KV, leave what is changed there, and bring a changed file", async () => {
    const kv = managed("consul");
    const path = `/v1/kv/${configKey(REGION)}`;
    const live = async () => (await kv.answer("GET", path, { query: { raw: true } })).text;
    const written = readFileSync(hosts.file, "utf8");
    expect(await live()).toBe(written);
    await kv.json("PUT", path, { body: `${written}# changed by hand\n` });
    expect(await tf("consul", ["plan", "-no-color", "-detailed-exitcode"])).toBe(0);
    writeFileSync(hosts.file, `${written}# \${changed} %{ in the file\n`);
    synth();
    await tf("consul", ["apply", "-no-color", "-auto-approve"]);
    expect(await live()).toBe(readFileSync(hosts.file, "utf8"));
    expect(await tf("consul", ["plan", "-no-color", "-detailed-exitcode"])).toBe(0);
  });

  it("hold jobs that are valid by Nomad's own judgement, worlds with their volumes among them", async () => {
    const stack = JSON.parse(
      readFileSync(join(hosts.folder, "out", "stacks", `${REGION}-jobs`, "cdk.tf.json"), "utf8"),
    ) as { readonly resource: { readonly nomad_job: Record<string, { readonly jobspec: string }> } };
    const jobs = Object.values(stack.resource.nomad_job);
    expect(jobs).toHaveLength(5);
    for (const { jobspec } of jobs) {
      const body = JSON.parse(jobspec.replaceAll("$${", "${").replaceAll("%%{", "%{")) as object;
      const validated = await managed("nomad").json("PUT", "/v1/validate/job", { body });
      expect(validated).toMatchObject({ ValidationErrors: null, Error: "" });
    }
    const volumes = await managed("nomad").json<readonly { readonly Name: string; readonly State: string }[]>(
      "GET",
      "/v1/volumes",
      { query: { type: "host", namespace: "games" } },
    );
    expect(volumes).toMatchObject([{ Name: worldVolumeName(REGION, "survival", "world"), State: "ready" }]);
  });

  describe("let the programs in by their identities", () => {
    const jobIds: string[] = [];
    const identities = {} as Record<RegionProgram, { nomad: string; consul: string; vault: string }>;

    beforeAll(async () => {
      const forge = readForgeToml(hosts.file, { env: hosts.env });
      const [region] = forge.config.regions;
      if (region === undefined) throw new Error("no region");
      const props = {
        region,
        bundle: { path: "unused" },
        consul: { address: region.consul.address, authMethod: consulAuthMethod(REGION) },
        secrets: { kind: "vault", address: region.vault.address },
        forgeToml: "",
        regions: [],
      } as const;
      for (const [program, spec] of [
        ["controller", controllerJob(props)],
        ["agent", agentJob(props)],
        ["gate", gateJob(props)],
      ] as const) {
        identities[program] = await identitiesOf(program, spec);
        jobIds.push(spec.id);
      }
    });

    /** Runs the program's job with a task that hands its identities out, instead of the program. */
    async function identitiesOf(program: RegionProgram, spec: JobSpec) {
      const folder = join(hosts.folder, program);
      mkdirSync(folder);
      const script = `cp "$NOMAD_SECRETS_DIR"/nomad_* "$0" && touch "$0/all" && exec sleep 3600`;
      const config = { command: "/bin/sh", args: ["-c", script, folder] };
      const groups = spec.groups.map((group) => ({
        ...group,
        tasks: group.tasks.map((task) => ({ ...task, config, artifacts: [] })),
      }));
      const body = renderJob({ ...spec, groups });
      await managed("nomad").json("PUT", "/v1/jobs", { query: { namespace: spec.namespace }, body });
      await until(`the job of ${program} has started`, async () => existsSync(join(folder, "all")));
      const read = (name: string) => {
        const file = join(folder, name);
        return existsSync(file) ? readFileSync(file, "utf8") : "";
      };
      return { nomad: read("nomad_token"), consul: read("nomad_consul.jwt"), vault: read("nomad_vault.jwt") };
    }

    async function consulLogin(identity: string): Promise<HttpJson> {
      const body = { AuthMethod: consulAuthMethod(REGION), BearerToken: identity };
      const { SecretID } = await as("consul").json<{ readonly SecretID: string }>("POST", "/v1/acl/login", { body });
      return as("consul", SecretID);
    }

    async function vaultLogin(role: string, jwt: string): Promise<HttpJson> {
      const { auth } = await as("vault").json<{ readonly auth: { readonly client_token: string } }>(
        "POST",
        `/v1/auth/${vaultAuthMount(REGION)}/login`,
        { body: { role, jwt } },
      );
      return as("vault", auth.client_token);
    }

    it("at Consul, the controller to its keys and services and to no other", async () => {
      const consul = await consulLogin(identities.controller.consul);
      await consul.json("PUT", `/v1/kv/${leaderKey(REGION)}`, { body: "me" });
      await consul.json("PUT", `/v1/kv/${epochKey(REGION)}`, { body: "1" });
      await consul.json("GET", `/v1/kv/${configKey(REGION)}`);
      const service = { Name: `forge-controller-${REGION}`, Port: 1 };
      await consul.json("PUT", "/v1/agent/service/register", { body: service });
      await consul.json("PUT", "/v1/session/create", { body: { TTL: "10s" } });

      expect(await refused(consul.json("PUT", `/v1/kv/${configKey(REGION)}`, { body: "x" }))).toBe(403);
      expect(await refused(consul.json("PUT", "/v1/kv/elsewhere", { body: "x" }))).toBe(403);
      expect(await refused(consul.json("PUT", "/v1/agent/service/register", { body: { Name: "other" } }))).toBe(403);
      expect(await refused(consul.json("GET", "/v1/acl/tokens"))).toBe(403);
    });

    it("at Consul, the agent to its game servers only; who is neither, or comes with another's identity, not at all", async () => {
      const consul = await consulLogin(identities.agent.consul);
      await consul.json("PUT", "/v1/agent/service/register", { body: { Name: "gameserver-1" } });
      await consul.json("GET", `/v1/health/service/forge-agents-${REGION}`);
      expect(await refused(consul.json("PUT", `/v1/kv/${leaderKey(REGION)}`, { body: "me" }))).toBe(403);

      expect(identities.gate.consul).toBe("");
      // Consul 1.8 calls a wrong audience a failure of its own, 500; newer ones say 403.
      expect(await refused(consulLogin(identities.gate.vault))).toBeGreaterThanOrEqual(403);
      expect(await refused(consulLogin(identities.agent.nomad))).toBeGreaterThanOrEqual(403);
    });

    it("at Vault, each in its own role to the run's secrets, and to no more than it needs", async () => {
      const run = `/v1/${vaultKvMount(REGION)}/data/run`;
      await managed("vault").json("POST", run, { body: { data: { shared: "s" } } });
      const issue = `/v1/${vaultPkiMount(REGION)}/issue/program`;
      const certificate = { body: { common_name: `controller.${REGION}.forge`, ip_sans: "127.0.0.1" } };
      const encrypt = `/v1/${vaultTransitMount(REGION)}/encrypt/run`;

      const controller = await vaultLogin("controller", identities.controller.vault);
      expect(await controller.json("GET", run)).toMatchObject({ data: { data: { shared: "s" } } });
      await controller.json("POST", issue, certificate);
      await controller.json("POST", encrypt, { body: { plaintext: "eA==" } });
      const own = `/v1/${vaultKvMount(REGION)}/data/jobs/${programJobId(REGION, "controller")}/note`;
      await controller.json("POST", own, { body: { data: { x: "1" } } });
      await controller.json("POST", "/v1/auth/token/renew-self", { body: {} });
      expect(await refused(controller.json("POST", run, { body: { data: {} } }))).toBe(403);
      expect(await refused(controller.json("POST", issue, { body: { common_name: "example.com" } }))).toBe(400);
      expect(await refused(controller.json("GET", "/v1/sys/mounts"))).toBe(403);

      const gate = await vaultLogin("gate", identities.gate.vault);
      await gate.json("GET", run);
      expect(await refused(gate.json("POST", issue, certificate))).toBe(403);
      expect(await refused(gate.json("GET", own))).toBe(403);
      expect(await refused(vaultLogin("controller", identities.gate.vault))).toBe(400);
      expect(await refused(vaultLogin("controller", identities.controller.consul))).toBe(400);
    });

    it("at Nomad, the controller to game servers, and not to jobs as such", async () => {
      const nomad = as("nomad", identities.controller.nomad);
      const games = { namespace: "games" };
      const job = JSON.parse(
        readFileSync(join(hosts.folder, "out", "stacks", `${REGION}-jobs`, "cdk.tf.json"), "utf8"),
      ) as { readonly resource: { readonly nomad_job: Record<string, { readonly jobspec: string }> } };
      const [arena] = Object.values(job.resource.nomad_job);
      const body = JSON.parse((arena?.jobspec ?? "").replaceAll("$${", "${").replaceAll("%%{", "%{")) as object;
      await managed("nomad").json("PUT", "/v1/jobs", { query: games, body });

      const meta = { serverId: "s", experienceId: "arena", version: "1", role: "server", maxPlayers: "4" };
      const { DispatchedJobID: id } = await nomad.json<{ readonly DispatchedJobID: string }>(
        "PUT",
        "/v1/job/us-east.gameserver.arena/dispatch",
        { query: games, body: { Meta: meta } },
      );
      await nomad.json("GET", `/v1/job/${encodeURIComponent(id)}/allocations`, { query: games });
      await nomad.json("GET", "/v1/nodes");
      await nomad.json("DELETE", `/v1/job/${encodeURIComponent(id)}`, { query: { ...games, purge: true } });

      expect(await refused(nomad.json("PUT", "/v1/jobs", { query: games, body }))).toBe(403);
      const system = { namespace: "games-forge" };
      expect(await refused(nomad.json("DELETE", `/v1/job/${programJobId(REGION, "agent")}`, { query: system }))).toBe(
        403,
      );
      expect(await refused(nomad.json("GET", "/v1/acl/tokens"))).toBe(403);
      const agent = as("nomad", identities.agent.nomad);
      const dispatch = { query: games, body: { Meta: meta } };
      expect(await refused(agent.json("PUT", "/v1/job/us-east.gameserver.arena/dispatch", dispatch))).toBe(403);
    });

    afterAll(async () => {
      const nomad = managed("nomad");
      const system = { namespace: "games-forge", purge: true };
      for (const id of jobIds) await nomad.json("DELETE", `/v1/job/${id}`, { query: system });
      const query = { namespace: "games", purge: true };
      await nomad.json("DELETE", "/v1/job/us-east.gameserver.arena", { query });
    });
  });

  it("on somebody's cluster need no more for their jobs than the policy that is printed", async () => {
    const { config } = readForgeToml(hosts.file, { env: hosts.env });
    const [own] = config.regions;
    if (own === undefined) throw new Error("no region");
    const ca = hosts.region().folder.tls("ca.pem");
    const nomad = { ...own.nomad, caFile: ca };
    const region = { ...own, hosts: "existing", manage: ["jobs"], nomad } as const;
    const policy = leastPrivilege(region).deploy;
    const management = managed("nomad");
    const body = { Name: policy.name, Rules: policy.rules };
    await management.json("PUT", `/v1/acl/policy/${policy.name}`, { body });
    const { SecretID: token } = await management.json<{ readonly SecretID: string }>("PUT", "/v1/acl/token", {
      body: { Name: "deploy", Type: "client", Policies: [policy.name] },
    });

    const app = new App({ outdir: join(hosts.folder, "existing") });
    const stack = new RegionJobs(app, `${REGION}-jobs`, {
      region,
      folder: hosts.folder,
      experiences: Object.values(config.experiences),
    });
    new LocalBackend(stack, { path: join(hosts.folder, "existing.tfstate") });
    app.synth();
    const there = (...args: readonly string[]) => tf("jobs", args, { out: "existing", env: { NOMAD_TOKEN: token } });
    await there("init", "-no-color");
    await there("apply", "-no-color", "-auto-approve");
    expect(await there("plan", "-no-color", "-detailed-exitcode")).toBe(0);
    const deployer = as("nomad", token);
    const path = `nomad/jobs/${programJobId(REGION, "controller")}`;
    const query = { namespace: region.nomad.namespace };
    await deployer.json("PUT", `/v1/var/${path}`, { query, body: { Path: path, Items: { shared: "s" } } });
    await deployer.json("DELETE", `/v1/var/${path}`, { query });
    expect(await refused(deployer.json("GET", "/v1/acl/tokens"))).toBe(403);
    expect(await refused(deployer.json("PUT", "/v1/namespace/other", { body: { Name: "other" } }))).toBe(403);
    await there("destroy", "-no-color", "-auto-approve");
    expect(await management.json("GET", "/v1/jobs", { query: { namespace: "games" } })).toEqual([]);
    await management.json("DELETE", `/v1/acl/policy/${policy.name}`);
  });

  it("leave nothing when destroyed", async () => {
    for (const part of PARTS) await tf(part, ["destroy", "-no-color", "-auto-approve"]);
    const consul = managed("consul");
    expect(await consul.json("GET", "/v1/acl/auth-methods")).toEqual([]);
    expect(await consul.json("GET", "/v1/acl/roles")).toEqual([]);
    expect(await refused(consul.json("GET", `/v1/kv/${configKey(REGION)}`))).toBe(404);
    const vault = managed("vault");
    const mounts = await vault.json<{ readonly data: Record<string, unknown> }>("GET", "/v1/sys/mounts");
    expect(Object.keys(mounts.data).filter((path) => path.startsWith("forge-"))).toEqual([]);
    const auth = await vault.json<{ readonly data: Record<string, unknown> }>("GET", "/v1/sys/auth");
    expect(Object.keys(auth.data)).toEqual(["token/"]);
    const nomad = managed("nomad");
    const namespaces = await nomad.json<readonly { readonly Name: string }[]>("GET", "/v1/namespaces");
    expect(namespaces.map(({ Name }) => Name)).toEqual(["default"]);
    expect(await nomad.json("GET", "/v1/acl/policies")).toEqual([]);
    const volumes = await nomad.json("GET", "/v1/volumes", { query: { type: "host", namespace: "*" } });
    expect(volumes).toEqual([]);
  });
});
