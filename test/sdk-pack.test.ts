import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(__dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "forge-sdk-pack-"));
const packed = join(folder, "node_modules", "eustress-forge-sdk");
let files: readonly string[];

/** Built and packed as for publishing, away from this checkout, and laid out as npm would install it. */
beforeAll(() => {
  const sdk = join(folder, "sdk");
  const leftOut = /\/(dist|node_modules)(\/|$)/;
  cpSync(join(ROOT, "sdk"), sdk, { recursive: true, filter: (path) => !leftOut.test(path.slice(ROOT.length)) });
  const options = ["--outDir", join(sdk, "dist"), "--rootDir", join(ROOT, "sdk/src")];
  execFileSync(join(ROOT, "node_modules/.bin/tsc"), ["-p", join(ROOT, "sdk/tsconfig.json"), ...options]);
  const told = execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], { cwd: sdk });
  const [{ filename, files: listed }] = JSON.parse(told.toString()) as [
    { filename: string; files: { path: string }[] },
  ];
  files = listed.map(({ path }) => path).sort();
  execFileSync("mkdir", ["-p", packed]);
  execFileSync("tar", ["-xzf", join(folder, filename), "-C", packed, "--strip-components", "1"]);
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true }));

it("has what is imported, its types, and nothing else", () => {
  const strange = files.filter((path) => !/^(package\.json|README\.md|dist\/[\w/-]+\.(js|d\.ts))$/.test(path));
  expect(strange).toEqual([]);
  expect(files.filter((path) => /test|double|manual/.test(path))).toEqual([]);
  const { exports, dependencies } = JSON.parse(readFileSync(join(packed, "package.json"), "utf8")) as {
    readonly exports: Readonly<Record<string, { readonly types: string; readonly default: string } | string>>;
    readonly dependencies?: object;
  };
  const named = Object.values(exports).flatMap((entry) => (typeof entry === "string" ? [entry] : Object.values(entry)));
  expect(files).toEqual(expect.arrayContaining(named.map((path) => path.replace("./", ""))));
  expect(dependencies).toBeUndefined();
});

it("gives servers, players and matchmakers their part from where it is installed", () => {
  const from = createRequire(join(folder, "program.js"));
  expect(from("eustress-forge-sdk/server")).toMatchObject({ GameServer: expect.any(Function) });
  expect(from("eustress-forge-sdk/player")).toMatchObject({ PlayerClient: expect.any(Function) });
  expect(from("eustress-forge-sdk/controller")).toMatchObject({ ForgeController: expect.any(Function) });
  const all = from("eustress-forge-sdk") as Record<string, unknown>;
  expect(all).toMatchObject({ ForgeController: expect.any(Function), verifyWebhook: expect.any(Function) });
  const { ForgeController } = all as { ForgeController: { prototype: object } };
  const calls = Object.getOwnPropertyNames(ForgeController.prototype);
  expect(calls).toEqual(
    expect.arrayContaining(["allocate", "routePlayers", "createSession", "waitQueue", "getRegions"]),
  );
});

it.each(["", "/server", "/player", "/controller"])("has all errors by name in eustress-forge-sdk%s", (part) => {
  const from = createRequire(join(folder, "program.js"));
  const all = from("eustress-forge-sdk") as Record<string, unknown>;
  const own = from(`eustress-forge-sdk${part}`) as Record<string, unknown>;
  for (const name of ["ForgeApiError", "ForgeUnreachableError", "ForgeUsageError"]) {
    expect(own[name]).toBeInstanceOf(Function);
    expect(own[name]).toBe(all[name]);
  }
});
