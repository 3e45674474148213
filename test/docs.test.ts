import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parse } from "smol-toml";
import { runForTest } from "../cli/cli-under-test";
import { COMMANDS, LATER } from "../cli/command-list";
import { loadConfig } from "../config/load";
import { anchors, codeBlocks, forgeCommands, relativeLinks } from "./markdown";

const ROOT = join(__dirname, "..");
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

const PAGES = [
  "README.md",
  "CONTRIBUTING.md",
  "sdk/README.md",
  ...readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".md"))
    .map((file) => join("docs", file))
    .sort(),
];

/** What lies at the top without being part of the sources: by .gitignore, and what tools hide. */
function sourceFolders(): readonly string[] {
  const ignored = new Set(read(".gitignore").split("\n"));
  return readdirSync(ROOT, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith(".") && !ignored.has(`${entry.name}/`))
    .map(({ name }) => name);
}

/** Why a block of TOML is no forge.toml; undefined where it is one. */
function whyNotForgeToml(text: string): string | undefined {
  try {
    loadConfig({ file: "forge.toml", readFile: () => text });
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Every option that `forge NAME [SUBCOMMAND]` knows, from its own help. */
async function knownOptions(words: readonly string[]): Promise<ReadonlySet<string>> {
  const { out } = await runForTest([...words, "--help"], { cwd: ROOT });
  return new Set(out.match(/(?<=[\s,])--?[a-z][a-z-]*/g));
}

describe.each(PAGES)("%s", (path) => {
  const page = read(path);

  it("has no link into nowhere", () => {
    const broken = relativeLinks(path, page).filter((link) => {
      if (!existsSync(join(ROOT, link.path))) return true;
      return link.anchor !== "" && !anchors(read(link.path)).includes(link.anchor);
    });
    expect(broken).toEqual([]);
  });

  it("shows TOML that Forge takes", () => {
    for (const { mark, text } of codeBlocks(page).filter(({ language }) => language === "toml")) {
      if (mark === "fragment") expect(() => parse(text)).not.toThrow();
      else expect([text, whyNotForgeToml(text)]).toEqual([text, undefined]);
    }
  });

  it("names commands and options that there are", async () => {
    const known = new Map(COMMANDS.map((entry) => [entry.name, entry]));
    for (const { words, options } of forgeCommands(page)) {
      const [name = ""] = words;
      if (name === "help" || LATER.includes(name)) continue;
      expect([words, known.has(name)]).toEqual([words, true]);
      const nested =
        name === "config" || `${name} ${words[1]}` === "drain region" || `${name} ${words[1]}` === "sdk local";
      const options_ = await knownOptions(nested ? words.slice(0, 2) : [name]);
      expect(options_.size).toBeGreaterThan(0);
      for (const option of options) expect([words, option, options_.has(option)]).toEqual([words, option, true]);
    }
  });
});

describe("the README", () => {
  const page = read("README.md");
  const rows = [...page.matchAll(/^\| `([\w-]+)\/` \|/gm)].map(([, folder = ""]) => folder);

  it("has every folder in its map, and no other", () => {
    expect(rows.filter((folder) => !statSync(join(ROOT, folder)).isDirectory())).toEqual([]);
    expect([...rows].sort()).toEqual([...sourceFolders()].sort());
  });

  it("leads to every page", () => {
    const reached = new Set<string>();
    const follow = (path: string): void => {
      if (reached.has(path)) return;
      reached.add(path);
      const found = relativeLinks(path, read(path)).map((link) => link.path);
      // A link to a folder shows what is in it.
      const files = found.flatMap((to) =>
        PAGES.includes(to) ? [to] : PAGES.filter((page) => page.startsWith(`${to}/`)),
      );
      files.forEach(follow);
    };
    follow("README.md");
    expect(PAGES.filter((path) => !reached.has(path))).toEqual([]);
  });

  it("says of each command that is not in this version what to do meanwhile, or that there is nothing", () => {
    const [, missing = ""] = page.split("## What is not there yet");
    expect(LATER.filter((name) => !missing.includes(`\`forge ${name}\``))).toEqual([]);
  });

  it("shows the ten lines of the SDK that are compiled and run", () => {
    const [shown] = codeBlocks(page).filter(({ language }) => language === "ts");
    expect(shown?.text).toBe(read("sdk/examples/ten-lines.mts"));
  });
});

describe("the map of the code", () => {
  const page = read("docs/code-map.md");
  const [beforeCore = "", core = "", afterCore = ""] = page.split(/### The core\n|## Agent and gate\n/);
  const names = (text: string): string[] => [...text.matchAll(/`([\w./-]+)`/g)].map(([, name = ""]) => name);

  /** Folders with code, but for tests, which docs/testing.md tells of, and whole examples. */
  function codeFolders(folder: string): readonly string[] {
    const entries = readdirSync(join(ROOT, folder), { withFileTypes: true });
    const below = entries.filter((entry) => entry.isDirectory() && !/^(dist|node_modules|testing)$/.test(entry.name));
    const own = entries.some(({ name }) => /\.(ts|mjs|js)$/.test(name)) ? [`${folder}/`] : [];
    return [...own, ...below.flatMap(({ name }) => codeFolders(`${folder}/${name}`))];
  }

  it("names every folder with code", () => {
    const folders = sourceFolders()
      .filter((folder) => folder !== "test" && folder !== "examples")
      .flatMap(codeFolders);
    const told = names(page);
    const untold = folders.filter((folder) => !told.includes(folder));
    expect(untold).toEqual([]);
  });

  it("names no file or folder that there is not", () => {
    const paths = [...names(beforeCore), ...names(afterCore)].filter((name) => name.includes("/"));
    const files = names(core).filter((name) => name.endsWith(".ts"));
    const all = [...paths, ...files.map((file) => `controller/core/${file}`)];
    expect(all.length).toBeGreaterThan(100);
    expect(all.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });
});

describe("what these tests look for", () => {
  const page = [
    "# A `page`, of course",
    "[a](docs/nowhere.md) [b](#other-part) [c](https://example.com) `forge ps --sessions` and `forge SOMETHING`",
    "```sh walk",
    "cd forge # forge nonsense --never",
    "FORGE_TOKEN=$(npx forge token --role player) && forge config check | forge up --for=5 SERVER --json",
    "[d](no-link.md)",
    "```",
    "## Other part",
  ].join("\n");

  it("is found", () => {
    expect(relativeLinks("README.md", page)).toEqual([
      { path: "docs/nowhere.md", anchor: "" },
      { path: "README.md", anchor: "other-part" },
    ]);
    expect(relativeLinks("docs/decisions/x.md", "[up](../api.md#rules)")).toEqual([
      { path: "docs/api.md", anchor: "rules" },
    ]);
    expect(anchors(page)).toEqual(["a-page-of-course", "other-part"]);
    expect(codeBlocks(page)).toEqual([
      { language: "sh", mark: "walk", text: expect.stringMatching(/^cd forge[^]*no-link.md\)\n$/) },
    ]);
    expect(forgeCommands(page)).toEqual([
      { words: ["token"], options: ["--role"] },
      { words: ["config", "check"], options: [] },
      { words: ["up"], options: ["--for", "--json"] },
      { words: ["ps"], options: ["--sessions"] },
    ]);
  });

  it("can be wrong", async () => {
    expect(whyNotForgeToml('[experiences.arena]\nimage = "a:1"\n')).toContain("max_players");
    expect(await knownOptions(["up"])).not.toContain("--never");
    expect(await knownOptions(["up"])).toContain("--processes");
    expect(sourceFolders()).toContain("docs");
    expect(sourceFolders()).not.toContain("node_modules");
  });
});
