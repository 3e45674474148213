import type { CoreProblem } from "./decision";
import type { GameServer } from "./game-server";
import type { PlayerSession } from "./player-session";
import type { ServerSelector } from "./resources";

/**
 * Players who are placed together or not at all: one player, a party, a match, or the seats of a party that lost its
 * server. It is either being granted (`target` is set) or waiting in its fleet's queue.
 *
 *     join    asked for by createSession          move     its server is ending or lost
 *     match   claims a whole server               route    to one server that the caller named
 *     refresh has its seats; wants fresh tickets
 */
export interface Group {
  readonly kind: "join" | "move" | "match" | "route" | "refresh";
  readonly experienceId: string;
  readonly sessions: PlayerSession[];
  /** The version asked for; undefined takes the fleet's current one. */
  readonly version: string | undefined;
  readonly mods: readonly string[];
  /** The version that its lost server ran: good enough where none was asked for and the current one has no room. */
  readonly lastVersion: string | null;
  /** In order of preference, for a group that claims a whole server; empty takes any. */
  readonly selectors: readonly ServerSelector[];
  /** It takes a whole server. One that does not may still be put into a match that wants more players. */
  readonly whole: boolean;
  /** Its match: its own, or while it is asked for, that which it would be put into. */
  matchId: string | null;
  readonly sinceMs: number;
  /** From then on it is told that there is no place. */
  deadlineMs: number;
  /** Its ticket in the queue; set when it first waits. */
  ticket: string | null;
  /** Its place in line, kept when a grant fails and it goes back. */
  order: number;
  waiting: boolean;
  target: GameServer | null;
  tries: number;
  reason: string;
  /** Why it is not looked at although there may be room (too far away); null where it is. */
  hindrance: string | null;
  /** A server that would be started now could take it; otherwise its wait is no reason to start one. */
  growable: boolean;
  /** Players who were placed before it although they came later. */
  overtaken: number;
  /** The server whose free seats are kept until it fits. */
  kept: GameServer | null;
  readonly waiters: Waiter[];
  /** Why it ended without a place; null while it waits and once it is placed. */
  failed: CoreProblem | null;
  /** Told to the claimed server. */
  readonly labels: Readonly<Record<string, string>> | undefined;
  readonly annotations: Readonly<Record<string, string>> | undefined;
}

/** A command that waits for the group's outcome. */
export interface Waiter {
  readonly requestId: number;
  readonly answer: "createSession" | "waitQueue" | "routePlayers" | "allocateMatch" | "followSession" | "takeIn";
  /** Whose placement it wants. */
  readonly session: PlayerSession | null;
  readonly untilMs: number;
  readonly existing: boolean;
}

export interface NewGroup {
  readonly kind: Group["kind"];
  readonly experienceId: string;
  readonly sessions: PlayerSession[];
  readonly version?: string | undefined;
  readonly mods?: readonly string[];
  readonly lastVersion?: string | null;
  readonly selectors?: readonly ServerSelector[] | undefined;
  readonly matchId?: string | null;
  readonly sinceMs: number;
  readonly deadlineMs: number;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

export function newGroup(of: NewGroup): Group {
  return {
    kind: of.kind,
    experienceId: of.experienceId,
    sessions: of.sessions,
    version: of.version,
    mods: of.mods ?? [],
    lastVersion: of.lastVersion ?? null,
    selectors: of.selectors ?? [],
    whole: (of.matchId ?? null) !== null,
    matchId: of.matchId ?? null,
    sinceMs: of.sinceMs,
    deadlineMs: of.deadlineMs,
    ticket: null,
    order: -1,
    waiting: false,
    target: null,
    tries: 0,
    reason: "",
    hindrance: null,
    growable: true,
    overtaken: 0,
    kept: null,
    waiters: [],
    failed: null,
    labels: of.labels,
    annotations: of.annotations,
  };
}
