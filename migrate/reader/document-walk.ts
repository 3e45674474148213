import { isAlias, isMap, isScalar, isSeq, type LineCounter, type Node, type Pair } from "yaml";
import { LIMITS, type Limits } from "./limits";
import { resolveScalar } from "./scalar";
import type { Position, SourceNode, UnreadSource } from "./source-node";

export function tooDeep({ depth }: Limits): string {
  return `more than ${depth} maps and lists within each other`;
}

export function positionAt(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

/** Thrown where a document passes a limit, or means nothing. */
export class Refused extends Error {
  constructor(
    readonly code: UnreadSource["code"],
    message: string,
    readonly at: Position,
  ) {
    super(message);
  }
}

/** Turns the library's nodes into ours: aliases and merges followed, within the limits. */
export class DocumentWalk {
  readonly #anchors = new Map<string, Node>();
  /** Nodes that are being walked: an alias to one of them has no end. */
  readonly #open = new Set<Node>();
  #nodes = 0;
  #pointers = 0;
  #aliased = 0;
  #inAlias = 0;

  /** @param total values read in this run's file, this document's included */
  constructor(
    private readonly lines: LineCounter,
    private readonly total: { values: number },
    private readonly limits: Limits,
  ) {}

  /** @param above characters of the pointer to this node */
  walk(node: unknown, fallback: Position, depth = 0, above = 0): SourceNode {
    const at = this.#positionOf(node) ?? fallback;
    this.#count(at, depth, above);
    if (isAlias(node)) return this.#followed(node.source, at, depth, above);
    if (isScalar(node)) {
      this.#note(node);
      const text = typeof node.value === "string" ? node.value : (node.source ?? "");
      return { kind: "scalar", value: resolveScalar(text, node.type === "PLAIN", node.tag), ...at };
    }
    if (isSeq(node)) {
      const items = this.#within(node, () => node.items.map((item) => this.walk(item, at, depth + 1, above + 2)));
      return { kind: "list", items, ...at };
    }
    if (isMap(node)) {
      const pairs = this.#within(node, () => this.#entries(node.items, at, depth, above));
      return { kind: "map", ...pairs, ...at };
    }
    return { kind: "scalar", value: null, ...at };
  }

  #entries(pairs: readonly Pair[], at: Position, depth: number, above: number) {
    const entries = new Map<string, SourceNode>();
    const duplicates = new Set<string>();
    const merged: SourceNode[] = [];
    for (const { key, value } of pairs) {
      const keyAt = this.#positionOf(key) ?? at;
      const isMerge = isScalar(key) && key.type === "PLAIN" && key.source === "<<";
      const name = isMerge ? "<<" : this.#keyText(key, keyAt, depth);
      const node = this.walk(value, keyAt, depth + 1, above + name.length + 1);
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

  #followed(anchor: string, at: Position, depth: number, above: number): SourceNode {
    const target = this.#anchors.get(anchor);
    if (target === undefined) throw new Refused("notYaml", `no anchor &${anchor} stands before this alias`, at);
    if (this.#open.has(target)) throw new Refused("aliasBomb", `the alias *${anchor} stands within itself`, at);
    this.#inAlias += 1;
    const node = this.walk(target, at, depth, above);
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

  #count(at: Position, depth: number, above: number): void {
    this.#nodes += 1;
    this.#pointers += above;
    this.total.values += 1;
    if (this.#inAlias > 0) this.#aliased += 1;
    const { aliasedNodes, nodes } = this.limits;
    if (this.#aliased > aliasedNodes)
      throw new Refused("aliasBomb", `aliases repeat more than ${aliasedNodes} values`, at);
    if (this.#nodes > nodes) throw new Refused("tooLarge", `more than ${nodes} values in one document`, at);
    if (this.#pointers > this.limits.pointerCharacters)
      throw new Refused(
        "tooLarge",
        "keys so long above so many values that their places could not be written down",
        at,
      );
    if (this.total.values > this.limits.values)
      throw new Refused("tooLarge", `more than ${LIMITS.values} values in one run; convert it in several`, at);
    if (depth > this.limits.depth) throw new Refused("tooDeep", tooDeep(this.limits), at);
  }

  #positionOf(node: unknown): Position | undefined {
    const range = (node as { readonly range?: readonly [number, ...number[]] | null } | null | undefined)?.range;
    return range == null ? undefined : positionAt(this.lines, range[0]);
  }
}
