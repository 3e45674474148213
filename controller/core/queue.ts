import type { Group } from "./group";

/** Places in line are times, so that they mean the same to every controller; so many fit into a millisecond. */
const ORDERS_PER_MS = 1024;

/** Groups that ask for the same thing: what fits one of them fits all, so only the first needs to be looked at. */
interface Shape {
  readonly moving: boolean;
  /** By `order`, oldest first. */
  readonly groups: Group[];
}

export interface Needed {
  readonly seats: number;
  readonly servers: number;
}

/**
 * Those who wait for seats in one fleet. First come, first served; whoever lost a server comes before everybody else.
 * Groups stand in one line per shape (version, mods, size), and the oldest whose shape fits somewhere is next: so a
 * party is overtaken only by those who fit where it does not, and finding the next costs the number of shapes.
 *
 * Nobody starves: a group that was overtaken by twice its size gets a server kept for it (see placement.ts).
 */
export class WaitingLine {
  private readonly shapes = new Map<string, Shape>();
  private lastOrder = 0;
  private readonly orders = new Set<number>();
  private count = 0;
  /** Seats that the line needs, without those whose wait has nothing to do with room. */
  joinSeats = 0;
  moveSeats = 0;
  /** The same in whole servers, of groups that claim one. */
  joinServers = 0;
  moveServers = 0;
  /** Players waiting, whatever for. */
  players = 0;
  /** Those of them who lost their server. */
  movingPlayers = 0;

  get size(): number {
    return this.count;
  }

  add(group: Group): void {
    if (group.waiting) return;
    if (group.order < 0) group.order = this.lastOrder = Math.max(this.lastOrder + 1, group.sinceMs * ORDERS_PER_MS);
    // Two controllers may have given the same: that of a wait taken up again.
    while (this.orders.has(group.order)) group.order++;
    this.orders.add(group.order);
    group.waiting = true;
    const shape = this.shapeOf(group);
    const { groups } = shape;
    if ((groups.at(-1)?.order ?? -1) < group.order) groups.push(group);
    else groups.splice(lowerBound(groups, group.order), 0, group);
    this.tally(group, 1);
  }

  /** True where it was waiting. */
  remove(group: Group): boolean {
    if (!group.waiting) return false;
    const key = shapeKey(group);
    const shape = this.shapes.get(key);
    const at = shape ? lowerBound(shape.groups, group.order) : -1;
    if (!shape || shape.groups[at] !== group) throw new Error(`group ${group.ticket ?? "?"} is not in its line`);
    // Nearly always it is the oldest, and a splice moves all the others.
    if (at === 0) shape.groups.shift();
    else shape.groups.splice(at, 1);
    if (shape.groups.length === 0) this.shapes.delete(key);
    group.waiting = false;
    this.orders.delete(group.order);
    this.tally(group, -1);
    return true;
  }

  /** The first, by rank and age, of those for whom `fits` finds room; groups with a hindrance are passed over. */
  next(fits: (group: Group) => boolean): Group | undefined {
    let best: Group | undefined;
    for (const shape of this.shapes.values()) {
      const head = shape.groups[0];
      if (!head || head.hindrance !== null) continue;
      if (best && !before(head, best)) continue;
      if (fits(head)) best = head;
    }
    return best;
  }

  /** Seats that groups wait for which have such a wish; a group that takes a whole server counts its players. */
  waitingFor(test: (wish: string) => boolean): number {
    const { join, move } = this.neededFor(test);
    return join.seats + move.seats;
  }

  /** The same in seats and in servers, one for each group, and those apart who lost theirs. */
  neededFor(test: (wish: string) => boolean): Readonly<Record<"join" | "move", Needed>> {
    const needed = { join: { seats: 0, servers: 0 }, move: { seats: 0, servers: 0 } };
    for (const { groups, moving } of this.shapes.values()) {
      const head = groups[0];
      if (head?.version === undefined || !head.growable || head.hindrance !== null || !test(head.version)) continue;
      const of = moving ? needed.move : needed.join;
      of.seats += groups.length * head.sessions.length;
      of.servers += groups.length;
    }
    return needed;
  }

  /** The first of each shape that came before `group`: those whom it overtakes when it is placed. */
  *headsBefore(group: Group): IterableIterator<Group> {
    for (const { groups } of this.shapes.values()) {
      const head = groups[0];
      if (head && head !== group && head.hindrance === null && before(head, group)) yield head;
    }
  }

  /** 1 is next. */
  position(group: Group): number {
    let ahead = 0;
    for (const shape of this.shapes.values()) {
      if (shape.moving && group.kind !== "move") ahead += shape.groups.length;
      else if (shape.moving === (group.kind === "move")) ahead += lowerBound(shape.groups, group.order);
    }
    return ahead + 1;
  }

  /** Since when whoever has waited longest waits; `otherwise` where nobody does. */
  oldestMs(otherwise: number): number {
    let oldest = otherwise;
    for (const { groups } of this.shapes.values()) oldest = Math.min(oldest, groups[0]?.sinceMs ?? otherwise);
    return oldest;
  }

  /** All of them, next first. */
  all(): Group[] {
    return [...this.shapes.values()].flatMap(({ groups }) => groups).sort((a, b) => (before(a, b) ? -1 : 1));
  }

  private shapeOf(group: Group): Shape {
    const key = shapeKey(group);
    let shape = this.shapes.get(key);
    if (!shape) this.shapes.set(key, (shape = { moving: group.kind === "move", groups: [] }));
    return shape;
  }

  private tally(group: Group, sign: 1 | -1): void {
    const players = group.sessions.length;
    this.count += sign;
    this.players += sign * players;
    const move = group.kind === "move";
    if (move) this.movingPlayers += sign * players;
    if (group.hindrance !== null || !group.growable) return;
    if (group.matchId !== null) {
      if (move) this.moveServers += sign;
      else this.joinServers += sign;
    } else if (move) this.moveSeats += sign * players;
    else this.joinSeats += sign * players;
  }
}

function before(a: Group, b: Group): boolean {
  const rank = Number(b.kind === "move") - Number(a.kind === "move");
  return rank !== 0 ? rank < 0 : age(a) < age(b);
}

/** One that never stood in line comes after all who do. */
function age({ order }: Group): number {
  return order < 0 ? Infinity : order;
}

function shapeKey(group: Group): string {
  const { kind, version, lastVersion, mods, selectors, matchId, sessions, hindrance } = group;
  const size = String(sessions.length);
  const flags = `${kind === "move" ? "m" : "j"}${matchId === null ? "" : "w"}${hindrance === null ? "" : "h"}`;
  return `${flags}|${size}|${version ?? "*"}|${lastVersion ?? ""}|${mods.join(",")}${selectors.length === 0 ? "" : `|${JSON.stringify(selectors)}`}`;
}

function lowerBound(groups: readonly Group[], order: number): number {
  let low = 0;
  let high = groups.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((groups[middle]?.order ?? Infinity) < order) low = middle + 1;
    else high = middle;
  }
  return low;
}
