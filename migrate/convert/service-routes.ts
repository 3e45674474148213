import type { KubeObject } from "../object";
import { type Inventory, spaceOf } from "./inventory";
import { httpRoutes, ingressRoutes, isPort, type PortTags, type Route, routeTags } from "./routes";

/** Where Ingresses and HTTPRoutes lead: the tags that Services get by them, and the routes that lead nowhere. */
export class ServiceRoutes {
  /** The objects that they come from. */
  readonly objects: KubeObject[] = [];
  /** By `NAMESPACE/SERVICE`. */
  readonly #tags = new Map<string, readonly PortTags[]>();
  readonly #routes: (Pick<Route, "port" | "backend"> & { readonly key: string })[] = [];
  /** Services whose tags were written. */
  readonly #tagged = new Map<string, KubeObject>();

  constructor(inventory: Inventory) {
    const read = (kind: readonly [string, string], routesOf: (object: KubeObject) => readonly Route[]): void => {
      for (const object of inventory.ofKind(...kind)) this.#read(object, routesOf(object));
    };
    for (const group of ["networking.k8s.io", "extensions"]) read([group, "Ingress"], ingressRoutes);
    read(["gateway.networking.k8s.io", "HTTPRoute"], httpRoutes);
  }

  /** The tags of a Service that is registered. */
  tagsOf(namespace: string, service: KubeObject): readonly PortTags[] {
    const key = `${namespace}/${service.name}`;
    this.#tagged.set(key, service);
    return this.#tags.get(key) ?? [];
  }

  /** Once all Services are registered. Tags are a Service's: where none was registered there are none. */
  claimLost(): void {
    for (const { key, port, backend } of this.#routes) {
      const ports = this.#tagged.get(key)?.root.get("spec", "ports").items() ?? [];
      const isThere = ports.some((each, index) => isPort(each, index, port));
      if (!isThere) backend.note("routeToNowhere");
    }
  }

  #read(object: KubeObject, routes: readonly Route[]): void {
    this.objects.push(object);
    const keyOf = (service: string): string => `${spaceOf(object)}/${service}`;
    for (const { service, port, backend } of routes) this.#routes.push({ key: keyOf(service), port, backend });
    for (const each of routeTags(object, routes)) {
      const before = this.#tags.get(keyOf(each.service)) ?? [];
      this.#tags.set(keyOf(each.service), [...before, each]);
    }
  }
}
