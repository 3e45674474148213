import type { GameServer } from "./game-server";
import type { Group } from "./group";
import type { Placement, SessionState } from "./resources";

/** A player's stay in one experience. One is alive at a time for a player and experience. */
export interface PlayerSession {
  readonly id: string;
  readonly playerId: string;
  readonly experienceId: string;
  /** Everybody of the party, this player included; empty for one who came alone. */
  readonly party: readonly string[];
  readonly connectedAtMs: number;
  /** As asked: undefined where any will do. */
  readonly version: string | undefined;
  readonly mods: readonly string[];
  latencies: Readonly<Record<string, number>>;
  state: SessionState;
  /** Of the seat it has; 0 before the first. */
  generation: number;
  /** Given to the next grant; more than any that an agent may have journaled. */
  nextGeneration: number;
  /** Where its seat is. While `migrating` off a living server it still is there. */
  server: GameServer | null;
  /** Where it was last, for those who ask after its end. */
  lastServerId: string | null;
  joined: boolean;
  /** The newest ticket until it is used; asked for again where it is not known. */
  ticket: string | null;
  lastActivityMs: number;
  latencyMs: number | null;
  packetLoss: number | null;
  moves: number;
  restoredAgeMs: number | null;
  reason: string;
  matchId: string | null;
  /** Its placement or wait that is under way. */
  group: Group | null;
  /** Saved by the server that was lost, until the next server has it. */
  restore: { readonly data: string; readonly savedAtMs: number } | null;
  moveStartedMs: number | null;
  /** Its way to another region, while this one is being drained: who was asked, and when it is offered again. */
  away: {
    readonly transferId: number | null;
    readonly againMs: number;
    readonly tries: number;
    readonly refused: readonly string[];
  } | null;
  /** Where it went on in another region. */
  elsewhere: Placement | null;
  /** The session in another region that it goes on from. */
  cameFrom: { readonly region: string; readonly sessionId: string } | null;
  endedAtMs: number | null;
  /** Another session of its player, found while rebuilding: see `rival` in rebuild.ts. */
  twin: PlayerSession | null;
  /** Its seat was given back at another leader's word, who alone knows whether it has ended or went on in another region. */
  unsure: boolean;
  /** Whether anyone was told of it, so that its end must be told as well. */
  announced: boolean;
}

export interface NewSession {
  readonly id: string;
  readonly playerId: string;
  readonly experienceId: string;
  readonly party: readonly string[];
  readonly connectedAtMs: number;
  readonly version: string | undefined;
  readonly mods: readonly string[];
  readonly latencies: Readonly<Record<string, number>>;
  readonly matchId: string | null;
}

/** Most come alone and ask for no mods: they share one empty list, of 100,000 that each had two. */
const NONE: readonly string[] = [];

export function newSession(of: NewSession): PlayerSession {
  return {
    id: of.id,
    playerId: of.playerId,
    experienceId: of.experienceId,
    party: of.party.length > 0 ? of.party : NONE,
    connectedAtMs: of.connectedAtMs,
    version: of.version,
    mods: of.mods.length > 0 ? of.mods : NONE,
    latencies: of.latencies,
    state: "queued",
    generation: 0,
    nextGeneration: 1,
    server: null,
    lastServerId: null,
    joined: false,
    ticket: null,
    lastActivityMs: of.connectedAtMs,
    latencyMs: null,
    packetLoss: null,
    moves: 0,
    restoredAgeMs: null,
    reason: "",
    matchId: of.matchId,
    group: null,
    restore: null,
    moveStartedMs: null,
    away: null,
    elsewhere: null,
    cameFrom: null,
    endedAtMs: null,
    twin: null,
    unsure: false,
    announced: false,
  };
}
