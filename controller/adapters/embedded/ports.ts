import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import type { PortLaunch } from "../../engine";

/** Port numbers, both ends included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** Below what Linux hands out to outgoing connections (32768 up), above what well-known services use. */
export const LOCAL_PORTS: PortRange = { first: 20_000, last: 29_999 };

/** The part of `whole` for the region at `index` of `count`: equal parts, none overlapping. */
export function regionPorts(index: number, count: number, whole: PortRange = LOCAL_PORTS): PortRange {
  const size = Math.floor((whole.last - whole.first + 1) / Math.max(1, count));
  const first = whole.first + index * size;
  return { first, last: first + size - 1 };
}

export type PortCheck = (port: number) => Promise<boolean>;

export type PortChoice =
  | { readonly ok: true; readonly ports: Readonly<Record<string, number>> }
  /** A fixed port somebody else has. */
  | { readonly ok: false; readonly taken: { readonly name: string; readonly port: number } }
  | { readonly ok: false; readonly taken: undefined };

/**
 * Gives out ports. Those that are not fixed come from the region's range, starting at a random place and going round, so
 * that a port is used again as late as possible and two runs on one machine seldom meet.
 */
export class PortPool {
  private next: number;

  /** @param random 0 to below 1 */
  constructor(
    private readonly range: PortRange,
    private readonly isFree: PortCheck,
    random: () => number,
  ) {
    this.next = range.first + Math.floor(random() * this.size);
  }

  /**
   * @param held ports of live servers: never given twice, whether somebody listens there or not
   * @param ending those whose server is on its way out: a fixed one may be had, once that is gone
   */
  async choose(
    wanted: readonly PortLaunch[],
    held: ReadonlySet<number>,
    ending: ReadonlySet<number>,
  ): Promise<PortChoice> {
    const ports: Record<string, number> = {};
    const fixed = new Set(wanted.flatMap((port) => (port.static === undefined ? [] : [port.static])));
    for (const { name, static: port } of wanted) {
      if (port === undefined) continue;
      if (!ending.has(port) && (held.has(port) || !(await this.isFree(port))))
        return { ok: false, taken: { name, port } };
      ports[name] = port;
    }
    for (const { name, static: wish } of wanted) {
      if (wish !== undefined) continue;
      const found = await this.find((port) => !held.has(port) && !ending.has(port) && !fixed.has(port));
      if (found === undefined) return { ok: false, taken: undefined };
      ports[name] = found;
    }
    return { ok: true, ports };
  }

  private get size(): number {
    return this.range.last - this.range.first + 1;
  }

  private async find(mayBe: (port: number) => boolean): Promise<number | undefined> {
    for (let tried = 0; tried < this.size; tried += 1) {
      const candidate = this.next;
      this.next = candidate >= this.range.last ? this.range.first : candidate + 1;
      if (mayBe(candidate) && (await this.isFree(candidate))) return candidate;
    }
    return undefined;
  }
}

/** Whether a server could have this port now, TCP and UDP, on every address. Asks the system by really binding. */
export async function isPortFree(port: number): Promise<boolean> {
  const [tcp, udp] = await Promise.all([bindsTcp(port), bindsUdp(port)]);
  return tcp && udp;
}

function bindsTcp(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "0.0.0.0", exclusive: true }, () => server.close(() => resolve(true)));
  });
}

function bindsUdp(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    socket.once("error", () => {
      socket.close();
      resolve(false);
    });
    socket.bind({ port, address: "0.0.0.0", exclusive: true }, () => socket.close(() => resolve(true)));
  });
}
