/**
 * Bundles Forge's programs into dist/, one CommonJS file each, and copies the dashboard beside them.
 *
 * It is called before every `forge` command in a checkout, so the common case, "nothing changed", only stats the files
 * that went into the last build (about 10 ms) and does not load esbuild. Several builds may run at once: each file
 * appears whole, by rename, and the record of a build names the very files it wrote, so a mixture of two builds is
 * recognised as stale and built again.
 *
 * The programs that run on nodes are bundles: one file each that needs Node and nothing beside it, the same bytes
 * wherever it is built from the same commit, with its checksum in dist/bundles.json (see docs/bundles.md).
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { copyFile, mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const RECORD = "dist/.build.json";

/** Output in dist/ (without .js) and the source it starts from. A program whose source does not exist is left out. */
const PROGRAMS = {
  forge: "cli/main.ts",
  controller: "controller/main.ts",
  agent: "agent/main.ts",
  gate: "agent/gate/main.ts",
  infra: "infra/main.ts",
  "end-servers": "infra/servers/main.ts",
  root: "controller/adapters/embedded/root/main.ts",
  "games/arena-server": "games/arena/server/main.ts",
  "games/arena-physics": "games/arena/physics/main.ts",
  "games/arena-ai": "games/arena/ai/main.ts",
  "games/arena-bots": "games/arena/bots/main.ts",
};

/** Which of them go to nodes and are listed in dist/bundles.json. */
const isForNodes = (name) => ["controller", "agent", "gate"].includes(name) || name.startsWith("games/");

/** What changes every output when it changes. */
const CONFIGURATION = ["scripts/build.mjs", "tsconfig.json", "package.json", "package-lock.json"];

/** Read from node_modules at run time: 70 MB of provider bindings that only the stacks load. */
const EXTERNAL = ["cdktf", "constructs", "@cdktf/*"];

/**
 * Makes dist/ match the sources.
 *
 * @param {{ root?: string, log?: (line: string) => void }} [options] `root` is the checkout, this one unless told;
 *   `log` gets one line, and only when something was built.
 * @returns {Promise<boolean>} whether it had to build
 * @throws {Error} with each problem's file, line and text; dist/ is then as it was
 */
export async function build({ root = ROOT, log = () => {} } = {}) {
  const plan = planBuild(root);
  if (isFresh(root, plan)) return false;

  const startedAt = Date.now();
  const { outputs, inputs } = await bundle(root, plan.programs);
  const sources = { ...plan.stamps };
  for (const input of inputs) sources[input] ??= stampBefore(join(root, input), startedAt);

  await mkdir(join(root, "dist"), { recursive: true });

  const written = {};
  const bundles = { path: "dist/bundles.json", contents: `${JSON.stringify(listBundles(outputs), null, 2)}\n` };
  for (const { path, contents } of [...outputs, bundles]) {
    written[path] = await put(root, path, (to) => writeFile(to, contents));
  }
  for (const file of plan.dashboard) {
    const path = `dist/${file}`;
    written[path] = await put(root, path, (to) => copyFile(join(root, file), to));
  }
  await removeOthers(root, written);
  const record = JSON.stringify({ key: plan.key, sources, written });
  await put(root, RECORD, (to) => writeFile(to, record));

  const names = Object.keys(plan.programs);
  log(`built ${names.length} programs in dist/ in ${Date.now() - startedAt} ms`);
  return true;
}

/** Which programs and files there are to build, and the stamps of what is known before bundling. */
function planBuild(root) {
  const programs = Object.fromEntries(Object.entries(PROGRAMS).filter(([, source]) => existsSync(join(root, source))));
  const dashboard = listFiles(root, "dashboard").filter((file) => !/\.test\.|\.tsx?$|\.md$/.test(file));
  const known = [...CONFIGURATION, ...Object.values(programs), ...dashboard];
  const stamps = Object.fromEntries(known.map((file) => [file, stamp(join(root, file))]));
  return { programs, dashboard, stamps, key: JSON.stringify([Object.keys(programs), dashboard, process.version]) };
}

