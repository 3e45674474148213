/** What server, physics, AI and bots of the arena agree on. Lengths in units, speeds in units a second. */
export const TICK_HZ = 20;
export const TICK_MS = 1000 / TICK_HZ;
export const FIELD = 1000;
export const PLAYER_SPEED = 220;
export const NPC_SPEED = 90;
/** Two circles touch when their centres are this near. */
export const REACH = 22;
export const ORBS = 16;
export const NPCS = 4;
/** What a player gets for an orb picked up, and for an NPC caught. */
export const ORB_POINTS = 1;
export const NPC_POINTS = 5;

export type EntityKind = "player" | "npc" | "orb";

/** Entity numbers: what an entity is can be told from its number alone, so no message has to say it. */
export const FIRST_NPC = 1000;
export const FIRST_ORB = 2000;

export function kindOf(entity: number): EntityKind {
  if (entity >= FIRST_ORB) return "orb";
  return entity >= FIRST_NPC ? "npc" : "player";
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A direction of at most length 1. */
export function direction(dx: number, dy: number): { dx: number; dy: number } {
  const length = Math.hypot(dx, dy);
  return length > 1 ? { dx: dx / length, dy: dy / length } : { dx, dy };
}
