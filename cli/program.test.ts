import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runForTest } from "./cli-under-test";
import { COMMANDS, LATER } from "./command-list";

const options = { cwd: "/" };
const GLOBAL = ["--config", "--json", "--addr", "--token", "--region", "--help", "--version"];

/** Rows of a page's tables that begin with a command in code. */
function documented(): ReadonlyMap<string, string> {
  const page = readFileSync(join(__dirname, "..", "docs", "cli.md"), "utf8");
  const rows = [...page.matchAll(/^\| `forge ([a-z]+)[^`]*` \|(.*)$/gm)];
  const words = new Map<string, string>();
  for (const [row, name = ""] of rows) words.set(name, (words.get(name) ?? "") + row);
  return words;
}

async function flagsOf(...words: readonly string[]): Promise<readonly string[]> {
  const { out } = await runForTest([...words, "--help"], options);
  const flags = [...out.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, flag = ""]) => flag);
  return [...new Set(flags)].filter((flag) => !GLOBAL.includes(flag));
}

/** Those of its second words too, such as `forge sdk local`. */
async function allFlagsOf(name: string): Promise<readonly string[]> {
  const { out } = await runForTest([name, "--help"], options);
  const [, commands = ""] = out.split(/^Commands:$/m);
  const words = [...commands.matchAll(/^ {2}([a-z]+) /gm)].map(([, word = ""]) => word);
  const under = await Promise.all(words.filter((word) => word !== "help").map((word) => flagsOf(name, word)));
  return [...(await flagsOf(name)), ...under.flat()];
}

describe("docs/cli.md", () => {
  it("has the commands that there are, each with every option of its own", async () => {
    const rows = documented();
    expect([...rows.keys()].sort()).toEqual(COMMANDS.map(({ name }) => name).sort());
    for (const { name } of COMMANDS) {
      for (const flag of await flagsOf(name))
        expect([name, rows.get(name)]).toEqual([name, expect.stringContaining(flag)]);
    }
  });

  it("names no option that there is not", async () => {
    for (const [name, row] of documented()) {
      const flags = [...(await allFlagsOf(name)), ...GLOBAL];
      const named = [...row.matchAll(/--[a-z-]+/g)].map(([flag]) => flag);
      for (const flag of named) expect([name, flags]).toEqual([name, expect.arrayContaining([flag])]);
    }
  });
});

describe("the program", () => {
  it("lists every command in its help, and loads none for it", async () => {
    const { code, out } = await runForTest(["--help"], options);
    expect(code).toBe(0);
    for (const { name, summary } of COMMANDS)
      expect(out).toMatch(new RegExp(`^ {2}${name} .*${summary.slice(0, 20)}`, "m"));
    expect(out).not.toMatch(/^ {2}cost/m);
  });

  it.each(LATER.map((name) => [name]))("says that %s is not in this version", async (name) => {
    const { code, err, out } = await runForTest([name, "--anything", "us-east"], options);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(/is not in this version\n {2}fix: README/);
  });

  it.each([
    [["spwan"], /unknown command 'spwan' \(Did you mean spawn\?\)\n {2}fix: `forge --help` and/],
    [["help", "spwan"], /unknown command 'spwan' \(Did you mean spawn\?\)/],
    [["stop"], /missing required argument 'server'\n {2}fix: `forge help stop` says/],
    [["ps", "--sesions"], /unknown option '--sesions' \(Did you mean --sessions\?\)/],
    [["ps", "extra"], /too many arguments for 'ps'/],
    [["spawn", "arena", "--count", "none"], /It must be a whole number from 1 to 1000/],
    [["spawn", "arena", "--label", "novalue"], /It must be KEY=VALUE/],
    [["spawn", "@1.0"], /names no experience/],
    [["up", "--engine", "docker"], /It must be embedded or nomad/],
    [["allocate", "arena"], /required option '--match <id>' not specified/],
    [["allocate", "arena", "--match", "m"], /required option '--player <id>' not specified/],
  ])("refuses %j with exit code 2", async (args, says) => {
    const { code, err, out } = await runForTest([...args, "--addr", "http://127.0.0.1:9"], options);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(says);
  });

  it("tells a wrong command line as a JSON problem where asked", async () => {
    const { code, err } = await runForTest(["--json", "stop"], options);
    expect(code).toBe(2);
    expect(JSON.parse(err)).toMatchObject({ type: "urn:forge:cli:usage", code: "usage", exitCode: 2 });
  });

  it("takes global options before the command and after it", async () => {
    const before = await runForTest(["--addr", "nowhere", "ps"], options);
    const after = await runForTest(["ps", "--addr", "nowhere"], options);
    expect(before).toMatchObject({ code: 2, err: after.err });
    expect(before.err).toContain('"nowhere" is not a controller\'s address');
  });

  it("prints its help and 2 where no command is given, its version on demand", async () => {
    expect(await runForTest([], options)).toMatchObject({ code: 2, out: "" });
    expect(await runForTest(["--version"], options)).toMatchObject({ code: 0, out: "0.0.0-test\n" });
    expect((await runForTest(["help", "drain"], options)).out).toContain("SERVER | region NAME");
  });
});
