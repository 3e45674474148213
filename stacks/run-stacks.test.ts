import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App } from "cdktf";
import { loadConfig } from "../config/load";
import { gameServerJob } from "../jobs/game-server";
import { nomadJobModel } from "../jobs/job-model";
import { renderJob } from "../jobs/render";
import { addRunStacks } from ".";

const ROOT = join(__dirname, "..");
const SAMPLE = readFileSync(join(ROOT, "forge.toml"), "utf8");

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "forge-stacks-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Step {
  readonly triggers_replace: readonly string[];
  readonly depends_on?: readonly string[];
  readonly provisioner: readonly {
    readonly "local-exec": { readonly interpreter: readonly string[]; readonly command: string };
  }[];
}

interface Stack {
  readonly terraform: { readonly backend: unknown };
  readonly provider: { readonly nomad: readonly Readonly<Record<string, unknown>>[] };
  readonly resource?: {
    readonly nomad_job: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
    readonly terraform_data?: Readonly<Record<string, Step>>;
  };
}

/** By way of `app.synth()`, as `cdktf` does it: stack by id. */
function synth(text: string): Record<string, Stack> {
  const { config } = loadConfig({ file: "forge.toml", readFile: () => text });
  const app = new App({ outdir: folder });
  const run = { config, forgeToml: text, configFile: join(folder, "forge.toml") };
  addRunStacks(app, run, { forge: ["node", "${HOME}/forge.mjs"] });
  app.synth();
  return written(folder);
}

function written(out: string): Record<string, Stack> {
  const ids = readdirSync(join(out, "stacks"));
  return Object.fromEntries(
    ids.map((id) => [id, JSON.parse(readFileSync(join(out, "stacks", id, "cdk.tf.json"), "utf8")) as Stack]),
  );
}

/** `STACK TYPE.LOGICAL_ID` of every resource: what Terraform's state knows it by. */
function addresses(stacks: Record<string, Stack>): string[] {
  return Object.entries(stacks).flatMap(([id, { resource = {} }]) =>
    Object.entries(resource).flatMap(([type, named]) => Object.keys(named).map((name) => `${id} ${type}.${name}`)),
  );
}

/** A change here destroys and makes anew what people have deployed. */
const SAMPLE_ADDRESSES = [
  "eu-west-embedded terraform_data.region",
  "eu-west-embedded terraform_data.revision",
  "eu-west-jobs nomad_job.arena_ai_54508A4A",
  "eu-west-jobs nomad_job.arena_server_AA9528A1",
  "us-east-embedded terraform_data.region",
  "us-east-embedded terraform_data.revision",
  "us-east-jobs nomad_job.arena_ai_54508A4A",
  "us-east-jobs nomad_job.arena_server_AA9528A1",
];

