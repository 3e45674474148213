/** From best to worst. `ignored-by-design` says that nothing is lost: the field has no meaning outside Kubernetes. */
export const STATUSES = ["ignored-by-design", "converted", "approximated", "needs-config", "unsupported"] as const;
export type Status = (typeof STATUSES)[number];

/** From least to most. An error stands for something that will not work, or not safely, until somebody acts. */
export const SEVERITIES = ["info", "warning", "error"] as const;
export type Severity = (typeof SEVERITIES)[number];

/** One leaf of the input and what became of it. Never the value itself: it may be a secret. */
export interface LedgerEntry {
  readonly file: string;
  /** From 0. */
  readonly doc: number;
  /** From 1, as is `column`. */
  readonly line: number;
  readonly column: number;
  /** RFC 6901, from the document's root, also inside a `List`. */
  readonly pointer: string;
  /** As it is written; "" where the document has none. */
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly status: Status;
  /** Where it went: `FILE#PATH` of the output. */
  readonly targets: readonly string[];
  /** Of the catalogue in `codes.ts`. */
  readonly code: string;
  readonly severity: Severity;
  /** What to do; "" where nothing is. */
  readonly remedy: string;
}

/** Of two fates of one leaf the worse is told. */
export function worse(a: Status, b: Status): Status {
  return STATUSES.indexOf(a) >= STATUSES.indexOf(b) ? a : b;
}

export function isAtLeast(severity: Severity, least: Severity): boolean {
  return SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(least);
}
