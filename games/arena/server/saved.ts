import { FIELD, type Point } from "../rules";

/** What follows a player to another server; about 60 bytes of the 4 KiB that Forge keeps. */
export interface SavedPlayer extends Point {
  readonly score: number;
  readonly inputs: number;
}

/** What follows the match itself to the server that replaces this one. */
export interface SavedMatch {
  readonly tick: number;
  readonly orbs: readonly Point[];
}

/** Reads what another server, perhaps of another version, saved of a player; undefined where it is not usable. */
export function readSavedPlayer(data: string): SavedPlayer | undefined {
  const { x, y, score, inputs } = parseObject(data);
  if (!isPlace(x) || !isPlace(y) || !isCount(score) || !isCount(inputs)) return undefined;
  return { x, y, score, inputs };
}

export function readSavedMatch(data: string): SavedMatch | undefined {
  const { tick, orbs } = parseObject(data);
  if (!isCount(tick) || !Array.isArray(orbs)) return undefined;
  const places = orbs.filter(
    (orb): orb is Point =>
      typeof orb === "object" && orb !== null && isPlace((orb as Point).x) && isPlace((orb as Point).y),
  );
  return places.length === orbs.length ? { tick, orbs: places } : undefined;
}

function parseObject(data: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function isPlace(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value <= FIELD;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 32;
}
