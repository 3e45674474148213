import { dirname, join, normalize } from "node:path";

/** A fenced block: ```` ```LANGUAGE MARK ````. */
export interface CodeBlock {
  readonly language: string;
  /** What stands after the language, by which a page says what a block is for. */
  readonly mark: string;
  readonly text: string;
}

/** One `forge …` as a page shows it: the command, its subcommand where it has one, and the options given to it. */
export interface ForgeCommand {
  readonly words: readonly string[];
  readonly options: readonly string[];
}

const FENCE = /^```(\w*)[ \t]*([^\n]*)\n([^]*?)^```[ \t]*$/gm;

export function codeBlocks(page: string): readonly CodeBlock[] {
  return [...page.matchAll(FENCE)].map(([, language = "", mark = "", text = ""]) => ({
    language,
    mark: mark.trim(),
    text,
  }));
}

/** The page without its fenced blocks. */
function prose(page: string): string {
  return page.replace(FENCE, "");
}

/** Links to files of the repository, as paths from its root, each with its anchor where it has one. */
export function relativeLinks(
  path: string,
  page: string,
): readonly { readonly path: string; readonly anchor: string }[] {
  return [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = ""]) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [file = "", anchor = ""] = target.split("#");
      return { path: file === "" ? path : normalize(join(dirname(path), file)), anchor };
    });
}

/** Anchors of a page's headings, as the usual renderers make them. */
export function anchors(page: string): readonly string[] {
  return [...prose(page).matchAll(/^#+ +(.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replaceAll(" ", "-"),
  );
}

/** Every `forge …` in a page's shell blocks and inline code. Words in capitals stand for something and end the command. */
export function forgeCommands(page: string): readonly ForgeCommand[] {
  const shell = codeBlocks(page).filter(({ language }) => language === "sh");
  const lines = shell.flatMap(({ text }) => text.split("\n").map((line) => line.replace(/(^|\s)#.*$/, "")));
  const inline = [...prose(page).matchAll(/`([^`\n]+)`/g)].map(([, code = ""]) => code);
  return [...lines, ...inline].flatMap((code) =>
    [...code.matchAll(/(?:^|[\s($])forge ((?:[^\s;|&)]+(?: +|$|(?=[;|&)])))+)/g)].flatMap(([, rest = ""]) => {
      const parts = rest.trim().split(/\s+/);
      const words = parts.slice(0, parts.findIndex((part) => !/^[a-z]+$/.test(part)) >>> 0);
      const options = parts.filter((part) => /^--?[a-z]/.test(part)).map((part) => part.split("=")[0] ?? part);
      return words.length > 0 ? [{ words, options }] : [];
    }),
  );
}
