import type { Cursor } from "../ledger/claims";
import type { Port } from "../model/nomad-job";
import { portLabel, unused } from "./names";

interface GroupPort {
  readonly label: string;
  /** The port in the container. */
  readonly number: number;
  static: number | undefined;
}

/** The ports of a group: those that containers declare, and more as probes and Services ask for them. */
export class GroupPorts {
  readonly #ports: GroupPort[] = [];
  /** Names of container ports, which probes and Services may use instead of numbers. */
  readonly #names = new Map<string, number>();

  constructor(
    readonly isHost: boolean,
    private readonly target: string,
  ) {}

  /** A container's `ports`. */
  declare(container: Cursor): void {
    for (const port of container.get("ports").items()) {
      const number = port.get("containerPort").int();
      if (number === undefined || number < 1 || number > 65_535) {
        port.note("wrongType");
        continue;
      }
      const name = port.get("name").text();
      const label = this.#labelFor(number, name);
      const target = `${this.target}#network.port.${label}`;
      const protocol = port.get("protocol").text() ?? "TCP";
      port.note(protocol === "SCTP" ? "sctp" : "converted", target);
      // Nomad opens both on the node; nothing checks, or carries through a mesh, what is UDP.
      if (protocol === "UDP") port.get("protocol").note("udpPort", target);
      port.get("hostIP").note("hostIp");
      if (name !== undefined) this.#names.set(name, number);
      const host = port.get("hostPort");
      const at = host.int();
      if (at === undefined || at === 0) continue;
      const isThere = this.fixed(number, at, name ?? "host") !== undefined;
      host.note(isThere ? "staticPort" : this.isHost ? "hostNetworkPort" : "portTaken", target);
    }
  }

  /** The label of a port by number or name, made where the number is not declared. */
  labelOf(port: number | string): string | undefined {
    const number =
      typeof port === "number" ? port : (this.#names.get(port) ?? (/^\d+$/.test(port) ? Number(port) : undefined));
    if (number === undefined || !Number.isInteger(number) || number < 1 || number > 65_535) return undefined;
    return this.#labelFor(number, undefined);
  }

  /**
   * The label by which a port is reached at a fixed number of the node; another one where it has one already. Undefined where
   * it cannot be: the number is taken, or on the host's network, where the program listens on its own.
   */
  fixed(port: number | string, at: number, name: string): string | undefined {
    const label = this.labelOf(port);
    const found = this.#ports.find((each) => each.label === label);
    if (found === undefined || at < 1 || at > 65_535) return label;
    if (this.isHost) return found.number === at ? label : undefined;
    const taken = this.#ports.find((each) => each.static === at);
    if (taken !== undefined) return taken.number === found.number ? taken.label : undefined;
    if (found.static === undefined) {
      found.static = at;
      return label;
    }
    const other = unused(portLabel(name, at), (candidate) => this.#has(candidate), "_");
    this.#ports.push({ label: other, number: found.number, static: at });
    return other;
  }

  list(): readonly Port[] {
    return this.#ports.map(({ label, number, static: fixed }) => ({
      label,
      ...(fixed === undefined ? {} : { static: fixed }),
      ...(this.isHost ? {} : { to: number }),
    }));
  }

  #labelFor(number: number, name: string | undefined): string {
    const found = this.#ports.find((each) => each.number === number);
    if (found !== undefined) return found.label;
    const label = unused(portLabel(name, number), (candidate) => this.#has(candidate), "_");
    // On the host's network the program listens on its own number.
    this.#ports.push({ label, number, static: this.isHost ? number : undefined });
    return label;
  }

  #has(label: string): boolean {
    // Nomad makes environment variables of labels, and those know no case.
    return this.#ports.some((each) => each.label.toLowerCase() === label.toLowerCase());
  }
}
