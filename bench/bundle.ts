import { build } from "esbuild";
import { join } from "node:path";

/**
 * Bundles programs as `forge` ships its own, so that speed and memory are a release's and not a loader's.
 * @param sources by name, paths from the checkout's folder
 * @param checkout of what; this one where not given
 * @returns by the same names, the files in `folder`
 */
export async function bundle<Name extends string>(
  folder: string,
  sources: Readonly<Record<Name, string>>,
  checkout: string = join(__dirname, ".."),
): Promise<Readonly<Record<Name, string>>> {
  const names = Object.keys(sources) as Name[];
  await build({
    absWorkingDir: checkout,
    entryPoints: names.map((name) => ({ in: sources[name], out: name })),
    outdir: folder,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    minifyWhitespace: true,
    minifySyntax: true,
    lineLimit: 120,
    logLevel: "error",
    external: ["cdktf", "constructs", "@cdktf/*"],
  });
  return Object.fromEntries(names.map((name) => [name, join(folder, `${name}.js`)])) as Record<Name, string>;
}
