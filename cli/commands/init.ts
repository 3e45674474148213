import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import type { CliContext, Register } from "../context";
import { EXIT } from "../exit-code";
import { CliError } from "../failure";
import {
  type InitTemplate,
  initTemplates,
  renderTemplate,
  TemplateError,
  type TemplateFile,
} from "../templates/templates";

export const register: Register = (command, context) => {
  const list = initTemplates.map(({ name, description }) => `  ${name.padEnd(10)} ${description}`);
  command
    .argument("<template>", `one of ${initTemplates.map(({ name }) => name).join(", ")}`)
    .argument("[dir]", "folder to write into", ".")
    .option("--name <name>", "what the experience is called (default: the folder's name)")
    .addHelpText("after", `\nTemplates:\n${list.join("\n")}\n\nFiles that are there already are never written over.`)
    .action((template: string, dir: string, { name }: { readonly name?: string }) => run(template, dir, name, context));
};

function run(name: string, dir: string, experience: string | undefined, context: CliContext): void {
  const { cwd, home } = context.io;
  const folder = resolve(cwd, dir);
  const files = render(name, experience ?? basename(folder), home);
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
  const next = nextSteps(name, relative(cwd, folder), home);
  context.print({ template: name, folder, files: files.map(({ path }) => path), next }, () => [
    ...files.map(({ path }) => `wrote ${join(relative(cwd, folder), path)}`),
    "",
    "Go on with:",
    ...next.map((step) => `  ${step}`),
  ]);
}

function render(name: string, experience: string, home: string): readonly TemplateFile[] {
  const sdk = isCheckout(home) ? { sdk: `file:${join(home, "sdk")}` } : {};
  const folder = join(home, "cli", "templates");
  try {
    return renderTemplate(name, experience, { folder, readFile: (path) => readFileSync(path, "utf8"), ...sdk });
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new CliError(error.code, EXIT.badInput, error.message);
  }
}

/** Commands that work with the Forge that wrote the files. */
function nextSteps(name: string, folder: string, home: string): readonly string[] {
  const template: InitTemplate | undefined = initTemplates.find((each) => each.name === name);
  const checkout = isCheckout(home);
  const forge = checkout ? `node ${join(home, "cli", "bin", "forge.mjs")} ` : "npx --package eustress-forge forge ";
  const steps = (template?.next ?? []).map((step) => step.replace(/^npx forge /, forge));
  // A checkout's SDK is its source until it is built.
  const needsSdk = checkout && template?.files.includes("package.json") && !existsSync(join(home, "sdk", "dist"));
  return [
    ...(folder === "" ? [] : [`cd ${folder}`]),
    ...(needsSdk === true ? [`npm --prefix ${home} run build -w sdk`] : []),
    ...steps,
  ];
}

function isCheckout(home: string): boolean {
  return existsSync(join(home, "cli", "main.ts"));
}
