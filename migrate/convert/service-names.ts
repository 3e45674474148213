import type { KubeObject } from "../object";
import { type Inventory, spaceOf } from "./inventory";
import { countNames } from "./job-names";
import { dnsLabel, unused } from "./names";

/** What Services are called at Consul, which has one place for those of all namespaces. */
export class ServiceNames {
  readonly #counts: ReadonlyMap<string, number>;
  readonly #names: ReadonlySet<string>;

  constructor(inventory: Inventory) {
    const services = inventory.ofKind("", "Service");
    this.#counts = countNames(services);
    this.#names = new Set(services.map((service) => this.nameOf(service)));
  }

  /** A Service's own name, with its namespace where another has one of that name. */
  nameOf(service: KubeObject): string {
    const isOnly = (this.#counts.get(service.name) ?? 0) < 2;
    return dnsLabel(isOnly ? service.name : `${service.name}-${spaceOf(service)}`);
  }

  /** Of a Service's port beyond the first: a name that no Service has. */
  nameOfPort(name: string, port: string): string {
    const label = dnsLabel(`${name}-${port}`);
    // A number behind it has to fit as well.
    return this.#names.has(label) ? unused(label.slice(0, 58), (candidate) => this.#names.has(candidate)) : label;
  }
}
