import type { Answers } from "../answers";
import type { KubeObject } from "../object";
import type { NomadGroup, NomadJob } from "../model/nomad-job";
import { type Experience, experienceName, experienceOf } from "./agones";
import { budgets, migrateOf, priorityOf, scalingOf, systemPriority } from "./around";
import { Inventory, nameOf, spaceOf } from "./inventory";
import { jobNames } from "./job-names";
import { claimCommon } from "./metadata";
import { dnsLabel } from "./names";
import { claimOther } from "./other-kinds";
import { keysOf, type NeededVolume, type PodContext } from "./pod-context";
import { quantity } from "./quantity";
import { ServiceNames } from "./service-names";
import { ServiceRoutes } from "./service-routes";
import { type NamedService, registrations } from "./services";
import { isBinaryKey } from "./volume-files";
import { jobOf, podAnnotations, podIdentity, podLabels, podOf } from "./workload";

/** Everything that a migration makes, before it is written. */
export interface Converted {
  readonly jobs: readonly ConvertedJob[];
  readonly experiences: readonly Experience[];
  readonly secrets: readonly WantedSecret[];
  readonly volumes: readonly (NeededVolume & { readonly namespace: string })[];
  readonly externals: readonly ExternalService[];
  readonly namespaces: readonly string[];
}

export interface ConvertedJob {
  readonly job: NomadJob;
  /** Of its files, without what follows the dot; also below which targets are named. */
  readonly file: string;
  /** Names of Secrets that it reads. */
  readonly secrets: readonly string[];
}

/** A Secret that has to be copied; never its values. */
export interface WantedSecret {
  readonly namespace: string;
  readonly name: string;
  /** Keys whose values are no text and are stored in base64. */
  readonly binaryKeys: readonly string[];
}

export interface ExternalService {
  readonly name: string;
  readonly address: string;
}

/** Converts everything, and says at each field of the input what became of it. */
export function convert(objects: readonly KubeObject[], answers: Answers): Converted {
  return new Conversion(new Inventory(objects), answers).run();
}

class Conversion {
  readonly #secrets = new Map<string, WantedSecret>();
  readonly #volumes = new Map<string, NeededVolume & { readonly namespace: string }>();
  /** Objects that a workload took along. */
  readonly #used = new Set<KubeObject>();
  readonly #names: ServiceNames;
  readonly #routes: ServiceRoutes;

  constructor(
    private readonly inventory: Inventory,
    private readonly answers: Answers,
  ) {
    this.#routes = new ServiceRoutes(inventory);
    this.#names = new ServiceNames(inventory);
    for (const object of this.#routes.objects) this.#used.add(object);
  }

  run(): Converted {
    const jobs = this.#jobs();
    this.#routes.claimLost();
    const experiences = this.#experiences();
    const externals = this.#others();
    const sorted = <T>(map: ReadonlyMap<string, T>): readonly T[] =>
      [...map].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value);
    const named = this.inventory.ofKind("", "Namespace").map(({ name }) => name);
    const namespaces = [...new Set([...named, ...jobs.map(({ job }) => job.namespace)])].sort();
    return { jobs, experiences, externals, namespaces, secrets: sorted(this.#secrets), volumes: sorted(this.#volumes) };
  }

  #jobs(): readonly ConvertedJob[] {
    const names = jobNames(this.inventory.workloads);
    return [...names].map(([workload, { id, file }]) => this.#job(workload, id, file));
  }

  #job(workload: KubeObject, id: string, file: string): ConvertedJob {
    const namespace = spaceOf(workload);
    const secrets = new Set<string>();
    const context: PodContext = {
      answers: this.answers,
      namespace,
      jobId: id,
      target: file,
      pod: podIdentity(workload),
      podLabels: podLabels(workload),
      podAnnotations: podAnnotations(workload),
      configMap: (name) => this.#use(this.inventory.find("", "ConfigMap", namespace, name)),
      secret: (name) => this.inventory.find("", "Secret", namespace, name),
      needsSecret: (name) => {
        secrets.add(name);
        this.#want(namespace, name);
      },
      needsVolume: (volume) => void this.#volumes.set(`${namespace}/${volume.source}`, { ...volume, namespace }),
    };
    const services = this.#servicesOf(context);
    const around = this.#around(workload, context);
    const options = { context, answers: this.answers, around };
    const job = jobOf(workload, {
      ...options,
      services: (parts) => registrations(services, parts, { answers: this.answers, names: this.#names, target: file }),
    });
    return { job: this.#sized(job), file, secrets: [...secrets].sort() };
  }

  /** A claim in the input says how large its volume is. */
  #sized(job: NomadJob): NomadJob {
    for (const { source } of job.group.volumes) {
      const claim = this.#use(
        this.inventory.find("", "PersistentVolumeClaim", job.namespace, source.slice(job.namespace.length + 1)),
      );
      const key = `${job.namespace}/${source}`;
      const volume = this.#volumes.get(key);
      if (claim === undefined || volume === undefined) continue;
      const storage = claim.root.get("spec", "resources", "requests", "storage").intOrText();
      this.#volumes.set(key, { ...volume, bytes: storage === undefined ? undefined : quantity(storage) });
    }
    return job;
  }

  #servicesOf({ namespace, podLabels: labels }: PodContext): readonly NamedService[] {
    return this.inventory.servicesOf(namespace, labels).map((object) => {
      this.#use(object);
      const name = this.#names.nameOf(object);
      claimCommon(object, `consul#service.${name}`);
      return { object, name, tags: this.#routes.tagsOf(namespace, object) };
    });
  }

  #around(
    workload: KubeObject,
    context: PodContext,
  ): Partial<Pick<NomadGroup, "scaling" | "migrate">> & Pick<NomadJob, "priority"> {
    const { namespace, target, podLabels: labels } = context;
    const hpa = this.inventory.scalerOf(workload);
    const pdb = this.inventory.ofKind("policy", "PodDisruptionBudget", namespace).find((each) => budgets(each, labels));
    const replicas = workload.root.get("spec", "replicas").int() ?? 1;
    const className = podOf(workload).get("priorityClassName");
    const wanted = className.text();
    const priorityClass = this.inventory
      .ofKind("scheduling.k8s.io", "PriorityClass")
      .find(({ name }) => name === wanted);
    const given = priorityClass === undefined ? systemPriority(wanted ?? "") : priorityOf(priorityClass, target);
    // An empty name is none to Kubernetes too.
    className.note(given === undefined && wanted !== "" ? "targetMissing" : "priority", `${target}#priority`);
    for (const used of [hpa, pdb, priorityClass]) this.#use(used);
    return {
      ...(hpa === undefined ? {} : { scaling: scalingOf(hpa, target) }),
      ...(pdb === undefined ? {} : { migrate: migrateOf(pdb, replicas, target) }),
      priority: given,
    };
  }

  #experiences(): readonly Experience[] {
    const taken = new Set<string>();
    const fixedPorts = new Set<number>();
    return this.inventory.games.map((game) => {
      const scaler = this.inventory
        .ofKind("autoscaling.agones.dev", "FleetAutoscaler", spaceOf(game))
        .find((each) => game.kind === "Fleet" && each.root.get("spec", "fleetName").text() === game.name);
      this.#use(scaler);
      const id = experienceName({ ...game, name: nameOf(game) }, (name) => taken.has(name));
      taken.add(id);
      const configMap = (name: string) => this.inventory.find("", "ConfigMap", spaceOf(game), name);
      return experienceOf(game, scaler, this.answers, id, { configMap, fixedPorts });
    });
  }

