import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CliResult, runForTest } from "../cli-under-test";
import { writeRunFile } from "../run-file";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "forge-cli-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function forge(...args: readonly string[]): Promise<CliResult> {
  return runForTest(args, {
    cwd: folder,
    env: { PATH: process.env["PATH"] ?? "", NOMAD_ADDR: "http://nomad.test:4646" },
  });
}

function config(text: string, name = "forge.toml"): void {
  writeFileSync(join(folder, name), text);
}

const GOOD = `[[regions]]
name = "here"
engine = "embedded"

[experiences.pong]
command = "node"
max_players = 2
`;
const BROKEN = GOOD.replace("max_players = 2", "max_players = -2\nmax_plyers = 3");

describe("forge config", () => {
  it("says that a file is right", async () => {
    config(GOOD);
    expect(await forge("config", "check")).toMatchObject({
      code: 0,
      out: expect.stringContaining("1 region, 1 experience"),
    });
    expect((await forge("config", "check", "--json")).json).toMatchObject({ ok: true, problems: [] });
  });

  it("says all that is wrong, with the place of each, and exits 2", async () => {
    config(BROKEN);
    const { code, err, out } = await forge("config", "check");
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(/forge.toml:7:1 .*max_players = -2/);
    expect(err).toMatch(/forge.toml:8:1 .*max_plyers/);
    expect(err).toContain("2 problems");
  });

  it("prints problems as JSON on stdout where asked, and as a problem elsewhere", async () => {
    config(BROKEN, "other.toml");
    const checked = await forge("config", "check", "other.toml", "--json");
    expect(checked).toMatchObject({ code: 2, err: "", json: { ok: false, problems: [{ line: 7 }, { line: 8 }] } });
    const shown = await forge("config", "show", "--config", "other.toml", "--json");
    expect(shown).toMatchObject({ code: 2, out: "" });
    expect(JSON.parse(shown.err)).toMatchObject({
      code: "configInvalid",
      exitCode: 2,
      problems: [{ line: 7 }, { line: 8 }],
    });
  });

  it("shows what is in force and where it comes from, and that is a file of the same meaning", async () => {
    config(GOOD);
    const shown = await forge("config", "show");
    expect(shown.code).toBe(0);
    expect(shown.out).toMatch(/^max_players = 2 +# line 7$/m);
    expect(shown.out).toMatch(/address = "http:\/\/nomad.test:4646" +# from NOMAD_ADDR/);
    config(shown.out, "again.toml");
    const again = (await forge("config", "show", "again.toml", "--json")).json as { config: object };
    expect(again.config).toEqual(((await forge("config", "show", "--json")).json as { config: object }).config);
  });
});

describe("forge init", () => {
  it.each(["websocket", "luanti", "image"])("%s writes a project whose forge.toml is right", async (template) => {
    const { code, out } = await forge("init", template, "Battle Royale", "--json");
    expect(code).toBe(0);
    const { files, next } = JSON.parse(out) as { files: string[]; next: string[] };
    expect(files).toContain("forge.toml");
    expect(next[0]).toBe("cd 'Battle Royale'");
    const path = join(folder, "Battle Royale", "forge.toml");
    expect(readFileSync(path, "utf8")).toContain("[experiences.battle-royale]");
    expect((await forge("config", "check", path)).code).toBe(0);
  });

  it.each(["games/pong", "Ann's $HOME `pwd`", "-dashing"])("says how to go to %j, as a shell takes it", async (dir) => {
    const { out } = await forge("init", "websocket", "--name", "pong", "--json", "--", dir);
    const { next } = JSON.parse(out) as { next: string[] };
    const went = execFileSync("sh", ["-c", `${next[0] ?? ""} && ls forge.toml`], { cwd: folder, encoding: "utf8" });
    expect(went).toBe("forge.toml\n");
  });

  it("says where a checkout is, whatever its folder is called", async () => {
    const home = join(folder, "my forge");
    cpSync(join(__dirname, "../templates"), join(home, "cli", "templates"), { recursive: true });
    writeFileSync(join(home, "cli", "main.ts"), "");
    const { json } = await runForTest(["init", "websocket", "pong", "--json"], { cwd: folder, home });
    expect(json).toMatchObject({
      next: [
        "cd pong",
        `npm --prefix '${home}' run build -w sdk`,
        "npm install",
        `node '${join(home, "cli", "bin", "forge.mjs")}' up`,
      ],
    });
  });

  it("writes over nothing", async () => {
    config("mine");
    const { code, err } = await forge("init", "websocket", "--name", "pong");
    expect(code).toBe(2);
    expect(err).toContain("has forge.toml already");
    expect(readFileSync(join(folder, "forge.toml"), "utf8")).toBe("mine");
    expect(existsSync(join(folder, "package.json"))).toBe(false);
  });

  it("of an installed package uses the SDK that came with it, and its own command", async () => {
    const home = join(folder, "node_modules", "eustress-forge");
    cpSync(join(__dirname, "../templates"), join(home, "cli", "templates"), { recursive: true });
    mkdirSync(join(home, "sdk", "dist"), { recursive: true });
    const { out } = await runForTest(["init", "websocket", "games/pong", "--json"], { cwd: folder, home });
    expect(JSON.parse(out)).toMatchObject({ next: ["cd games/pong", "npm install", "npx forge up"] });
    const manifest = readFileSync(join(folder, "games", "pong", "package.json"), "utf8");
    const { dependencies } = JSON.parse(manifest) as { dependencies: Record<string, string> };
    expect(dependencies["eustress-forge-sdk"]).toBe("file:../../node_modules/eustress-forge/sdk");
  });

  it.each([
    [
      "a template there is none of",
      ["init", "unity"],
      /no template "unity"\n.*\n +websocket .*\n +luanti .*\n +image /,
    ],
    ["to choose a template", ["init"], /which template\?\n.*\n +websocket .*\n +luanti .*\n +image /],
    ["a name without letters", ["init", "luanti", "--name", "42"], /holds no letter/],
  ])("refuses %s", async (_what, args, says) => {
    expect(await forge(...args)).toMatchObject({ code: 2, err: expect.stringMatching(says) });
  });
});

describe("forge doctor", () => {
  it("is content where nothing is asked for", async () => {
    const { code, json } = await forge("doctor", "--json");
    expect(code).toBe(0);
    expect(json).toMatchObject({
      ok: true,
      checks: expect.arrayContaining([{ name: "node", status: "ok", detail: process.versions.node }]),
    });
  });

  it("finds the programs that forge.toml names, and says which is missing", async () => {
    config(GOOD);
    expect((await forge("doctor")).out).toMatch(/^ok +program of pong +\S*node/m);
    config(GOOD.replace('"node"', '"no-such-game"'));
    const { code, out } = await forge("doctor");
    expect(code).toBe(1);
    expect(out).toMatch(/^MISSING +program of pong +.*no-such-game/m);
    expect(out).toContain("program of pong: install it, or change command of experiences.pong");
  });

  it("counts a broken forge.toml as missing", async () => {
    config(BROKEN);
    expect(await forge("doctor")).toMatchObject({ code: 1, out: expect.stringMatching(/has 2 problems/) });
    expect((await forge("doctor", "--config", "nowhere.toml")).code).toBe(1);
  });
});

describe("forge down", () => {
  const run = {
    runId: "run-1",
    url: "http://127.0.0.1:7700",
    regions: {},
    tokenKey: "k".repeat(43),
    detached: false,
  };

  it("has nothing to end where nothing runs", async () => {
    expect(await forge("down")).toMatchObject({
      code: 3,
      err: expect.stringContaining("no Forge runs in this folder"),
    });
  });

  it("leaves a process alone that got the number of an ended run, and takes the run's file away", async () => {
    // This very process, and a run from before it.
    const file = writeRunFile(folder, { ...run, pid: process.pid, startedAtMs: Date.now() - 30 * 86_400_000 });
    expect((await forge("down")).code).toBe(3);
    expect(existsSync(file)).toBe(false);
  });
});

describe("forge synth", () => {
  it("checks the forge.toml first", async () => {
    config(BROKEN);
    expect(await forge("synth")).toMatchObject({ code: 2, err: expect.stringContaining("2 problems") });
  });
});

describe("plan --policy", () => {
  const THEIRS = '[[regions]]\nname = "there"\nengine = "nomad"\nnomad = { namespace = "games" }\n';

  it("prints the rights that a region needs on somebody else's cluster, and no more", async () => {
    config(THEIRS + GOOD);
    const { code, out } = await forge("plan", "there", "--policy");
    expect(code).toBe(0);
    expect(out).toContain('namespace "games" {\n  capabilities = ["list-jobs","read-job","submit-job"]');
    expect(out).toContain("nomad acl policy apply -namespace games -job forge-there-controller");
    const { policies } = JSON.parse((await forge("plan", "--all", "--policy", "--json")).out) as {
      policies: unknown[];
    };
    expect(policies).toMatchObject([{ region: "there", deploy: { name: "forge-there-deploy" } }]);
    expect((await forge("plan", "here", "--policy")).out).toContain("None of these regions");
  });

  it("names the regions there are", async () => {
    config(GOOD);
    const { code, err } = await forge("plan", "nowhere", "--policy");
    expect([code, err]).toEqual([2, expect.stringContaining('no region "nowhere"')]);
    expect((await forge("plan", "--policy")).err).toContain("name one of here");
  });
});
