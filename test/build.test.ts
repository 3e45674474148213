import { execFileSync, spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

const SCRIPT = resolve(__dirname, "../scripts/build.mjs");
/** Not as the first argument: that one would be the program, and the script would build this checkout too. */
const CALL = `import(process.argv[2]).then((m) => m.build({ root: process.argv[3], log: console.log }))`;

let root: string;
/** Sources are a minute old unless a test edits them: what changes during a build is built again. */
let editedAt: number;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "forge-build-"));
  editedAt = Date.now() / 1000 - 60;
  edit("cli/main.ts", `import { word } from "../protocol/word"; console.log(word);`);
  edit("protocol/word.ts", `export const word: string = "first";`);
  edit("dashboard/index.html", "<p>page</p>");
});
afterEach(() => rmSync(root, { recursive: true }));

function edit(file: string, text: string): void {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
  utimesSync(join(root, file), editedAt, editedAt++);
}

function build(): string {
  return execFileSync(process.execPath, ["-e", CALL, "call", SCRIPT, root], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
}

function run(): string {
  return execFileSync(process.execPath, [join(root, "dist/forge.js")], { encoding: "utf8" }).trim();
}

describe("the build", () => {
  test("bundles the programs that exist, copies the dashboard, and is quiet while nothing changes", () => {
    expect(build()).toMatch(/^built 1 programs .*\n$/);
    expect(run()).toBe("first");
    expect(readFileSync(join(root, "dist/dashboard/index.html"), "utf8")).toBe("<p>page</p>");
    expect(existsSync(join(root, "dist/controller.js"))).toBe(false);
    expect(build()).toBe("");
  });

  test("builds again when an imported file, an output or the list of programs changes", () => {
    build();
    edit("protocol/word.ts", `export const word: string = "other";`);
    expect(build()).toContain("built");
    expect(run()).toBe("other");

    writeFileSync(join(root, "dist/forge.js"), "console.log('torn')");
    expect(build()).toContain("built");
    expect(run()).toBe("other");

    edit("agent/main.ts", `console.log("agent");`);
    expect(build()).toContain("built 2 programs");
  });

  test("takes away what is no longer made", () => {
    edit("dashboard/old.css", "p {}");
    build();
    rmSync(join(root, "dashboard/old.css"));
    expect(build()).toContain("built");
    expect(readdirSync(join(root, "dist/dashboard"))).toEqual(["index.html"]);
  });

  test("names file and line of an error, and leaves dist/ as it was", () => {
    build();
    edit("protocol/word.ts", `export const word: string = `);
    const failed = spawnSync(process.execPath, ["-e", CALL, "call", SCRIPT, root], { encoding: "utf8" });
    expect(failed.status).not.toBe(0);
    expect(failed.stderr).toContain("protocol/word.ts:1:");
    expect(run()).toBe("first");
  });

  test("of two at once leaves whole files that the next one recognises", async () => {
    const exitCode = () =>
      new Promise((resolve) => spawn(process.execPath, ["-e", CALL, "call", SCRIPT, root]).once("close", resolve));
    expect(await Promise.all([exitCode(), exitCode(), exitCode()])).toEqual([0, 0, 0]);
    expect(run()).toBe("first");
    build();
    expect(build()).toBe("");
    expect(readdirSync(join(root, "dist")).sort()).toEqual([
      ".build.json",
      "bundles.json",
      "dashboard",
      "forge.js",
      "forge.js.map",
    ]);
  });
});
