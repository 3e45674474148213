import { FIELD, kindOf, NPC_SPEED, PLAYER_SPEED, REACH, TICK_HZ } from "../rules";

/** One tick's work, as the arena's server asks for it. Rows are flat to keep lines short. */
export interface StepRequest {
  /** Tick number, given back with the answer. */
  readonly t: number;
  /** Entity, x, y: put there, whether new or not. */
  readonly put?: readonly number[];
  /** Entities to take off. */
  readonly off?: readonly number[];
  /** Entity, dx, dy: new directions, kept until changed. */
  readonly go?: readonly number[];
}

export interface StepAnswer {
  readonly t: number;
  /** Entity, x, y of each that moved, in whole units. */
  readonly at: readonly number[];
  /** Player, other entity: pairs that touch now. */
  readonly hit: readonly number[];
}

interface Body {
  x: number;
  y: number;
  dx: number;
  dy: number;
}

/** Moves circles over a square field. Knows positions and directions, nothing of scores or people. */
export class Simulation {
  private readonly bodies = new Map<number, Body>();

  /** One tick: applies what was asked, moves everything, finds what touches. */
  step(request: StepRequest): StepAnswer {
    const { put = [], off = [], go = [] } = request;
    const at: number[] = [];
    for (let i = 0; i + 2 < put.length; i += 3) {
      const [entity = 0, x = 0, y = 0] = put.slice(i, i + 3);
      this.bodies.set(entity, { x: within(x), y: within(y), dx: 0, dy: 0 });
      if (kindOf(entity) === "orb") at.push(entity, Math.round(within(x)), Math.round(within(y)));
    }
    for (const entity of off) this.bodies.delete(entity);
    for (let i = 0; i + 2 < go.length; i += 3) {
      const body = this.bodies.get(go[i] ?? -1);
      if (body) [body.dx, body.dy] = [go[i + 1] ?? 0, go[i + 2] ?? 0];
    }
    this.move(at, put);
    return { t: request.t, at, hit: this.touching() };
  }

  get size(): number {
    return this.bodies.size;
  }

  private move(at: number[], put: readonly number[]): void {
    const placed = new Set(put.filter((_, index) => index % 3 === 0));
    for (const [entity, body] of this.bodies) {
      const kind = kindOf(entity);
      if (kind === "orb") continue;
      const reach = (kind === "npc" ? NPC_SPEED : PLAYER_SPEED) / TICK_HZ;
      const x = within(body.x + body.dx * reach);
      const y = within(body.y + body.dy * reach);
      const moved = Math.round(x) !== Math.round(body.x) || Math.round(y) !== Math.round(body.y);
      body.x = x;
      body.y = y;
      if (moved || placed.has(entity)) at.push(entity, Math.round(x), Math.round(y));
    }
  }

  private touching(): number[] {
    const hit: number[] = [];
    for (const [player, a] of this.bodies) {
      if (kindOf(player) !== "player") continue;
      for (const [other, b] of this.bodies) {
        if (kindOf(other) === "player") continue;
        const x = a.x - b.x;
        const y = a.y - b.y;
        if (x * x + y * y <= REACH * REACH) hit.push(player, other);
      }
    }
    return hit;
  }
}

function within(value: number): number {
  return value < 0 ? 0 : value > FIELD ? FIELD : value;
}

/** Reads a request off the wire; undefined where it is none. */
export function readStepRequest(value: unknown): StepRequest | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { t, put, off, go } = value as Record<string, unknown>;
  if (!Number.isSafeInteger(t) || !isRow(put) || !isRow(off) || !isRow(go)) return undefined;
  return { t: t as number, put: put ?? [], off: off ?? [], go: go ?? [] };
}

/** Reads an answer off the wire; undefined where it is none. */
export function readStepAnswer(value: unknown): StepAnswer | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { t, at, hit } = value as Record<string, unknown>;
  if (!Number.isSafeInteger(t) || !isRow(at) || !isRow(hit)) return undefined;
  return { t: t as number, at: at ?? [], hit: hit ?? [] };
}

function isRow(value: unknown): value is number[] | undefined {
  return (
    value === undefined ||
    (Array.isArray(value) && value.every((entry) => typeof entry === "number" && Number.isFinite(entry)))
  );
}
