import type { Code } from "../ledger/codes";
import type { KubeObject } from "../object";
import { isGameServers, whyNoExperience } from "./agones";
import { selectsPod } from "./services";
import { isWorkload, whyNoJob } from "./workload";

/** The objects that can be converted, each once, for others to look up. */
export class Inventory {
  readonly workloads: readonly KubeObject[];
  readonly games: readonly KubeObject[];
  /** Neither workload nor game. */
  readonly others: readonly KubeObject[];
  readonly #byIdentity = new Map<string, KubeObject>();
  readonly #byKind = new Map<string, KubeObject[]>();
  /** Services by namespace and the first label of their selector. */
  readonly #bySelector = new Map<string, KubeObject[]>();
  /** HorizontalPodAutoscalers by namespace, kind and name of what they scale. */
  readonly #byTarget = new Map<string, KubeObject>();

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
    this.#index();
  }

  find(group: string, kind: string, namespace: string, name: string): KubeObject | undefined {
    return this.#byIdentity.get(identityOf({ group, kind, namespace, name }));
  }

  /** Of one kind, in one namespace or in all. */
  ofKind(group: string, kind: string, namespace?: string): readonly KubeObject[] {
    return this.#byKind.get([group, kind, ...(namespace === undefined ? [] : [namespace])].join("/")) ?? [];
  }

  /** The Services of a namespace whose selector takes a pod with these labels, in the order of their names. */
  servicesOf(namespace: string, labels: Readonly<Record<string, string>>): readonly KubeObject[] {
    const found = Object.entries(labels).flatMap(
      ([key, value]) => this.#bySelector.get(`${namespace}/${key}=${value}`) ?? [],
    );
    return found.filter((service) => selectsPod(service, labels)).sort(byName);
  }

  /** What scales a workload. */
  scalerOf(workload: KubeObject): KubeObject | undefined {
    return this.#byTarget.get([spaceOf(workload), workload.kind, workload.name].join("/"));
  }

  #index(): void {
    const add = <T>(map: Map<string, T[]>, key: string, value: T): void => {
      const list = map.get(key);
      if (list === undefined) map.set(key, [value]);
      else list.push(value);
    };
    for (const object of this.others) {
      const { group, kind } = object;
      add(this.#byKind, `${group}/${kind}`, object);
      add(this.#byKind, `${group}/${kind}/${spaceOf(object)}`, object);
      if (group === "" && kind === "Service") {
        // A pod that is taken has the first label too.
        const { node } = object.root.get("spec", "selector");
        const [first] = node?.kind === "map" ? node.entries : [];
        if (first?.[1].kind === "scalar")
          add(this.#bySelector, `${spaceOf(object)}/${first[0]}=${String(first[1].value)}`, object);
      } else if (group === "autoscaling" && kind === "HorizontalPodAutoscaler") {
        const target = object.root.get("spec", "scaleTargetRef");
        const key = [spaceOf(object), target.get("kind").text() ?? "", target.get("name").text() ?? ""].join("/");
        if (!this.#byTarget.has(key)) this.#byTarget.set(key, object);
      }
    }
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
