import { leavesOf, type SourceDocument, type UnreadSource } from "../reader/source-node";
import type { Claims } from "./claims";
import { CODES, type Code } from "./codes";
import type { LedgerEntry } from "./entry";

/** What an entry says of the object that its leaf belongs to. */
export interface Identity {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

export interface AccountedDocument {
  readonly document: SourceDocument;
  readonly claims: Claims;
  /** Objects of the document by the pointer of their root: one at "", or those of a `List`. */
  readonly objects: ReadonlyMap<string, Identity>;
}

const NOBODY: Identity = { kind: "", namespace: "", name: "" };

/**
 * Every leaf of every document exactly once, and one entry for each document that could not be read; in the order of
 * files, documents and lines. A leaf that no converter said anything about is unsupported.
 */
export function buildLedger(
  documents: readonly AccountedDocument[],
  unread: readonly UnreadSource[],
): readonly LedgerEntry[] {
  const entries = documents.flatMap(({ document, claims, objects }) =>
    [...leavesOf(document.root)].map(({ pointer, line, column }): LedgerEntry => {
      const claim = claims.of(pointer);
      const place = { file: document.file, doc: document.doc, line, column, pointer };
      return { ...place, ...identityOf(pointer, objects), ...fate(claim?.code ?? "noRule", claim?.targets ?? []) };
    }),
  );
  const refused = unread.map(({ file, doc, line, column, code }): LedgerEntry => {
    return { file, doc, line, column, pointer: "", ...NOBODY, ...fate(code, []) };
  });
  return refused.length === 0 ? entries : [...entries, ...refused].sort(byPlace);
}

function fate(code: Code, targets: readonly string[]) {
  const { status, severity, remedy } = CODES[code];
  return { status, targets: [...targets].sort(), code, severity, remedy };
}

function identityOf(pointer: string, objects: ReadonlyMap<string, Identity>): Identity {
  for (let at = pointer; ; at = at.slice(0, at.lastIndexOf("/"))) {
    const identity = objects.get(at);
    if (identity !== undefined) return identity;
    if (at === "") return NOBODY;
  }
}

/** Stable: leaves of one document keep their order. */
function byPlace(a: LedgerEntry, b: LedgerEntry): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return a.doc - b.doc;
}
