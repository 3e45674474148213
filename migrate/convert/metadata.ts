import type { Code } from "../ledger/codes";
import type { KubeObject } from "../object";

/** What a cluster keeps for itself about an object. */
const CLUSTER_STATE = [
  "creationTimestamp",
  "deletionGracePeriodSeconds",
  "deletionTimestamp",
  "finalizers",
  "generation",
  "managedFields",
  "ownerReferences",
  "resourceVersion",
  "selfLink",
  "uid",
] as const;

/** Says what became of the fields that every object has. */
export function claimCommon(object: KubeObject, ...targets: readonly string[]): void {
  const { root } = object;
  for (const field of ["apiVersion", "kind"]) root.get(field).converted(...targets);
  root.get("status").note("clusterState");
  claimMetadata(object, "metadata", targets);
}

/** `metadata` of an object, or of the pods that it makes. */
export function claimMetadata({ root }: KubeObject, path: string, targets: readonly string[]): void {
  const metadata = path.split("/").reduce((at, step) => at.get(step), root);
  for (const field of ["name", "generateName", "namespace"]) metadata.get(field).converted(...targets);
  metadata.get("clusterName").note("clusterState");
  metadata.get("labels").note("label");
  for (const [key, value] of annotationsOf(metadata)) value.note(annotation(key));
  for (const field of CLUSTER_STATE) metadata.get(field).note("clusterState");
}

function annotationsOf(metadata: KubeObject["root"]) {
  const annotations = metadata.get("annotations");
  if (annotations.present && annotations.node?.kind === "map" && annotations.node.entries.size === 0) {
    annotations.note("ignoredField");
  }
  return annotations.entries();
}

function annotation(key: string): Code {
  const isState = /^(kubectl\.kubernetes\.io|deployment\.kubernetes\.io|meta\.helm\.sh|helm\.sh)\//.test(key);
  return isState ? "clusterState" : "annotation";
}

/** Labels or annotations as text. */
export function textsOf(
  object: KubeObject,
  path: string,
  field: "labels" | "annotations",
): Readonly<Record<string, string>> {
  const { node } = path
    .split("/")
    .reduce((at, step) => at.get(step), object.root)
    .get(field);
  if (node?.kind !== "map") return {};
  const texts = [...node.entries].map(([key, value]) => [
    key,
    value.kind === "scalar" ? String(value.value ?? "") : "",
  ]);
  return Object.fromEntries(texts) as Record<string, string>;
}