/** As Terraform reads a string of its JSON. */
function evaluated(template: unknown): string {
  return String(template).replace(/\$\$\{|%%\{/g, (opening) => opening.slice(1));
}

describe("the stacks of a run", () => {
  test("of the sample are at these addresses", () => {
    expect(addresses(synth(SAMPLE)).sort()).toEqual(SAMPLE_ADDRESSES);
  });

  test("keep their state beside forge.toml, whoever deploys them", () => {
    for (const [id, stack] of Object.entries(synth(SAMPLE)))
      expect(stack.terraform.backend).toEqual({
        local: { path: join(folder, ".forge", "terraform", id, "terraform.tfstate") },
      });
  });

  test("start an embedded region, end the very one that was started, and push what changed", () => {
    const of = (text: string) => synth(text)["us-east-embedded"]?.resource?.terraform_data;
    const first = of(SAMPLE);
    const [start, stop] = first?.region?.provisioner ?? [];
    const [incarnation] = first?.region?.triggers_replace ?? [];
    // A path is what it is, whatever Terraform reads into such text.
    expect(start?.["local-exec"].interpreter.slice(0, 2)).toEqual(["node", "$${HOME}/forge.mjs"]);
    expect(start?.["local-exec"].interpreter).toEqual(expect.arrayContaining(["region", "start", "us-east"]));
    expect(start?.["local-exec"].command).toBe(incarnation);
    expect(stop?.["local-exec"]).toMatchObject({ when: "destroy", command: "${self.triggers_replace[0]}" });
    expect(first?.revision?.depends_on).toEqual(["terraform_data.region"]);

    const revision = (text: string) => of(text)?.revision?.triggers_replace;
    expect(revision(`# a comment\n${SAMPLE}`)).toEqual(revision(SAMPLE));
    expect(revision(SAMPLE.replace("max_players = 24", "max_players = 25"))).not.toEqual(revision(SAMPLE));
  });

  test("hold the very jobs that the builders make, once Terraform has read them", () => {
    const { "us-east-jobs": stack } = synth(SAMPLE);
    const { config } = loadConfig({ file: "forge.toml", readFile: () => SAMPLE });
    const [region] = config.regions;
    const { arena } = config.experiences;
    if (region === undefined || arena === undefined) throw new Error("the sample has changed");
    const job = stack?.resource?.nomad_job.arena_server_AA9528A1;
    expect(job).toMatchObject({ json: true, purge_on_destroy: true, deregister_on_id_change: true });
    expect(JSON.parse(evaluated(job?.jobspec))).toEqual(renderJob(gameServerJob({ region, experience: arena })));
    expect(String(job?.jobspec).replaceAll("$${", "")).not.toContain("${");
  });

  test("every job is one that Nomad's API would take", () => {
    const jobs = Object.values(synth(SAMPLE)).flatMap(({ resource }) => Object.values(resource?.nomad_job ?? {}));
    expect(jobs).toHaveLength(4);
    for (const { jobspec } of jobs)
      expect(nomadJobModel.safeParse(JSON.parse(evaluated(jobspec))).error).toBeUndefined();
  });

  test("go to each region's own Nomad and name no token; regions that manage no jobs have none", () => {
    const stacks = synth(`
[nomad]
address = "http://shared:4646"
[[regions]]
name = "a"
engine = "nomad"
nomad = { address = "https://a:4646", namespace = "games" }
[[regions]]
name = "b"
engine = "nomad"
[[regions]]
name = "c"
engine = "nomad"
manage = ["consul"]
[experiences.arena]
command = "arena"
max_players = 4
[experiences.duel]
command = "duel"
max_players = 2
regions = ["b"]
`);
    expect(Object.keys(stacks)).toEqual(["a-jobs", "b-jobs", "c-consul"]);
    expect(stacks["a-jobs"]?.provider.nomad).toEqual([{ address: "https://a:4646" }]);
    expect(stacks["b-jobs"]?.provider.nomad).toEqual([{ address: "http://shared:4646" }]);
    const jobIds = (stack: Stack | undefined) =>
      Object.values(stack?.resource?.nomad_job ?? {}).map(({ jobspec }) => {
        const { ID, Namespace } = nomadJobModel.parse(JSON.parse(evaluated(jobspec))).Job;
        // The gate's version is of no interest here.
        return `${Namespace} ${ID.replace(/-gate-[0-9a-f]{8}$/, "-gate")}`;
      });
    const programs = (namespace: string, region: string) =>
      ["agent", "controller", "gate"].map((name) => `${namespace} forge-${region}-${name}`);
    expect(jobIds(stacks["a-jobs"])).toEqual(["games a.gameserver.arena", ...programs("games", "a")]);
    expect(jobIds(stacks["b-jobs"])).toEqual([
      "default b.gameserver.arena",
      "default b.gameserver.duel",
      ...programs("default", "b"),
    ]);
  });

  test("strings that Terraform or Nomad would evaluate reach the program as they were written", () => {
    const text = `[experiences.arena]
command = "arena"
max_players = 4
args = ["\${a b}", "%{ if x }", "$\${x}", "\${NOMAD_PORT_game}"]
env = { X = "%{ y } $& \${z}" }
`;
    const [job] = Object.values(synth(text)["dc1-jobs"]?.resource?.nomad_job ?? {});
    const [task] = nomadJobModel.parse(JSON.parse(evaluated(job?.jobspec))).Job.TaskGroups[0]?.Tasks ?? [];
    expect(task?.Config.args).toEqual(["$${a b}", "%%{ if x }", "$$${x}", "${NOMAD_PORT_game}"]);
    expect(task?.Env.X).toBe("%{ y } $& ${z}");
  });

  test("a CDKTF token in forge.toml is refused, for it would be some other value", () => {
    const text = `[experiences.arena]\ncommand = "arena"\nmax_players = 4\nenv = { X = "\${TfToken[TOKEN.0]}" }\n`;
    expect(() => synth(text)).toThrow(/dc1-jobs\/arena\/server\] its jobspec holds a CDKTF token/);
  });
});

describe("cdktf synth", () => {
  const cdktf = (env: NodeJS.ProcessEnv) => {
    writeFileSync(join(folder, "terraformrc"), "");
    return execFileSync(
      process.execPath,
      [require.resolve("cdktf-cli/bundle/bin/cdktf"), "synth", "--output", join(folder, "out")],
      {
        cwd: ROOT,
        encoding: "utf8",
        env: {
          ...process.env,
          CI: "1",
          CHECKPOINT_DISABLE: "1",
          TF_CLI_CONFIG_FILE: join(folder, "terraformrc"),
          ...env,
        },
        stdio: "pipe",
      },
    );
  };

  test("turns the sample into the same stacks", () => {
    expect(cdktf({})).toContain("us-east-jobs");
    expect(addresses(written(join(folder, "out"))).sort()).toEqual(SAMPLE_ADDRESSES);
  }, 120_000);

  test("says of a forge.toml that FORGE_CONFIG names what is wrong with it", () => {
    const file = join(folder, "broken.toml");
    writeFileSync(file, `[experiences.arena]\ncommand = "arena"\nmaxplayers = 4\n`);
    let said = "";
    try {
      cdktf({ FORGE_CONFIG: file });
    } catch (error) {
      said = ["stdout", "stderr"].map((key) => String((error as Record<string, unknown>)[key])).join("");
    }
    expect(said).toContain("did you mean experiences.arena.max_players?");
  }, 120_000);
});
