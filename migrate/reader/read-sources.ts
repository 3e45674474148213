import { join } from "node:path";
import { LIMITS, type Limits } from "./limits";
import { parseDocuments, type ParsedFile } from "./parse-documents";
import type { SourceDocument, UnreadSource } from "./source-node";

/** The disk, as far as it is read. */
export interface SourceDisk {
  /** undefined: there is nothing. */
  stat(path: string): { readonly isDirectory: boolean; readonly bytes: number } | undefined;
  /** Names in a folder, in any order. */
  list(path: string): readonly string[];
  read(path: string): Uint8Array;
  /** All of the standard input. */
  readInput(): Uint8Array;
}

export interface Sources {
  readonly documents: readonly SourceDocument[];
  readonly unread: readonly UnreadSource[];
  /** Files in folders that are no manifests by their name. */
  readonly otherFiles: number;
}

/** What a path is that stands for the standard input. */
export const STANDARD_INPUT = "-";

const MANIFEST = /\.(ya?ml|json)$/i;
const NOT_SOURCES = new Set([".git", "node_modules"]);

/**
 * Reads manifests: files, folders with all below them, and `-`. The order of the paths does not matter, and a file that is
 * named twice is read once.
 */
export function readSources(paths: readonly string[], disk: SourceDisk, limits: Limits = LIMITS): Sources {
  const found = new Set<string>();
  const unread: UnreadSource[] = [];
  const others = { count: 0, folders: 0 };
  for (const path of paths) find(path, disk, { found, unread, others, limits, depth: 0, isNamed: true });

  let values = limits.values;
  const parsed = [...found].sort().map((file) => {
    const read = readOne(file, disk, { ...limits, values });
    values -= read.values;
    return read;
  });
  return {
    documents: parsed.flatMap(({ documents }) => documents),
    unread: [...unread, ...parsed.flatMap((file) => file.unread)],
    otherFiles: others.count,
  };
}

interface Search {
  readonly found: Set<string>;
  readonly unread: UnreadSource[];
  readonly others: { count: number; folders: number };
  readonly limits: Limits;
  readonly depth: number;
  /** On the command line, rather than in a folder. */
  readonly isNamed: boolean;
}

function find(path: string, disk: SourceDisk, search: Search): void {
  const { found, unread, others, limits, depth, isNamed } = search;
  if (path === STANDARD_INPUT) {
    found.add(path);
    return;
  }
  const unreadable = (detail: string): void => {
    unread.push({ file: path, doc: 0, line: 1, column: 1, code: "unreadable", detail });
  };
  let stat: ReturnType<SourceDisk["stat"]>;
  let names: readonly string[] = [];
  try {
    stat = disk.stat(path);
    if (stat?.isDirectory === true) names = [...disk.list(path)].sort();
  } catch (error) {
    unreadable((error as Error).message);
    return;
  }
  // A link in a folder that leads nowhere counts too.
  if (stat === undefined) unreadable("there is no such file");
  else if (stat.isDirectory) {
    others.folders += 1;
    // A link back up would have no end, and two of them would double the folders at each step.
    if (depth > 64 || others.folders > limits.files) {
      if (depth > 64 || others.folders === limits.files + 1) unreadable("folders within each other without end");
      return;
    }
    for (const name of names) {
      if (!NOT_SOURCES.has(name)) find(join(path, name), disk, { ...search, depth: depth + 1, isNamed: false });
    }
  } else if (isNamed || MANIFEST.test(path)) {
    if (found.size < limits.files) found.add(path);
    else if (found.size === limits.files && !unread.some(({ code }) => code === "tooLarge")) {
      const detail = `more than ${limits.files} files; convert them in several runs`;
      unread.push({ file: path, doc: 0, line: 1, column: 1, code: "tooLarge", detail });
    }
  } else {
    others.count += 1;
  }
}

function readOne(file: string, disk: SourceDisk, limits: Limits): ParsedFile {
  const refuse = (code: UnreadSource["code"], detail: string): ParsedFile => ({
    values: 0,
    documents: [],
    unread: [{ file, doc: 0, line: 1, column: 1, code, detail }],
  });
  let bytes: Uint8Array;
  try {
    const size = file === STANDARD_INPUT ? 0 : (disk.stat(file)?.bytes ?? 0);
    if (size > limits.fileBytes) return refuse("tooLarge", tooLarge(size, limits));
    bytes = file === STANDARD_INPUT ? disk.readInput() : disk.read(file);
  } catch (error) {
    return refuse("unreadable", (error as Error).message);
  }
  if (bytes.length > limits.fileBytes) return refuse("tooLarge", tooLarge(bytes.length, limits));
  let text: string;
  try {
    text = new TextDecoder(encodingOf(bytes), { fatal: true }).decode(bytes);
  } catch {
    return refuse("notUtf8", "the file is not UTF-8 text");
  }
  return parseDocuments(file, text, limits);
}

/** UTF-8, or UTF-16 where the file begins by saying so, as what PowerShell redirects does and Kubernetes reads. */
function encodingOf([first, second]: Uint8Array): "utf-8" | "utf-16le" | "utf-16be" {
  if (first === 0xff && second === 0xfe) return "utf-16le";
  return first === 0xfe && second === 0xff ? "utf-16be" : "utf-8";
}

function tooLarge(bytes: number, limits: Limits): string {
  const mib = (count: number): string => `${Math.floor(count / (1024 * 1024))} MiB`;
  return `${mib(bytes)} where at most ${mib(limits.fileBytes)} are read`;
}
