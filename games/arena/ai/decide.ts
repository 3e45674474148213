import { direction, FIELD } from "../rules";

/** What an arena asks: entity, x, y of its NPCs and players, in flat rows. */
export interface Question {
  readonly npcs: readonly number[];
  readonly players: readonly number[];
}

/** Entity, dx, dy for each NPC. */
export interface Orders {
  readonly go: readonly number[];
}

/** How near a player must be to be run from. */
const FRIGHT = 220;

/**
 * NPCs run from the nearest player who is near, keep off the walls, and otherwise stroll.
 * @param random 0 up to but not including 1
 */
export function decide(question: Question, random: () => number): Orders {
  const go: number[] = [];
  for (let i = 0; i + 2 < question.npcs.length; i += 3) {
    const [npc = 0, x = 0, y = 0] = question.npcs.slice(i, i + 3);
    const { dx, dy } = away(x, y, question.players) ?? stroll(random);
    const inwards = direction(dx + wall(x), dy + wall(y));
    go.push(npc, two(inwards.dx), two(inwards.dy));
  }
  return { go };
}

/** Reads a question off the wire; undefined where it is none. */
export function readQuestion(value: unknown): Question | undefined {
  const { npcs, players } = fields(value);
  return isRow(npcs) && isRow(players) ? { npcs, players } : undefined;
}

/** Reads orders off the wire; undefined where they are none. */
export function readOrders(value: unknown): Orders | undefined {
  const { go } = fields(value);
  return isRow(go) ? { go } : undefined;
}

function away(x: number, y: number, players: readonly number[]): { dx: number; dy: number } | undefined {
  let nearest = FRIGHT;
  let from: { dx: number; dy: number } | undefined;
  for (let i = 0; i + 2 < players.length; i += 3) {
    const [, px = 0, py = 0] = players.slice(i, i + 3);
    const distance = Math.hypot(x - px, y - py);
    if (distance >= nearest) continue;
    nearest = distance;
    from = distance === 0 ? { dx: 1, dy: 0 } : { dx: (x - px) / distance, dy: (y - py) / distance };
  }
  return from;
}

function stroll(random: () => number): { dx: number; dy: number } {
  const angle = random() * 2 * Math.PI;
  return { dx: Math.cos(angle) / 2, dy: Math.sin(angle) / 2 };
}

/** A push away from a wall that is near. */
function wall(value: number): number {
  if (value < FIELD * 0.08) return 1.5;
  return value > FIELD * 0.92 ? -1.5 : 0;
}

function two(value: number): number {
  return Math.round(value * 100) / 100;
}

function fields(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function isRow(value: unknown): value is number[] {
  return (
    Array.isArray(value) &&
    value.length <= 3000 &&
    value.every((entry) => typeof entry === "number" && Number.isFinite(entry))
  );
}
