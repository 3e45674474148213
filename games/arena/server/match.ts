import type { StepAnswer, StepRequest } from "../physics/simulation";
import {
  direction,
  FIELD,
  FIRST_NPC,
  FIRST_ORB,
  kindOf,
  NPC_POINTS,
  NPCS,
  ORB_POINTS,
  ORBS,
  type Point,
} from "../rules";
import type { State } from "../wire";
import type { SavedMatch, SavedPlayer } from "./saved";

interface Figure {
  readonly playerId: string;
  score: number;
  inputs: number;
}

/**
 * One arena's match: who plays, who has how many points, where everything is. Positions come from the physics; this
 * decides what they mean. Each tick: `nextStep` goes to the physics, its answer to `apply`, the result to everybody.
 */
export class Match {
  private readonly figures = new Map<number, Figure>();
  private readonly places = new Map<number, Point>();
  private readonly put = new Map<number, Point>();
  private readonly off = new Set<number>();
  private readonly go = new Map<number, { dx: number; dy: number }>();
  private readonly scored = new Set<number>();
  private gone: number[] = [];
  private tick: number;
  private hasNpcs = false;

  /** @param random 0 up to but not including 1 */
  constructor(
    private readonly random: () => number,
    saved?: SavedMatch,
  ) {
    this.tick = saved?.tick ?? 0;
    for (let i = 0; i < ORBS; i++) this.place(FIRST_ORB + i, saved?.orbs[i] ?? this.somewhere());
  }

  get players(): number {
    return this.figures.size;
  }

  /** Puts a player in, with the state from another server where there is one. Returns the figure's number. */
  enter(playerId: string, saved?: SavedPlayer): number {
    let entity = 1;
    // A number just given up is still to be told as gone: another player must not have it in the same tick.
    while (this.figures.has(entity) || this.off.has(entity) || this.gone.includes(entity)) entity++;
    this.figures.set(entity, { playerId, score: saved?.score ?? 0, inputs: saved?.inputs ?? 0 });
    this.place(entity, saved ?? this.somewhere());
    this.scored.add(entity);
    return entity;
  }

  leave(entity: number): void {
    if (this.figures.delete(entity)) this.remove(entity);
  }

  /** One input of a player: where to run from now on. */
  steer(entity: number, dx: number, dy: number): void {
    const figure = this.figures.get(entity);
    if (figure === undefined) return;
    figure.inputs++;
    this.go.set(entity, direction(dx, dy));
  }

  /** NPCs come and go with the AI that leads them. */
  setNpcs(present: boolean): void {
    if (present === this.hasNpcs) return;
    this.hasNpcs = present;
    for (let npc = FIRST_NPC; npc < FIRST_NPC + NPCS; npc++) {
      if (present) this.place(npc, this.somewhere());
      else this.remove(npc);
    }
  }

  steerNpc(entity: number, dx: number, dy: number): void {
    if (this.hasNpcs && kindOf(entity) === "npc" && this.places.has(entity)) this.go.set(entity, direction(dx, dy));
  }

  /** What the physics is to do in the next tick; takes it out, so that each thing is asked once. */
  nextStep(): StepRequest {
    this.tick++;
    const step: { t: number; put?: number[]; off?: number[]; go?: number[] } = { t: this.tick };
    if (this.put.size > 0) step.put = [...this.put].flatMap(([entity, { x, y }]) => [entity, x, y]);
    if (this.off.size > 0) step.off = [...this.off];
    if (this.go.size > 0) step.go = [...this.go].flatMap(([entity, { dx, dy }]) => [entity, round(dx), round(dy)]);
    this.put.clear();
    this.off.clear();
    this.go.clear();
    return step;
  }

  /** Takes the physics' answer: new places and points. Gives what changed. */
  apply(answer: StepAnswer): State {
    const moved: number[] = [];
    for (let i = 0; i + 2 < answer.at.length; i += 3) {
      const [entity = 0, x = 0, y = 0] = [answer.at[i], answer.at[i + 1], answer.at[i + 2]];
      // It may have left while the physics was at work, or been put elsewhere, which the next answer tells.
      if (!this.places.has(entity) || this.put.has(entity)) continue;
      this.places.set(entity, { x, y });
      moved.push(entity, x, y);
    }
    this.score(answer.hit);
    const scores = [...this.scored].flatMap((entity) => [entity, this.figures.get(entity)?.score ?? 0]);
    const state = { full: false, tick: this.tick, moved, scores, gone: this.gone };
    this.scored.clear();
    this.gone = [];
    return state;
  }

  /** Everything there is, for one who comes in. */
  whole(): State {
    const moved = [...this.places].flatMap(([entity, { x, y }]) => [entity, Math.round(x), Math.round(y)]);
    const scores = [...this.figures].flatMap(([entity, { score }]) => [entity, score]);
    return { full: true, tick: this.tick, moved, scores, gone: [] };
  }

  savedPlayer(entity: number): SavedPlayer | undefined {
    const figure = this.figures.get(entity);
    const at = this.places.get(entity);
    if (figure === undefined || at === undefined) return undefined;
    return { x: Math.round(at.x), y: Math.round(at.y), score: figure.score, inputs: figure.inputs };
  }

  saved(): SavedMatch {
    const orbs = Array.from({ length: ORBS }, (_, i) => this.places.get(FIRST_ORB + i) ?? { x: 0, y: 0 });
    return { tick: this.tick, orbs: orbs.map(({ x, y }) => ({ x: Math.round(x), y: Math.round(y) })) };
  }

  /** Where players and NPCs are, for the AI. */
  positions(): { readonly npcs: number[]; readonly players: number[] } {
    const rows = { npcs: [] as number[], players: [] as number[] };
    for (const [entity, { x, y }] of this.places) {
      const kind = kindOf(entity);
      if (kind === "npc") rows.npcs.push(entity, x, y);
      else if (kind === "player") rows.players.push(entity, x, y);
    }
    return rows;
  }

  /** The first who touches an orb or NPC has it; it comes back somewhere else. */
  private score(hit: readonly number[]): void {
    for (let i = 0; i + 1 < hit.length; i += 2) {
      const [player = 0, other = 0] = [hit[i], hit[i + 1]];
      const figure = this.figures.get(player);
      if (figure === undefined || this.put.has(other) || !this.places.has(other)) continue;
      figure.score += kindOf(other) === "npc" ? NPC_POINTS : ORB_POINTS;
      this.scored.add(player);
      this.place(other, this.somewhere());
    }
  }

  private place(entity: number, { x, y }: Point): void {
    this.places.set(entity, { x, y });
    this.put.set(entity, { x, y });
    this.off.delete(entity);
  }

  private remove(entity: number): void {
    this.places.delete(entity);
    this.put.delete(entity);
    this.go.delete(entity);
    this.scored.delete(entity);
    this.off.add(entity);
    this.gone.push(entity);
  }

  private somewhere(): Point {
    return { x: Math.floor(this.random() * FIELD), y: Math.floor(this.random() * FIELD) };
  }
}

/** Two decimals of a direction are finer than anybody steers. */
function round(value: number): number {
  return Math.round(value * 100) / 100;
}
