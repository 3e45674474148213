/** A value of a document and where it stands. Lines and columns count from 1. */
export type SourceNode = SourceScalar | SourceList | SourceMap;

export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface SourceScalar extends Position {
  readonly kind: "scalar";
  readonly value: string | number | boolean | null;
}

export interface SourceList extends Position {
  readonly kind: "list";
  readonly items: readonly SourceNode[];
}

export interface SourceMap extends Position {
  readonly kind: "map";
  /** In the order of the file; a Map, so that a key called `__proto__` is a key like any other. */
  readonly entries: ReadonlyMap<string, SourceNode>;
  /** Keys that were written more than once; the last one counts, as in Kubernetes. */
  readonly duplicates: ReadonlySet<string>;
}

/** One document of a file, as Kubernetes would read it. */
export interface SourceDocument {
  readonly file: string;
  /** From 0, in the order of the file. */
  readonly doc: number;
  readonly root: SourceNode;
}

/** A file, or a document of it, that could not be read; nothing of it goes on. */
export interface UnreadSource extends Position {
  readonly file: string;
  readonly doc: number;
  readonly code: "notYaml" | "goTemplate" | "tooLarge" | "tooDeep" | "aliasBomb" | "notUtf8" | "unreadable";
  readonly detail: string;
}

/** `base` and one more step. */
export function pointerTo(base: string, step: string | number): string {
  const text = typeof step === "number" ? String(step) : step.replaceAll("~", "~0").replaceAll("/", "~1");
  return `${base}/${text}`;
}

/** A stable text of the value alone, without places or the order of keys: equal where the values are. */
export function canonicalText(node: SourceNode): string {
  if (node.kind === "scalar") return JSON.stringify(node.value);
  if (node.kind === "list") return `[${node.items.map(canonicalText).join(",")}]`;
  const entries = [...node.entries].sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${canonicalText(value)}`).join(",")}}`;
}
