/** What one input may be. Beyond it the input is refused by name: it is no manifest that a cluster would take. */
export interface Limits {
  /** Bytes of a file; a Kubernetes object has at most 1.5 MiB, a dump of a cluster is many. */
  readonly fileBytes: number;
  /** Characters of one key or value. */
  readonly scalarCharacters: number;
  /** Maps and lists within each other; the deepest known, schemas of CRDs, have about 50. */
  readonly depth: number;
  /** Words and signs of one document, as YAML's lexer cuts it: about 8 a line. Each costs memory before anything is known of it. */
  readonly lexemes: number;
  /** Values of one document, each counted where an alias repeats it. */
  readonly nodes: number;
  /** Values of one document that are there by alias. */
  readonly aliasedNodes: number;
  /** Characters of all JSON pointers of one document: long keys high above many values. */
  readonly pointerCharacters: number;
  /** Documents of one file. */
  readonly documents: number;
  /** Values of one run, which are all held until the ledger is written. */
  readonly values: number;
  /** Files of one run. */
  readonly files: number;
}

export const LIMITS: Limits = {
  fileBytes: 32 * 1024 * 1024,
  scalarCharacters: 4 * 1024 * 1024,
  depth: 200,
  lexemes: 2_000_000,
  nodes: 500_000,
  aliasedNodes: 100_000,
  pointerCharacters: 64 * 1024 * 1024,
  documents: 100_000,
  values: 3_000_000,
  files: 100_000,
};
