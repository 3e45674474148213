import type { Cursor } from "../ledger/claims";
import type { Code } from "../ledger/codes";
import type { Part, Variable } from "./environment-template";
import type { PodContext } from "./pod-context";
import { quantity, wholeUp } from "./quantity";
import { entryOf } from "./table";

/** Where of several this one is, from 0: of a StatefulSet's pods and of an indexed Job's. */
export const INDEX = "${NOMAD_ALLOC_INDEX}";

/** What Nomad has instead of a pod's names and addresses. */
const FIELDS: Readonly<Record<string, string>> = {
  "metadata.name": "${NOMAD_JOB_NAME}-${NOMAD_SHORT_ALLOC_ID}",
  "metadata.namespace": "${NOMAD_NAMESPACE}",
  "metadata.uid": "${NOMAD_ALLOC_ID}",
  "spec.nodeName": "${node.unique.name}",
  "status.hostIP": "${attr.unique.network.ip-address}",
  "status.hostIPs": "${attr.unique.network.ip-address}",
  "status.podIP": "${attr.unique.network.ip-address}",
  "status.podIPs": "${attr.unique.network.ip-address}",
};
/** Labels that the cluster gives, with values that nothing of Nomad has. */
const GIVEN = new Set([
  "pod-template-hash",
  "controller-revision-hash",
  "controller-uid",
  "batch.kubernetes.io/controller-uid",
]);

/** What a `fieldRef` comes to; undefined, and said so in the ledger, where Nomad has nothing like it. */
export function fieldOf(reference: Cursor, context: PodContext, target: string): Variable | undefined {
  reference.get("apiVersion").note("ignoredField");
  const found = textOf(reference.get("fieldPath").text() ?? "", context);
  reference.note(found?.code ?? "unknownSource", target);
  return found === undefined ? undefined : { parts: partsOf(found.text) };
}

function textOf(path: string, context: PodContext): { readonly text: string; readonly code: Code } | undefined {
  const keyed = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(path);
  if (keyed !== null) {
    const [, map, key = ""] = keyed;
    return labelOf(key, map === "labels" ? context.podLabels : context.podAnnotations, context);
  }
  const { kind, name, serviceAccount } = context.pod;
  if (path === "metadata.name" && name !== "") {
    if (kind === "StatefulSet") return { text: `${name}-${INDEX}`, code: "stableName" };
    if (kind === "Pod") return { text: name, code: "converted" };
  }
  if (path === "spec.serviceAccountName") return { text: serviceAccount, code: "converted" };
  const text = entryOf(FIELDS, path);
  if (text === undefined) return undefined;
  return { text, code: path === "metadata.namespace" || path === "spec.nodeName" ? "converted" : "podField" };
}

/** A label or annotation: as the manifest has it, or as the workload's kind gives it; of no such one nothing, as there. */
function labelOf(key: string, written: Readonly<Record<string, string>>, { pod }: PodContext) {
  const { kind, name, isIndexed } = pod;
  const own = entryOf(written, key);
  if (own !== undefined) return { text: own, code: "converted" } as const;
  if (isIndexed && key === "batch.kubernetes.io/job-completion-index")
    return { text: INDEX, code: "completionIndex" } as const;
  if (kind === "StatefulSet" && key === "apps.kubernetes.io/pod-index")
    return { text: INDEX, code: "stableName" } as const;
  if (kind === "StatefulSet" && key === "statefulset.kubernetes.io/pod-name")
    return { text: `${name}-${INDEX}`, code: "stableName" } as const;
  if (kind === "Job" && (key === "job-name" || key === "batch.kubernetes.io/job-name"))
    return { text: name, code: "converted" } as const;
  return GIVEN.has(key) ? undefined : ({ text: "", code: "converted" } as const);
}

function partsOf(text: string): readonly Part[] {
  const parts = text.split(/(\$\{[^}]*\})/).filter((part) => part !== "");
  return parts.length === 0 ? [""] : parts.map((part) => (part.startsWith("${") ? { nomad: part } : part));
}

/** A request or limit that the manifest says, of this container or the one that is named; a limit is a request too. */
export function resourceOf(
  reference: Cursor,
  container: Cursor,
  { pod }: PodContext,
  target: string,
): Variable | undefined {
  const [kind = "", resource = ""] = (reference.get("resource").text() ?? "").split(/\.(.*)/s);
  const name = reference.get("containerName").text() ?? "";
  const resources = (name === "" ? container : pod.container(name))?.get("resources");
  const said = resources?.get(kind, resource);
  const value = (said?.present === true ? said : resources?.get("limits", resource))?.intOrText();
  const divisor = quantity(reference.get("divisor").intOrText() ?? "1") ?? 1;
  const amount = value === undefined ? undefined : quantity(value);
  if (amount === undefined) {
    reference.note("unknownSource");
    return undefined;
  }
  reference.converted(target);
  return { parts: [String(wholeUp(amount / (divisor === 0 ? 1 : divisor)))] };
}
