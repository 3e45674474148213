import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** RFC 2544: for tests of networks, nobody's on the internet. */
const NET = "198.18.0";
const ROUTER = "router";
const FIRST_RULE = 100;
/** Where the kernel has no netem: so many bits a second, and what waits longer than this is dropped. */
const SLOW_RATE = "200kbit";
const SLOW_BURST = "1600";
const SLOW_WAIT = "1500ms";

/** One of the machines that the network pretends to have. */
export interface NetHost {
  readonly name: string;
  readonly address: string;
  /** Put before a command, has it run there. */
  readonly within: readonly string[];
}

/**
 * Several machines on this one: each a network namespace with one cable to a router, which drops what is cut. Whoever
 * builds it is on the network too (`here`), and should be in a namespace of its own: see `inside.ts`.
 */
export class Network {
  readonly slows: "netem" | "tbf";
  private readonly hosts = new Map<string, NetHost>();
  private rules = FIRST_RULE;

  private constructor(slows: "netem" | "tbf") {
    this.slows = slows;
  }

  /** @throws {Error} where it may not, or a program of iproute2 is missing */
  static async build(): Promise<Network> {
    await ip("netns", "add", ROUTER);
    await inRouter("ip", "link", "set", "lo", "up");
    await inRouter("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward");
    const slows = await inRouter("tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms").then(
      () => "netem" as const,
      () => "tbf" as const,
    );
    if (slows === "netem") await inRouter("tc", "qdisc", "del", "dev", "lo", "root");
    const network = new Network(slows);
    await network.cable("here", undefined);
    return network;
  }

  async add(name: string): Promise<NetHost> {
    await ip("netns", "add", name);
    await run("ip", ["-n", name, "link", "set", "lo", "up"]);
    return this.cable(name, name);
  }

  /** Drops every packet of the one to the other; the result lets them pass again. */
  async drop(from: string, to: string): Promise<() => Promise<void>> {
    const priority = String(this.rules++);
    const rule = ["from", this.address(from), "to", this.address(to), "priority", priority, "blackhole"];
    await inRouter("ip", "rule", "add", ...rule);
    return async () => void (await inRouter("ip", "rule", "del", "priority", priority));
  }

  /** Everything to and from it waits. */
  async slow(name: string): Promise<() => Promise<void>> {
    const shape =
      this.slows === "netem"
        ? ["netem", "delay", "150ms", "100ms", "loss", "2%"]
        : ["tbf", "rate", SLOW_RATE, "burst", SLOW_BURST, "latency", SLOW_WAIT];
    const far = [...(name === "here" ? [] : ["ip", "netns", "exec", name]), "tc"];
    await inRouter("tc", "qdisc", "add", "dev", name, "root", ...shape);
    await run(far[0] ?? "tc", [...far.slice(1), "qdisc", "add", "dev", "eth0", "root", ...shape]);
    return async () => {
      await inRouter("tc", "qdisc", "del", "dev", name, "root");
      await run(far[0] ?? "tc", [...far.slice(1), "qdisc", "del", "dev", "eth0", "root"]);
    };
  }

  others(name: string): readonly string[] {
    return [...this.hosts.keys()].filter((other) => other !== name);
  }

  private async cable(name: string, namespace: string | undefined): Promise<NetHost> {
    const subnet = this.hosts.size * 4;
    const [gate, address] = [`${NET}.${String(subnet + 1)}`, `${NET}.${String(subnet + 2)}`];
    const at = namespace === undefined ? [] : ["-n", namespace];
    await run("ip", [...at, "link", "add", "eth0", "type", "veth", "peer", "name", name, "netns", ROUTER]);
    await inRouter("ip", "address", "add", `${gate}/30`, "dev", name);
    await inRouter("ip", "link", "set", name, "up");
    await run("ip", [...at, "address", "add", `${address}/30`, "dev", "eth0"]);
    await run("ip", [...at, "link", "set", "eth0", "up"]);
    await run("ip", [...at, "route", "add", "default", "via", gate]);
    const within = namespace === undefined ? [] : ["nsenter", `--net=/run/netns/${namespace}`];
    const host = { name, address, within };
    this.hosts.set(name, host);
    return host;
  }

  private address(name: string): string {
    const host = this.hosts.get(name);
    if (!host) throw new RangeError(`the network has no host "${name}"`);
    return host.address;
  }
}

async function ip(...args: readonly string[]): Promise<void> {
  await run("ip", [...args]);
}

async function inRouter(...command: readonly string[]): Promise<void> {
  await run("ip", ["netns", "exec", ROUTER, ...command]);
}