  /** What is left: each is claimed by its kind. */
  #others(): readonly ExternalService[] {
    const externals: ExternalService[] = [];
    for (const object of this.inventory.others) {
      const { group, kind } = object;
      if (group === "" && (kind === "ConfigMap" || kind === "Secret")) this.#claimData(object);
      else if (group === "" && kind === "PersistentVolumeClaim") this.#claimVolume(object);
      else if (group === "" && kind === "Namespace") {
        claimCommon(object, `stacks/migrated.ts#namespace.${object.name}`);
        object.root.get("spec").note("clusterState");
      } else if (!this.#used.has(object)) externals.push(...this.#claimUnused(object));
    }
    return externals;
  }

  #claimUnused(object: KubeObject): readonly ExternalService[] {
    const { group, kind, root } = object;
    const external = root.get("spec", "externalName").text();
    if (
      group === "" &&
      kind === "Service" &&
      external !== undefined &&
      root.get("spec", "type").text() === "ExternalName"
    ) {
      const name = dnsLabel(object.name);
      claimCommon(object, `consul/external/${name}.json`);
      root.get("spec").note("externalService", `consul/external/${name}.json`);
      return [{ name, address: external }];
    }
    const needsTarget: Readonly<Record<string, "serviceWithoutWorkload" | "targetMissing" | "priority">> = {
      "/Service": "serviceWithoutWorkload",
      "autoscaling/HorizontalPodAutoscaler": "targetMissing",
      "autoscaling.agones.dev/FleetAutoscaler": "targetMissing",
      "policy/PodDisruptionBudget": "targetMissing",
      "scheduling.k8s.io/PriorityClass": "priority",
    };
    const fate = needsTarget[`${group}/${kind}`];
    if (fate === undefined) claimOther(object);
    else object.root.note(fate);
    return [];
  }

  #claimData(object: KubeObject): void {
    claimCommon(object);
    for (const field of ["type", "immutable"]) object.root.get(field).note("ignoredField");
    if (object.kind === "Secret") {
      this.#want(spaceOf(object), object.name);
      for (const field of ["data", "stringData"]) object.root.get(field).note("secretAtRunTime");
    } else for (const field of ["data", "binaryData"]) object.root.get(field).note("configUnused");
  }

  #claimVolume(object: KubeObject): void {
    const target = `volumes/${spaceOf(object)}.${object.name}.volume.hcl`;
    claimCommon(object, target);
    const isUsed = this.#volumes.has(`${spaceOf(object)}/${spaceOf(object)}.${object.name}`);
    object.root.get("spec").note(isUsed ? "volumeNeedsHost" : "configUnused", ...(isUsed ? [target] : []));
  }

  #want(namespace: string, name: string): void {
    const secret = this.inventory.find("", "Secret", namespace, name);
    const keys = secret === undefined ? [] : keysOf(secret, "data");
    const binaryKeys = keys.filter((key) => secret !== undefined && isBinaryKey(secret, key)).sort();
    this.#secrets.set(`${namespace}/${name}`, { namespace, name, binaryKeys });
  }

  #use<T extends KubeObject | undefined>(object: T): T {
    if (object !== undefined) this.#used.add(object);
    return object;
  }
}
