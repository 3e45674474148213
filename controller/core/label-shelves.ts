import type { GameServer } from "./game-server";

/** So many servers that share a label are looked at for one that has all labels of a selector. */
export const LABEL_LOOKS = 256;

/** Servers that share one label, with constant-time add and remove; each look begins where the last one ended. */
interface Shelf {
  readonly servers: GameServer[];
  readonly at: Map<GameServer, number>;
  cursor: number;
}

/**
 * The empty servers of a pool by each of their labels. A look costs the number of labels asked for and at most
 * `LABEL_LOOKS` servers, however many there are: the rarest of the labels is looked through. With one label nothing is
 * missed. With several a match is missed only where more than `LABEL_LOOKS` empty servers have each of them and those
 * looked at lack another; the next look goes on behind them.
 */
export class LabelShelves {
  private readonly shelves = new Map<string, Shelf>();
  /** Under which labels a server stands: its own may have changed since. */
  private readonly keys = new Map<GameServer, readonly string[]>();

  add(server: GameServer): void {
    const keys = Object.entries(server.labels).map(([key, value]) => labelOf(key, value));
    if (keys.length === 0) return;
    this.keys.set(server, keys);
    for (const key of keys) {
      let shelf = this.shelves.get(key);
      if (!shelf) this.shelves.set(key, (shelf = { servers: [], at: new Map(), cursor: 0 }));
      shelf.at.set(server, shelf.servers.length);
      shelf.servers.push(server);
    }
  }

  remove(server: GameServer): void {
    const keys = this.keys.get(server);
    if (!keys) return;
    this.keys.delete(server);
    for (const key of keys) {
      const shelf = this.shelves.get(key);
      if (shelf && take(shelf, server) === 0) this.shelves.delete(key);
    }
  }

  /** Up to `most` servers with all these labels that are `wanted` into `into`. `labels` names at least one. */
  find(
    labels: Readonly<Record<string, string>>,
    most: number,
    into: GameServer[],
    wanted: (server: GameServer) => boolean,
  ): void {
    const rarest = this.rarest(labels);
    if (!rarest) return;
    const { servers } = rarest;
    const looks = Math.min(servers.length, LABEL_LOOKS);
    const start = servers.length > looks ? rarest.cursor % servers.length : 0;
    let looked = 0;
    for (; looked < looks && into.length < most; looked++) {
      const server = servers[(start + looked) % servers.length];
      if (server && hasLabels(server, labels) && wanted(server)) into.push(server);
    }
    rarest.cursor = start + looked;
  }

  private rarest(labels: Readonly<Record<string, string>>): Shelf | undefined {
    let best: Shelf | undefined;
    for (const [key, value] of Object.entries(labels)) {
      const shelf = this.shelves.get(labelOf(key, value));
      if (!shelf) return undefined;
      if (!best || shelf.servers.length < best.servers.length) best = shelf;
    }
    return best;
  }
}

/** Takes a server off a shelf and says how many are left. */
function take({ servers, at }: Shelf, server: GameServer): number {
  const slot = at.get(server);
  const last = servers.pop();
  at.delete(server);
  if (slot !== undefined && last && last !== server) {
    servers[slot] = last;
    at.set(last, slot);
  }
  return servers.length;
}

function labelOf(key: string, value: string): string {
  return `${key}\n${value}`;
}

export function hasLabels({ labels }: Pick<GameServer, "labels">, asked: Readonly<Record<string, string>>): boolean {
  return Object.entries(asked).every(([key, value]) => labels[key] === value);
}
