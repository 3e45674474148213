/** What one input may be. Beyond it the input is refused by name: it is no manifest that a cluster would take. */
export const LIMITS = {
  /** Bytes of a file; a Kubernetes object has at most 1.5 MiB, a dump of a cluster is many. */
  fileBytes: 32 * 1024 * 1024,
  /** Maps and lists within each other; the deepest known, schemas of CRDs, have about 50. */
  depth: 200,
  /** Values of one document, each counted where an alias repeats it. */
  nodes: 2_000_000,
  /** Values of one document that are there by alias. */
  aliasedNodes: 100_000,
  /** Files of one run. */
  files: 100_000,
} as const;
