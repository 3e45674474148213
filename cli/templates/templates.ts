import { join } from "node:path";
import { asName } from "../../config/names";

/** What `forge init NAME` can start somebody with. */
export interface InitTemplate {
  readonly name: string;
  /** One line for a list. */
  readonly description: string;
  /** Files in the folder `cli/templates/NAME`. */
  readonly files: readonly string[];
  /** Commands to go on with, in the new folder. */
  readonly next: readonly string[];
}

export const initTemplates: readonly InitTemplate[] = [
  {
    name: "websocket",
    description: "a small game of your own in Node over WebSocket, with Forge's SDK, on this machine",
    files: ["forge.toml", "package.json", "server.mjs"],
    next: ["npm install", "npx forge up"],
  },
  {
    name: "luanti",
    description: "a Luanti (Minetest) world: one server that keeps its map, no SDK, on this machine",
    files: ["forge.toml"],
    next: ["npx forge up"],
  },
  {
    name: "image",
    description: "a container image with the Agones SDK on a Nomad cluster you have",
    files: ["forge.toml"],
    next: ["npx forge config check", "npx cdktf deploy us-east-jobs"],
  },
];

export interface RenderOptions {
  /** The folder that holds a folder for each template: `cli/templates` of the installation. */
  readonly folder: string;
  readonly readFile: (path: string) => string;
  /**
   * What npm is to install as the SDK: a version, or `file:PATH` of one.
   * @default the version in the template
   */
  readonly sdk?: string;
}

export interface TemplateFile {
  /** Relative to the new folder. */
  readonly path: string;
  readonly contents: string;
}

export class TemplateError extends Error {
  readonly code = "templateInvalid";
}

/** The experience's name in the templates, which are projects that work as they stand. */
const STAND_IN = "my-game";

/**
 * The files of a new project.
 *
 * @param targetName what the experience and the package are called; made into a valid name
 * @throws {TemplateError} where there is no such template, or nothing of the name is left
 */
export function renderTemplate(name: string, targetName: string, options: RenderOptions): readonly TemplateFile[] {
  const template = initTemplates.find((one) => one.name === name);
  if (template === undefined) {
    const known = initTemplates.map((one) => one.name).join(", ");
    throw new TemplateError(`there is no template "${name}"; choose one of ${known}`);
  }
  const target = asName(targetName);
  if (target === undefined) {
    throw new TemplateError(`"${targetName}" holds no letter to make a name of; give one such as my-game`);
  }
  return template.files.map((path) => {
    const text = options.readFile(join(options.folder, name, path)).replaceAll(STAND_IN, () => target);
    return { path, contents: path === "package.json" ? withSdk(text, options.sdk) : text };
  });
}

function withSdk(text: string, sdk: string | undefined): string {
  if (sdk === undefined) return text;
  const parsed = JSON.parse(text) as { readonly dependencies: Readonly<Record<string, string>> };
  const dependencies = { ...parsed.dependencies, "eustress-forge-sdk": sdk };
  return `${JSON.stringify({ ...parsed, dependencies }, null, 2)}\n`;
}
