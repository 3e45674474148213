import { readdirSync, readFileSync, statSync } from "node:fs";
import { spawn } from "node:child_process";
import { join } from "node:path";
import type { Loose } from "./loose";
import { buildPocketGame, pocketExperience, QUICK_HEALTH } from "./pocket";
import { environment, FORGE, problemOf, ROOT, RunFolder, type CommandEnd } from "./run-folder";
import { PortSlot } from "../cluster/port-slot";
import { findProgram, skipUnless } from "../skips";

jest.setTimeout(600_000);

const terraform = findProgram("terraform");

interface Region {
  readonly pid: number;
  readonly url: string;
  readonly incarnation: string;
  readonly runId: string;
}

skipUnless(
  "Terraform",
  "terraform is not on PATH",
  terraform !== undefined,
)("regions on the embedded engine, deployed by Terraform", () => {
  const game = buildPocketGame();
  let folder: RunFolder;
  let ports: PortSlot;
  const runIds = new Set<string>();

  const config = (minServers: number): string => `
${QUICK_HEALTH}
[[regions]]
name = "east"
[[regions]]
name = "west"
${pocketExperience(game.file)}
[experiences.pocket.scaling]
min_servers = ${minServers}
max_servers = 5
`;

  beforeAll(async () => {
    ports = await PortSlot.take(2);
    folder = new RunFolder(config(1));
  });
  afterAll(async () => {
    for (const name of ["east", "west"]) await folder.forge(["region", "stop", name], ports.env);
    for (const runId of runIds) folder.remove(runId);
    folder.remove();
    game.remove();
    ports.giveBack();
  });

  const forge = (...args: readonly string[]): Promise<CommandEnd> => folder.forge(["--json", ...args], ports.env);

  /** As a command that must succeed: its last line, which is the result. */
  async function result(...args: readonly string[]): Promise<Loose> {
    const end = await forge(...args);
    // What it said matters where it failed; a checkout says too what it has built.
    if (end.code !== 0) throw new Error(`forge ${args.join(" ")} ended with ${end.code}: ${end.stderr}`);
    return JSON.parse(end.stdout.trim().split("\n").at(-1) ?? "");
  }

  function running(name: string): Region {
    const region = JSON.parse(folder.read(`.forge/embedded/${name}/run.json`)) as Region;
    runIds.add(region.runId);
    return region;
  }

  async function planned(name: string): Promise<readonly string[]> {
    const { stacks } = await result("plan", name);
    return stacks.flatMap((stack: Loose) => stack.changes.map(({ words }: Loose) => words));
  }

  /** Ready servers of a region, by id. */
  async function servers(region: string, count: number): Promise<readonly string[]> {
    for (;;) {
      const { items } = await result("ps", "--region", region, "--state", "ready");
      const here = items.filter((server: Loose) => server.region === region).map(({ id }: Loose) => id);
      if (here.length === count) return here.sort();
    }
  }

  test("a plan changes nothing, and says what a deploy would do", async () => {
    expect(await planned("east")).toEqual(["start region east on this machine", "give region east its forge.toml"]);
    expect(folder.processes()).toEqual([]);
  });

  test("deploy starts the region that was named, and no other", async () => {
    const { deployed } = await result("deploy", "east", "--yes");
    expect(deployed).toEqual({ "east-embedded": "deployed" });
    expect(await servers("east", 1)).toHaveLength(1);
    expect(readdirSync(join(folder.path, ".forge", "embedded"))).toEqual(["east"]);
    const state = statSync(join(folder.path, ".forge/terraform/east-embedded/terraform.tfstate"));
    expect(state.mode & 0o077).toBe(0);
    // The key of its tokens is nowhere in it.
    const { token } = JSON.parse(folder.read(".forge/secrets/run.json"));
    expect(folder.read(".forge/terraform/east-embedded/terraform.tfstate")).not.toContain(token);
    expect(problemOf(await forge("down"))).toMatchObject({ code: "deployed", fix: expect.stringContaining("east") });
  });

  test("again there are no changes, and nothing is touched", async () => {
    const before = running("east");
    expect(await planned("east")).toEqual([]);
    expect((await result("deploy", "east", "--yes")).deployed).toEqual({ "east-embedded": "unchanged" });
    expect(running("east")).toEqual(before);
  });

  test("a changed forge.toml is in force once it is deployed, without a restart", async () => {
    const before = running("east");
    const first = await servers("east", 1);
    folder.write("forge.toml", config(3));
    expect(await planned("east")).toEqual(["give region east the changed forge.toml; no server restarts"]);
    expect(await servers("east", 1)).toEqual(first);
    await result("deploy", "east", "--yes");
    expect(await servers("east", 3)).toEqual(expect.arrayContaining([...first]));
    expect(running("east")).toEqual(before);
  });

  test("a comment in it is no change", async () => {
    folder.write("forge.toml", `# by hand\n${config(3)}`);
    expect(await planned("east")).toEqual([]);
  });

  test("the second region joins the first: one key, one list", async () => {
    await result("deploy", "--all", "--yes");
    const { items } = await result("ps", "--regions");
    expect(items.map(({ name, state }: Loose) => [name, state])).toEqual([
      ["east", "up"],
      ["west", "up"],
    ]);
    running("west");
  });

  test("a region that was killed is seen at the next plan, and started anew", async () => {
    const { pid, runId } = running("east");
    process.kill(pid, "SIGKILL");
    expect(await folder.emptied(runId)).toEqual(expect.not.arrayContaining([expect.stringContaining(runId)]));
    expect(await planned("east")).toEqual(["start region east anew: the one that was deployed is gone"]);
    expect(await planned("west")).toEqual([]);
    await result("deploy", "--all", "--yes");
    expect(running("east").pid).not.toBe(pid);
    await servers("east", 3);
    expect(await planned("east")).toEqual([]);
  });

  test("a deploy that was killed in the middle goes on when it is run again, with the same servers", async () => {
    await result("destroy", "east", "--yes");
    const child = spawn(process.execPath, [FORGE, "--json", "deploy", "east", "--yes"], {
      cwd: folder.path,
      env: environment(ports.env),
      stdio: ["ignore", "pipe", "ignore"],
      detached: true,
    });
    const started = /"type":"said".*east runs/;
    let said = "";
    await new Promise<void>((resolve) => {
      child.stdout?.setEncoding("utf8").on("data", (text: string) => {
        said += text;
        if (started.test(said)) resolve();
      });
    });
    child.kill("SIGKILL");
    for (const line of folder.processes().filter((each) => each.includes("terraform")))
      process.kill(Number(line.split(" ")[0]), "SIGKILL");
    const { pid } = running("east");
    await result("deploy", "east", "--yes");
    expect(running("east").pid).toBe(pid);
    expect(await planned("east")).toEqual([]);
  });

  test("a region that forge.toml no longer has is named, and can be destroyed", async () => {
    folder.write("forge.toml", config(3).replace('[[regions]]\nname = "west"', ""));
    expect((await result("plan", "east")).unclaimed).toEqual(["west-embedded"]);
    const { pid } = running("west");
    expect((await result("destroy", "west", "--yes")).destroyed).toEqual({ "west-embedded": "destroyed" });
    expect(folder.processes().some((line) => line.startsWith(`${pid} `))).toBe(false);
  });

  test("destroy leaves no process and no state", async () => {
    expect((await result("destroy", "--all", "--yes")).destroyed).toEqual({ "east-embedded": "destroyed" });
    for (const runId of runIds) expect(folder.processes(runId)).toEqual([]);
    expect(readdirSync(join(folder.path, ".forge", "terraform"))).toEqual([]);
    expect(readdirSync(join(folder.path, ".forge", "embedded"))).toEqual([]);
    expect(problemOf(await forge("ps"))).toMatchObject({ code: "noRun" });
  });

  test("what is in the way is said, with what to do", async () => {
    const silent = await forge("deploy", "east");
    expect(problemOf(silent)).toMatchObject({ code: "needsYes", exitCode: 2 });
    expect(problemOf(await forge("deploy", "north", "--yes"))).toMatchObject({ code: "unknownRegion" });
    const without = { ...ports.env, TERRAFORM_BINARY_NAME: "no-such-terraform" };
    expect(problemOf(await folder.forge(["--json", "deploy", "east", "--yes"], without))).toMatchObject({
      code: "terraformMissing",
      fix: expect.stringContaining("PATH"),
    });
  });

  test("npx cdktf deploy by hand does the same, with the same state", async () => {
    const cdktf = (...args: readonly string[]): Promise<CommandEnd> =>
      folder.command(
        process.execPath,
        [require.resolve("cdktf-cli/bundle/bin/cdktf"), ...args, "--output", join(folder.path, "cdktf.out")],
        { ...ports.env, FORGE_CONFIG: folder.config, CI: "1", CHECKPOINT_DISABLE: "1" },
        ROOT,
      );
    const deploy = await cdktf("deploy", "east-embedded", "--auto-approve");
    expect([deploy.stderr, deploy.code]).toEqual([expect.any(String), 0]);
    const { pid } = running("east");
    expect(await planned("east")).toEqual([]);
    const destroy = await cdktf("destroy", "east-embedded", "--auto-approve");
    expect([destroy.stderr, destroy.code]).toEqual([expect.any(String), 0]);
    expect(folder.processes().some((line) => line.startsWith(`${pid} `))).toBe(false);
    expect(readFileSync(join(folder.path, ".forge/terraform/east-embedded/terraform.tfstate"), "utf8")).toContain(
      '"resources": []',
    );
  });
});
