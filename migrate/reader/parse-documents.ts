import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseAllDocuments,
} from "yaml";
import { LIMITS } from "./limits";
import { resolveScalar } from "./scalar";
import type { Position, SourceDocument, SourceNode, UnreadSource } from "./source-node";

export interface ParsedFile {
  readonly documents: readonly SourceDocument[];
  readonly unread: readonly UnreadSource[];
}

/** Text that only a template engine reads. */
const GO_TEMPLATE = /\{\{-?\s*(?:[.$/]|(?:include|template|define|if|else|end|range|with|toYaml|tpl|block)\b)/;
/** What no YAML may hold, and Kubernetes refuses. */
// eslint-disable-next-line no-control-regex
const CONTROL = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/;

/**
 * Reads every document of a file, JSON being YAML. A document that is broken is left out and named; the others go on.
 *
 * @param file how the file is called in the ledger
 */
export function parseDocuments(file: string, text: string): ParsedFile {
  const refuse = (code: UnreadSource["code"], detail: string, doc = 0, at: Position = { line: 1, column: 1 }) =>
    ({ file, doc, code, detail, line: at.line, column: at.column }) as const;

  const control = CONTROL.exec(text);
  if (control !== null) {
    const before = text.slice(0, control.index).split("\n");
    const at = { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
    return { documents: [], unread: [refuse("notYaml", "a control character, which YAML does not allow", 0, at)] };
  }

  const lines = new LineCounter();
  // Failsafe: every scalar stays text, and its meaning is decided by `resolveScalar`.
  const options = { schema: "failsafe", lineCounter: lines, uniqueKeys: false, prettyErrors: false } as const;
  const all = parseAllDocuments(text, { ...options, logLevel: "silent", keepSourceTokens: false });
  const parsed: readonly Document.Parsed[] = "empty" in all ? [] : all;

  const documents: SourceDocument[] = [];
  const unread: UnreadSource[] = [];
  for (const [doc, document] of parsed.entries()) {
    const [error] = document.errors;
    if (error !== undefined) {
      const at = positionAt(lines, error.pos[0]);
      // The composer is recursive: what is too deep for it is far too deep for Kubernetes.
      if ((error.code as string) === "RESOURCE_EXHAUSTION") unread.push(refuse("tooDeep", TOO_DEEP, doc, at));
      else unread.push(refuse(GO_TEMPLATE.test(text) ? "goTemplate" : "notYaml", firstLine(error.message), doc, at));
      continue;
    }
    try {
      documents.push({ file, doc, root: new DocumentWalk(lines).walk(document.contents, { line: 1, column: 1 }) });
    } catch (problem) {
      if (!(problem instanceof Refused)) throw problem;
      unread.push(refuse(problem.code, problem.message, doc, problem.at));
    }
  }
  return { documents, unread };
}

const TOO_DEEP = `more than ${LIMITS.depth} maps and lists within each other`;

function firstLine(text: string): string {
  return text.split("\n")[0] ?? "";
}

function positionAt(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

class Refused extends Error {
  constructor(
    readonly code: UnreadSource["code"],
    message: string,
    readonly at: Position,
  ) {
    super(message);
  }
}

/** Turns the library's nodes into ours: aliases and merges followed, within the limits. */
class DocumentWalk {
  readonly #anchors = new Map<string, Node>();
  /** Nodes that are being walked: an alias to one of them has no end. */
  readonly #open = new Set<Node>();
  #nodes = 0;
  #aliased = 0;
  #inAlias = 0;

  constructor(private readonly lines: LineCounter) {}

  walk(node: unknown, fallback: Position, depth = 0): SourceNode {
    const at = this.#positionOf(node) ?? fallback;
    this.#count(at, depth);
    if (isAlias(node)) return this.#followed(node.source, at, depth);
    if (isScalar(node)) {
      this.#note(node);
      const text = typeof node.value === "string" ? node.value : (node.source ?? "");
      return { kind: "scalar", value: resolveScalar(text, node.type === "PLAIN", node.tag), ...at };
    }
    if (isSeq(node)) {
      const items = this.#within(node, () => node.items.map((item) => this.walk(item, at, depth + 1)));
      return { kind: "list", items, ...at };
    }
    if (isMap(node)) {
      const pairs = this.#within(node, () => this.#entries(node.items, at, depth));
      return { kind: "map", ...pairs, ...at };
    }
    return { kind: "scalar", value: null, ...at };
  }

  #entries(pairs: readonly Pair[], at: Position, depth: number) {
    const entries = new Map<string, SourceNode>();
    const duplicates = new Set<string>();
    const merged: SourceNode[] = [];
    for (const { key, value } of pairs) {
      const keyAt = this.#positionOf(key) ?? at;
      const isMerge = isScalar(key) && key.type === "PLAIN" && key.source === "<<";
      const name = isMerge ? "<<" : this.#keyText(key, keyAt, depth);
      const node = this.walk(value, keyAt, depth + 1);
      if (isMerge) {
        merged.push(...(node.kind === "list" ? node.items : [node]));
        continue;
      }
      if (entries.has(name)) duplicates.add(name);
      entries.set(name, node);
    }
    for (const node of merged) {
      if (node.kind !== "map") throw new Refused("notYaml", "`<<` merges something that is no map", at);
      for (const [name, value] of node.entries) if (!entries.has(name)) entries.set(name, value);
    }
    return { entries, duplicates };
  }

  /** Keys are text in JSON: `on: 1` is the key "true", as it is in a cluster. */
  #keyText(key: unknown, at: Position, depth: number): string {
    const node = this.walk(key, at, depth + 1);
    if (node.kind !== "scalar") throw new Refused("notYaml", "a map or list as a key", at);
    return String(node.value);
  }

  #followed(anchor: string, at: Position, depth: number): SourceNode {
    const target = this.#anchors.get(anchor);
    if (target === undefined) throw new Refused("notYaml", `no anchor &${anchor} stands before this alias`, at);
    if (this.#open.has(target)) throw new Refused("aliasBomb", `the alias *${anchor} stands within itself`, at);
    this.#inAlias += 1;
    const node = this.walk(target, at, depth);
    this.#inAlias -= 1;
    return node;
  }

  #within<T>(node: Node, walk: () => T): T {
    this.#note(node);
    this.#open.add(node);
    const result = walk();
    this.#open.delete(node);
    return result;
  }

  #note(node: Node): void {
    if ("anchor" in node && typeof node.anchor === "string") this.#anchors.set(node.anchor, node);
  }

  #count(at: Position, depth: number): void {
    this.#nodes += 1;
    if (this.#inAlias > 0) this.#aliased += 1;
    const { aliasedNodes, nodes } = LIMITS;
    if (this.#aliased > aliasedNodes)
      throw new Refused("aliasBomb", `aliases repeat more than ${aliasedNodes} values`, at);
    if (this.#nodes > nodes) throw new Refused("tooLarge", `more than ${nodes} values in one document`, at);
    if (depth > LIMITS.depth) throw new Refused("tooDeep", TOO_DEEP, at);
  }

  #positionOf(node: unknown): Position | undefined {
    const range = (node as { readonly range?: readonly [number, ...number[]] | null } | null | undefined)?.range;
    return range == null ? undefined : positionAt(this.lines, range[0]);
  }
}
