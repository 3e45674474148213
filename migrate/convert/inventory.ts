import type { Code } from "../ledger/codes";
import type { KubeObject } from "../object";
import { isGameServers, whyNoExperience } from "./agones";
import { isWorkload, whyNoJob } from "./workload";

/** The objects that can be converted, each once, for others to look up. */
export class Inventory {
  readonly workloads: readonly KubeObject[];
  readonly games: readonly KubeObject[];
  /** Neither workload nor game. */
  readonly others: readonly KubeObject[];
  readonly #byIdentity = new Map<string, KubeObject>();

  /** Takes objects in the order of files and documents; says of each that is left out why. */
  constructor(objects: readonly KubeObject[]) {
    const usable = objects.filter((object) => {
      const reason = whyLeftOut(object);
      if (reason !== undefined) object.root.note(reason);
      return reason === undefined;
    });
    const kept: KubeObject[] = [];
    for (const object of usable) {
      const identity = identityOf(object);
      const before = object.name === "" ? undefined : this.#byIdentity.get(identity);
      if (before === undefined) {
        this.#byIdentity.set(identity, object);
        kept.push(object);
      } else object.root.note(before.text === object.text ? "duplicate" : "conflictingObject");
    }
    this.workloads = kept.filter(isWorkload).sort(byName);
    this.games = kept.filter(isGameServers).sort(byName);
    this.others = kept.filter((object) => !isWorkload(object) && !isGameServers(object)).sort(byName);
  }

  find(group: string, kind: string, namespace: string, name: string): KubeObject | undefined {
    return this.#byIdentity.get(identityOf({ group, kind, namespace, name }));
  }

  /** Of one kind, in one namespace or in all. */
  ofKind(group: string, kind: string, namespace?: string): readonly KubeObject[] {
    return this.others.filter(
      (object) =>
        object.group === group && object.kind === kind && (namespace === undefined || spaceOf(object) === namespace),
    );
  }
}

/** Where an object is; Kubernetes' own default where it says nothing. */
export function spaceOf({ namespace }: Pick<KubeObject, "namespace">): string {
  return namespace === "" ? "default" : namespace;
}

/** Its name, or what the cluster would begin it with. */
export function nameOf(object: KubeObject): string {
  if (object.name !== "") return object.name;
  return (object.root.get("metadata", "generateName").text() ?? "").replace(/-+$/, "") || object.kind.toLowerCase();
}

function whyLeftOut(object: KubeObject): Code | undefined {
  if (isWorkload(object)) return whyNoJob(object);
  return isGameServers(object) ? whyNoExperience(object) : undefined;
}

/** Groups that had the same kinds before. */
function identityOf(object: Pick<KubeObject, "group" | "kind" | "namespace" | "name">): string {
  const group =
    object.group === "extensions" ? (object.kind === "Ingress" ? "networking.k8s.io" : "apps") : object.group;
  return [group, object.kind, spaceOf(object), object.name].join("/");
}

/** The order of the output; it depends on what the objects are, not on where they stood. */
function byName(a: KubeObject, b: KubeObject): number {
  const key = (object: KubeObject): string => [spaceOf(object), nameOf(object), object.kind].join("/");
  return key(a) < key(b) ? -1 : 1;
}