function isFresh(root, plan) {
  let record;
  try {
    record = JSON.parse(readFileSync(join(root, RECORD), "utf8"));
  } catch {
    return false;
  }
  if (record.key !== plan.key) return false;
  const same = ([file, was]) => stamp(join(root, file)) === was;
  return Object.entries(record.sources).every(same) && Object.entries(record.written).every(same);
}

/** Identity of a file's contents without reading it; "" where there is none. */
function stamp(file) {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat === undefined ? "" : `${stat.mtimeMs} ${stat.size}`;
}

/** As `stamp`, but never equal to one when the file may have been edited after esbuild read it. */
function stampBefore(file, startedAt) {
  const clockTickMs = 20;
  const editedAt = statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Infinity;
  return editedAt < startedAt - clockTickMs ? stamp(file) : "edited during the build";
}

async function bundle(root, programs) {
  const entryPoints = Object.entries(programs).map(([out, source]) => ({ in: source, out }));
  if (entryPoints.length === 0) return { outputs: [], inputs: [] };
  const esbuild = await import("esbuild");
  const result = await esbuild
    .build({
      absWorkingDir: root,
      entryPoints,
      outdir: "dist",
      bundle: true,
      platform: "node",
      target: "node20",
      format: "cjs",
      // Node keeps a program's text in memory as long as it runs: spaces and comments are a third of it. Names stay, for
      // whoever reads a stack, and lines are short enough to tell where it was.
      minifyWhitespace: true,
      minifySyntax: true,
      lineLimit: 120,
      sourcemap: true,
      sourcesContent: false,
      external: EXTERNAL,
      // Paths of modules are in the output: with node_modules behind a link they would name where it lies.
      preserveSymlinks: true,
      metafile: true,
      write: false,
      logLevel: "silent",
    })
    .catch(async (error) => {
      if (!Array.isArray(error.errors)) throw error;
      const lines = await esbuild.formatMessages(error.errors, { kind: "error", color: process.stderr.isTTY });
      throw new Error(`the build failed; dist/ is as it was\n${lines.join("")}`);
    });
  return {
    outputs: result.outputFiles.map((file) => ({
      path: relative(root, file.path).split(sep).join("/"),
      contents: file.contents,
    })),
    // A package changes only with package-lock.json.
    inputs: Object.keys(result.metafile.inputs).filter((file) => !file.includes("node_modules/")),
  };
}

/** The bundles by name: file in dist/, checksum and size. Sorted, so that the list too is the same bytes each time. */
function listBundles(outputs) {
  const bundles = outputs
    .map(({ path, contents }) => ({ file: path.slice("dist/".length), contents }))
    .filter(({ file }) => file.endsWith(".js") && isForNodes(file.slice(0, -".js".length)))
    .sort((a, b) => (a.file < b.file ? -1 : 1));
  return Object.fromEntries(
    bundles.map(({ file, contents }) => [
      file.slice(0, -".js".length),
      { file, sha256: createHash("sha256").update(contents).digest("hex"), bytes: contents.length },
    ]),
  );
}

/** Writes beside the destination and renames, so a reader sees the old file or the new one. Returns its stamp. */
async function put(root, path, write) {
  const to = join(root, path);
  const partial = join(dirname(to), `.${process.pid}.${Date.now()}.partial`);
  await mkdir(dirname(to), { recursive: true });
  try {
    await write(partial);
    const written = stamp(partial);
    await rename(partial, to);
    return written;
  } finally {
    await rm(partial, { force: true });
  }
}

/** Takes away what earlier builds made and this one does not, but not the partial files of one that runs beside it. */
async function removeOthers(root, written) {
  const found = await readdir(join(root, "dist"), { recursive: true, withFileTypes: true });
  for (const entry of found) {
    const path = relative(root, join(entry.parentPath, entry.name)).split(sep).join("/");
    const keep = path === RECORD || path in written || (path.endsWith(".partial") && isRecent(join(root, path)));
    if (entry.isFile() && !keep) await rm(join(root, path), { force: true });
  }
}

function isRecent(file) {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat !== undefined && Date.now() - stat.mtimeMs < 60_000;
}

function listFiles(root, folder) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .sort();
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    await build({ log: (line) => console.log(line) });
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
