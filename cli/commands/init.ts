import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import type { CliContext, Register } from "../context";
import { EXIT } from "../exit-code";
import { CliError } from "../failure";
import { shellWord } from "../shell-word";
import {
  type InitTemplate,
  initTemplates,
  renderTemplate,
  TemplateError,
  type TemplateFile,
} from "../templates/templates";

export const register: Register = (command, context) => {
  command
    .usage("[options] <template> [dir]")
    .argument("[template]", `one of ${initTemplates.map(({ name }) => name).join(", ")}`)
    .argument("[dir]", "folder to write into", ".")
    .option("--name <name>", "what the experience is called (default: the folder's name)")
    .addHelpText("after", `\nTemplates:\n${templateList("  ")}\n\nFiles that are there already are never written over.`)
    .action((template: string | undefined, dir: string, { name }: { readonly name?: string }) =>
      run(knownTemplate(template), dir, name, context),
    );
};

/** @throws {CliError} that lists the templates where none of them is named */
function knownTemplate(name: string | undefined): string {
  if (initTemplates.some((template) => template.name === name)) return name ?? "";
  const problem = name === undefined ? "which template?" : `there is no template "${name}"`;
  throw new CliError("templateInvalid", EXIT.badInput, problem, `forge init TEMPLATE [DIR]\n${templateList("    ")}`);
}

function templateList(indent: string): string {
  return initTemplates.map(({ name, description }) => `${indent}${name.padEnd(10)} ${description}`).join("\n");
}

function run(name: string, dir: string, experience: string | undefined, context: CliContext): void {
  const { cwd, home } = context.io;
  const folder = resolve(cwd, dir);
  const files = render(name, experience ?? basename(folder), { home, folder });
  const taken = files.filter(({ path }) => existsSync(join(folder, path))).map(({ path }) => path);
  if (taken.length > 0) {
    const fix = "name another folder: forge init TEMPLATE DIR";
    throw new CliError("exists", EXIT.badInput, `${folder} has ${taken.join(" and ")} already`, fix);
  }
  for (const { path, contents } of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    // "wx": somebody may have written one since.
    writeFileSync(join(folder, path), contents, { flag: "wx" });
  }
  const next = nextSteps(name, { cwd, home, folder });
  context.print({ template: name, folder, files: files.map(({ path }) => path), next }, () => [
    ...files.map(({ path }) => `wrote ${join(relative(cwd, folder), path)}`),
    "",
    "Go on with:",
    ...next.map((step) => `  ${step}`),
  ]);
}

interface Places {
  /** Where Forge is installed. */
  readonly home: string;
  /** The new project. */
  readonly folder: string;
}

function render(name: string, experience: string, places: Places): readonly TemplateFile[] {
  const sdk = sdkFor(places);
  const options = { folder: join(places.home, "cli", "templates"), ...(sdk === undefined ? {} : { sdk }) };
  try {
    return renderTemplate(name, experience, { ...options, readFile: (path) => readFileSync(path, "utf8") });
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new CliError(error.code, EXIT.badInput, error.message);
  }
}

/** The SDK that came with this Forge, where it will still be there tomorrow; undefined: that of the registry. */
function sdkFor({ home, folder }: Places): string | undefined {
  if (isCheckout(home)) return `file:${join(home, "sdk")}`;
  if (!isInstalledAbove({ home, folder }) || !existsSync(join(home, "sdk", "dist"))) return undefined;
  return `file:${relative(folder, join(home, "sdk")).split(sep).join("/")}`;
}

/** Commands that work with the Forge that wrote the files. */
function nextSteps(name: string, { cwd, home, folder }: Places & { readonly cwd: string }): readonly string[] {
  const template: InitTemplate | undefined = initTemplates.find((each) => each.name === name);
  const steps = (template?.next ?? []).map((step) =>
    step.replace(/^npx forge /, () => `${forgeCommand({ home, folder })} `),
  );
  // A checkout's SDK is its source until it is built.
  const isSdkMissing =
    isCheckout(home) && template?.files.includes("package.json") === true && !existsSync(join(home, "sdk", "dist"));
  const into = relative(cwd, folder);
  return [
    // No option of `cd`.
    ...(into === "" ? [] : [`cd ${shellWord(into.startsWith("-") ? `.${sep}${into}` : into)}`]),
    ...(isSdkMissing ? [`npm --prefix ${shellWord(home)} run build -w sdk`] : []),
    ...steps,
  ];
}

function forgeCommand(places: Places): string {
  if (isCheckout(places.home)) return `node ${shellWord(join(places.home, "cli", "bin", "forge.mjs"))}`;
  return isInstalledAbove(places) ? "npx forge" : "npx --package eustress-forge forge";
}

function isCheckout(home: string): boolean {
  return existsSync(join(home, "cli", "main.ts"));
}

/** Whether npm installed Forge in the new project's folder or in one above it, rather than in a cache of its own. */
function isInstalledAbove({ home, folder }: Places): boolean {
  const modules = home.lastIndexOf(`${sep}node_modules${sep}`);
  return modules >= 0 && `${folder}${sep}`.startsWith(`${home.slice(0, modules)}${sep}`);
}
