import { Claims, Cursor } from "./ledger/claims";
import type { Code } from "./ledger/codes";
import type { AccountedDocument, Identity } from "./ledger/build-ledger";
import { canonicalText, pointerTo, type SourceDocument, type SourceNode } from "./reader/source-node";

/** A Kubernetes object, wherever it stood. */
export interface KubeObject extends Identity {
  readonly group: string;
  readonly root: Cursor;
  readonly file: string;
  readonly doc: number;
  readonly line: number;
  /** Equal for objects that say the same. */
  readonly text: string;
}

export interface ObjectsOfDocument {
  readonly accounted: AccountedDocument;
  readonly objects: readonly KubeObject[];
}

/** Wider than Kubernetes' own rule, which its API enforces: only what could not be a file's name is kept out. */
const NAME = /^(?!.*\.\.)[A-Za-z0-9_]([-A-Za-z0-9_.]{0,251}[A-Za-z0-9_])?$/;
/** RBAC takes any name that is one step of a path: `system:node`. */
// eslint-disable-next-line no-control-regex
const PATH_STEP = /^(?!\.{1,2}$)[^/%\0-\x1f]{1,253}$/;
/** Objects that are only sent, never stored. */
const ARE_UNNAMED = /(Options|Status|List|Review|APIVersions|APIGroup|SerializedReference|RangeAllocation)$/;

/** The objects of a document: itself, or the items of a `List`. What is no object is said so in the ledger. */
export function objectsOf(document: SourceDocument): ObjectsOfDocument {
  const claims = new Claims();
  const objects: KubeObject[] = [];
  const identities = new Map<string, Identity>();
  const add = (node: SourceNode, pointer: string): void => {
    const root = new Cursor(node, pointer, claims);
    const identity = identityOf(root);
    identities.set(pointer, identity);
    const reason = whyNoObject(root, identity);
    if (reason !== undefined) {
      root.note(reason);
      return;
    }
    const { file, doc } = document;
    objects.push({ ...identity, group: groupOf(root), root, file, doc, line: node.line, text: canonicalText(node) });
  };

  /** A list's objects, also of a list within it. */
  const addAll = (node: SourceNode, pointer: string): void => {
    const root = new Cursor(node, pointer, claims);
    if (!isList(root)) {
      add(node, pointer);
      return;
    }
    identities.set(pointer, identityOf(root));
    root.note("listWrapper");
    const items = root.get("items");
    for (const [index, item] of items.items().entries())
      addAll(item.node as SourceNode, pointerTo(items.pointer, index));
  };
  addAll(document.root, "");
  return { accounted: { document, claims, objects: identities }, objects };
}

function isList(root: Cursor): boolean {
  const { node } = root.get("kind");
  const kind = node?.kind === "scalar" ? String(node.value) : "";
  return kind.endsWith("List") && root.get("items").node?.kind === "list";
}

/** Text where there is some, without a word about it: what is no object may be anything. */
function peek(at: Cursor): string {
  return at.node?.kind === "scalar" && at.node.value !== null ? String(at.node.value) : "";
}

function identityOf(root: Cursor): Identity {
  const metadata = root.get("metadata");
  return { kind: peek(root.get("kind")), namespace: peek(metadata.get("namespace")), name: peek(metadata.get("name")) };
}

function groupOf(root: Cursor): string {
  const version = peek(root.get("apiVersion"));
  return version.includes("/") ? version.slice(0, version.indexOf("/")) : "";
}

function whyNoObject(root: Cursor, { kind, namespace, name }: Identity): Code | undefined {
  const { node } = root;
  if (node?.kind === "scalar" && node.value === null) return "emptyDocument";
  const group = groupOf(root);
  if (node?.kind !== "map") return "noObject";
  if (group === "kustomize.config.k8s.io" || (kind === "" && looksLikeKustomization(root))) return "kustomization";
  if (kind === "" || peek(root.get("apiVersion")) === "") return "noObject";
  if (kind === "GameServerAllocation") return undefined;
  if (name === "" && peek(root.get("metadata", "generateName")) === "") {
    return ARE_UNNAMED.test(kind) && group === ""
      ? "requestOnly"
      : group.includes(".") || isCore(group)
        ? "noName"
        : "noObject";
  }
  const prefix = peek(root.get("metadata", "generateName"));
  if (name === "" && prefix !== "" && !NAME.test(`${prefix}0`)) return "badName";
  const allowed = group === "rbac.authorization.k8s.io" ? PATH_STEP : NAME;
  if ((name !== "" && !allowed.test(name)) || (namespace !== "" && !NAME.test(namespace))) return "badName";
  return undefined;
}

function isCore(group: string): boolean {
  return ["", "apps", "batch", "extensions", "autoscaling", "policy"].includes(group);
}

function looksLikeKustomization(root: Cursor): boolean {
  return ["resources", "patches", "patchesStrategicMerge", "bases", "configMapGenerator"].some(
    (key) => root.get(key).node?.kind === "list",
  );
}
