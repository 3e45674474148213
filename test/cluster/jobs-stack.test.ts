import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { App, LocalBackend } from "cdktf";
import { loadConfig } from "../../config/load";
import { RegionJobs, regionJobsStackId } from "../../stacks";
import { skipUnless } from "../skips";
import { NomadAgent } from "./nomad-agent";
import { findPart, findProviderMirror } from "./real-parts";

const PROVIDER_VERSION = "2.5.2";

const nomad = findPart("nomad");
const terraform = findPart("terraform");
const mirror = findProviderMirror("nomad", PROVIDER_VERSION);
const isRoot = process.getuid?.() === 0;
const run = promisify(execFile);

const FORGE_TOML = (address: string, cpu: number) => `
[[regions]]
name = "us-east"
engine = "nomad"
hosts = "existing"
datacenters = ["dc1"]
[regions.nomad]
address = "${address}"
namespace = "games"

[experiences.arena]
command = "/usr/bin/env"
args = ["sh", "-c", "echo \${NOMAD_PORT_game} $\${HOME} %{ if }"]
driver = "exec"
version = "1.4.2"
max_players = 16
cpu = ${cpu}
memory = 128
ports = { game = "udp" }

[experiences.duel]
command = "/usr/bin/env"
driver = "exec"
version = "1.0.0"
max_players = 2
cpu = 100
memory = 64
ports = { game = "udp" }
`;

interface Validated {
  readonly ValidationErrors: readonly string[] | null;
  readonly Error: string;
}

skipUnless(
  "Nomad",
  "nomad is neither on PATH nor in Forge's cache, or this is not root",
  nomad !== undefined && isRoot,
)("the jobs of a region on a real Nomad", () => {
  jest.setTimeout(180_000);
  let folder: string;
  let agent: NomadAgent;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "forge-nomad-"));
    agent = await NomadAgent.start(nomad ?? "", folder);
    await agent.call("PUT", "/v1/namespace/games", { Name: "games", Description: "tests" });
  });
  afterAll(async () => {
    await agent?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function synth(cpu: number): string {
    const forgeToml = FORGE_TOML(agent.address, cpu);
    const { config } = loadConfig({ file: "forge.toml", readFile: () => forgeToml });
    const outdir = join(folder, "out");
    const app = new App({ outdir });
    const [region] = config.regions;
    if (region === undefined) throw new Error("no region");
    // The games' jobs alone: Forge's own programs are tried with whole regions.
    const stack = new RegionJobs(app, regionJobsStackId(region.name), {
      region,
      folder,
      experiences: Object.values(config.experiences),
    });
    // CDKTF's own would lie in the folder that the tests run in.
    new LocalBackend(stack, { path: join(folder, "state.tfstate") });
    app.synth();
    return join(outdir, "stacks", "us-east-jobs");
  }

  it("are valid by Nomad's own judgement", async () => {
    const stack = JSON.parse(readFileSync(join(synth(500), "cdk.tf.json"), "utf8")) as {
      readonly resource: { readonly nomad_job: Record<string, { readonly jobspec: string }> };
    };
    const jobs = Object.values(stack.resource.nomad_job);
    expect(jobs).toHaveLength(2);
    for (const { jobspec } of jobs) {
      // As Terraform will have it once it has read its own escapes.
      const job = JSON.parse(jobspec.replaceAll("$${", "${").replaceAll("%%{", "%{")) as object;
      const validated = await agent.call<Validated>("PUT", "/v1/validate/job", job);
      expect(validated).toMatchObject({ ValidationErrors: null, Error: "" });
    }
  });

  skipUnless(
    "Terraform's nomad provider",
    `terraform, or provider ${PROVIDER_VERSION} in the mirror of Forge's cache, is missing`,
    terraform !== undefined && mirror !== undefined,
  )("through Terraform", () => {
    async function tf(...args: readonly string[]): Promise<{ readonly code: number; readonly stdout: string }> {
      const rc = join(folder, "terraform.rc");
      writeFileSync(rc, `provider_installation { filesystem_mirror { path = ${JSON.stringify(mirror)} } }\n`);
      const env = { ...process.env, TF_CLI_CONFIG_FILE: rc, CHECKPOINT_DISABLE: "1", TF_IN_AUTOMATION: "1" };
      const cwd = join(folder, "out", "stacks", "us-east-jobs");
      return run(terraform ?? "", [...args], { cwd, env }).then(
        ({ stdout }) => ({ code: 0, stdout }),
        (error: { readonly code: number; readonly stdout: string; readonly stderr: string }) => {
          if (args.includes("-detailed-exitcode") && error.code === 2) return { code: 2, stdout: error.stdout };
          throw new Error(`terraform ${args.join(" ")}: ${error.stderr}`);
        },
      );
    }
    const jobIds = async () =>
      (await agent.call<readonly { readonly ID: string }[]>("GET", "/v1/jobs?namespace=games"))
        .map(({ ID }) => ID)
        .sort();

    it("deploy, show no changes, plan one change for one experience, and leave nothing when destroyed", async () => {
      synth(500);
      await tf("init", "-no-color");
      await tf("apply", "-no-color", "-auto-approve");
      expect(await jobIds()).toEqual(["us-east.gameserver.arena", "us-east.gameserver.duel"]);
      const job = await agent.call<{
        readonly TaskGroups: readonly { readonly Tasks: readonly { readonly Config: object }[] }[];
      }>("GET", "/v1/job/us-east.gameserver.arena?namespace=games");
      // What Nomad holds is what was written, whatever Terraform reads into such text on the way.
      expect(JSON.stringify(job.TaskGroups[0]?.Tasks[0]?.Config)).toContain("${NOMAD_PORT_game}");
      expect((await tf("plan", "-no-color", "-detailed-exitcode")).code).toBe(0);

      synth(600);
      const plan = await tf("plan", "-no-color", "-detailed-exitcode");
      expect(plan.code).toBe(2);
      expect(plan.stdout).toContain("Plan: 0 to add, 1 to change, 0 to destroy.");
      expect(readdirSync(join(folder, "out", "stacks"))).toEqual(["us-east-jobs"]);

      await tf("destroy", "-no-color", "-auto-approve");
      expect(await jobIds()).toEqual([]);
    });
  });
});
