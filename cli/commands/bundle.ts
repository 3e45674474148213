import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { z } from "zod";
import type { CliContext, Register } from "../context";
import { EXIT } from "../exit-code";
import { CliError } from "../failure";

const bundleList = z.record(
  z.string(),
  z.object({
    file: z.string().regex(/^[\w-]+(\/[\w-]+)*\.js$/),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    bytes: z.int().positive(),
  }),
);

interface BundleOptions {
  readonly out: string;
}

export const register: Register = (command, context) => {
  command
    .option("--out <dir>", "folder to write into", "bundles")
    .addHelpText(
      "after",
      "\nWrites the programs that run on nodes, one file each, and bundles.json with their SHA-256, for an artifact store\nof your own. They are the same bytes wherever the same version is built.",
    )
    .action((options: BundleOptions) => run(options, context));
};

function run({ out }: BundleOptions, context: CliContext): void {
  const { home, cwd } = context.io;
  const from = join(home, "dist");
  const bundles = readList(join(from, "bundles.json"));
  // All are read and compared before the first is written.
  const files = Object.values(bundles).map((bundle) => ({ ...bundle, contents: readBundle(from, bundle) }));

  const folder = resolve(cwd, out);
  for (const { file, contents } of files) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), contents);
  }
  writeFileSync(join(folder, "bundles.json"), `${JSON.stringify(bundles, null, 2)}\n`);
  context.print({ folder, bundles }, () => [
    ...Object.values(bundles).map(({ file, sha256, bytes }) => `${sha256}  ${file} (${Math.ceil(bytes / 1024)} KiB)`),
    `wrote ${files.length} bundles and bundles.json to ${out}`,
  ]);
}

function readList(file: string): z.output<typeof bundleList> {
  try {
    return bundleList.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch {
    throw new CliError("noBundles", EXIT.failed, `${file} is missing or not a list of bundles`, REINSTALL);
  }
}

function readBundle(folder: string, { file, sha256 }: { readonly file: string; readonly sha256: string }): Buffer {
  let contents: Buffer | undefined;
  try {
    contents = readFileSync(join(folder, file));
  } catch {
    contents = undefined;
  }
  if (contents !== undefined && createHash("sha256").update(contents).digest("hex") === sha256) return contents;
  const what = contents === undefined ? "is missing" : "is not the file that bundles.json names";
  throw new CliError("noBundles", EXIT.failed, `${join(folder, file)} ${what}`, REINSTALL);
}

const REINSTALL = "run `npm run build` in a checkout of Forge, or install the package again";
