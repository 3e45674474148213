import { pointerTo, type SourceDocument, type SourceNode, type UnreadSource } from "../reader/source-node";
import type { Claim, Claims } from "./claims";
import { CODES } from "./codes";
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
  const entries: LedgerEntry[] = [];
  for (const document of documents) addLeaves(document, entries);
  for (const { file, doc, line, column, code } of unread) {
    entries.push({ file, doc, line, column, pointer: "", ...NOBODY, ...fate({ code, targets: [] }) });
  }
  return unread.length === 0 ? entries : entries.sort(byPlace);
}

const UNSAID: Claim = { code: "noRule", targets: [] };
const SAYS_NOTHING: Claim = { code: "ignoredField", targets: [] };

/** Fields whose empty map says as much as none. Of others it may say something: `emptyDir: {}`. */
const MAY_BE_EMPTY = new Set([
  "affinity",
  "annotations",
  "capabilities",
  "health",
  "labels",
  "lifecycle",
  "limits",
  "metadata",
  "nodeSelector",
  "players",
  "podAffinity",
  "podAntiAffinity",
  "nodeAffinity",
  "requests",
  "resources",
  "rollingUpdate",
  "sdkServer",
  "securityContext",
  "strategy",
  "updateStrategy",
]);

/** Values of fields that Nomad has nothing like, and that say what it does anyway. */
const AS_NOMAD_DOES: ReadonlyMap<string, boolean | number | string> = new Map<string, boolean | number | string>([
  ["enableServiceLinks", false],
  ["externalTrafficPolicy", "Cluster"],
  ["internalTrafficPolicy", "Cluster"],
  ["mountPropagation", "None"],
  ["partition", 0],
  ["paused", false],
  ["podManagementPolicy", "Parallel"],
  ["publishNotReadyAddresses", false],
  ["runAsNonRoot", false],
  ["schedulerName", "default-scheduler"],
  ["sessionAffinity", "None"],
  ["setHostnameAsFQDN", false],
  ["shareProcessNamespace", false],
  ["suspend", false],
]);

/** Whether a field that a converter has nothing for, by itself and not with all around it, asks for nothing. */
function asksForNothing(node: SourceNode, key: string, own: Claim | undefined): boolean {
  if (own === undefined || CODES[own.code].status !== "unsupported" || node.kind !== "scalar") return false;
  return AS_NOMAD_DOES.has(key) && AS_NOMAD_DOES.get(key) === node.value;
}

/** Whether a leaf that no converter read is one that Kubernetes reads as not there. */
function saysNothing(node: SourceNode, key: string): boolean {
  if (node.kind === "scalar") return node.value === null;
  return node.kind === "list" || MAY_BE_EMPTY.has(key);
}

/** One walk: what was said of a place, and whose it is, holds below it until something closer is. */
function addLeaves({ document, claims, objects }: AccountedDocument, entries: LedgerEntry[]): void {
  const { file, doc } = document;
  const walk = (node: SourceNode, pointer: string, before: Claim, owner: Identity): void => {
    const claim = claims.at(pointer) ?? before;
    const identity = objects.get(pointer) ?? owner;
    if (node.kind === "map" && node.entries.size > 0) {
      for (const [key, value] of node.entries) walk(value, pointerTo(pointer, key), claim, identity);
    } else if (node.kind === "list" && node.items.length > 0) {
      for (const [index, item] of node.items.entries()) walk(item, pointerTo(pointer, index), claim, identity);
    } else {
      const { line, column } = node;
      const { kind, namespace, name } = identity;
      const key = pointer.slice(pointer.lastIndexOf("/") + 1);
      const { status, targets, code, severity, remedy } = fate(
        (claim === UNSAID && saysNothing(node, key)) || asksForNothing(node, key, claims.at(pointer))
          ? SAYS_NOTHING
          : claim,
      );
      entries.push({
        file,
        doc,
        line,
        column,
        pointer,
        kind,
        namespace,
        name,
        status,
        targets,
        code,
        severity,
        remedy,
      });
    }
  };
  walk(document.root, "", UNSAID, NOBODY);
}

function fate({ code, targets }: Claim) {
  const { status, severity, remedy } = CODES[code];
  return { status, targets: targets.length < 2 ? targets : [...targets].sort(), code, severity, remedy };
}

/** Stable: leaves of one document keep their order. */
function byPlace(a: LedgerEntry, b: LedgerEntry): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return a.doc - b.doc;
}
