import { type Answers, DEFAULT_ANSWERS } from "./answers";
import type { LedgerEntry } from "./ledger/entry";
import { migrate, type Migration } from "./migrate";
import { pointerTo, type Position, type SourceNode } from "./reader/source-node";
import { readSources, type SourceDisk } from "./reader/read-sources";

/** For tests: files that lie nowhere, by path; folders are what their paths say. */
export function memoryDisk(files: Readonly<Record<string, string | Uint8Array>>): SourceDisk {
  const bytes = (path: string): Uint8Array | undefined => {
    const found = files[path];
    return typeof found === "string" ? new TextEncoder().encode(found) : found;
  };
  const below = (path: string): readonly string[] => Object.keys(files).filter((file) => file.startsWith(`${path}/`));
  return {
    stat(path) {
      const file = bytes(path);
      if (file !== undefined) return { isDirectory: false, bytes: file.length };
      return below(path).length > 0 ? { isDirectory: true, bytes: 0 } : undefined;
    },
    list: (path) => [...new Set(below(path).map((file) => file.slice(path.length + 1).split("/")[0] ?? ""))],
    read: (path) => bytes(path) ?? new Uint8Array(),
    readInput: () => bytes("-") ?? new Uint8Array(),
  };
}

/** Migrates one text, as if it lay in `in.yaml`. */
export function migrateText(text: string, answers: Partial<Answers> = {}): Migration {
  return migrate(readSources(["in.yaml"], memoryDisk({ "in.yaml": text })), { ...DEFAULT_ANSWERS, ...answers });
}

/** The entry of one value; throws where there is none or more than one. */
export function entryAt({ ledger }: Migration, pointer: string): LedgerEntry {
  const found = ledger.filter((entry) => entry.pointer === pointer);
  if (found.length !== 1 || found[0] === undefined) throw new Error(`${found.length} entries at ${pointer}`);
  return found[0];
}

/** The only job; throws where there is none or more than one. */
export function onlyJob({ converted }: Migration): Migration["converted"]["jobs"][number]["job"] {
  const [job, ...more] = converted.jobs;
  if (job === undefined || more.length > 0) throw new Error(`${converted.jobs.length} jobs`);
  return job.job;
}

/** A Deployment with one container, as text that more can be put into. */
export function deployment({
  pod = "",
  container = "",
  spec = "",
}: {
  pod?: string;
  container?: string;
  spec?: string;
}): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  selector: { matchLabels: { app: web } }
  ${spec}
  template:
    metadata: { labels: { app: web } }
    spec:
      ${pod}
      containers:
        - name: main
          image: nginx:1.27
          ${container}
`;
}

/** Leaves counted by another library call than the converter's: plain values, no positions. */
export function countLeaves(value: unknown): number {
  if (Array.isArray(value) && value.length > 0) return value.reduce<number>((sum, item) => sum + countLeaves(item), 0);
  if (value instanceof Uint8Array) return 1;
  if (typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length > 0) {
    return Object.values(value).reduce<number>((sum, item) => sum + countLeaves(item), 0);
  }
  return 1;
}

/** What has no parts: a scalar, an empty list, an empty map. */
interface SourceLeaf extends Position {
  /** RFC 6901, from the document's root; "" for a document that is itself a leaf. */
  readonly pointer: string;
}

/** Every leaf below a node, in the order of the file. */
export function* leavesOf(node: SourceNode, pointer = ""): Generator<SourceLeaf> {
  if (node.kind === "map" && node.entries.size > 0) {
    for (const [key, value] of node.entries) yield* leavesOf(value, pointerTo(pointer, key));
  } else if (node.kind === "list" && node.items.length > 0) {
    for (const [index, item] of node.items.entries()) yield* leavesOf(item, pointerTo(pointer, index));
  } else {
    yield { pointer, line: node.line, column: node.column };
  }
}
