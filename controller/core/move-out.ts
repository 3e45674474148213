import type { RegionDrain } from "../../protocol/messages";
import type { AgentNode } from "./agent-node";
import type { Arrival } from "./arrival";
import { countLeft, recordBegun, recordDrain, recordDrained, recordUndone, recordWay } from "./drain-decisions";
import { isNewer } from "./drain-mark";
import { parties } from "./failover";
import { hasSeat } from "./follow";
import type { GameServer } from "./game-server";
import { leaveOld } from "./grants";
import type { Input } from "./input";
import { problem } from "./outbox";
import { giveUp } from "./placement";
import type { PlayerSession } from "./player-session";
import { bestElsewhere } from "./region-choice";
import type { Placement } from "./resources";
import { endSession } from "./sessions";
import type { CoreState } from "./state";

/**
 * A region that is being drained gives its players to the others, one party or match after the other.
 *
 *     here -- asked of the next best region --> asked -- seats held there --> told, seat given back here
 *      ^                                          |
 *      └────── refused, no answer: later, first elsewhere
 *
 * The seat here is held until the one there is, so whoever dies on the way loses nobody: the next leader asks again, and the
 * other region answers with the seats that it holds already. That the region is being drained its agents keep.
 */

/** So many parties are on the way at once; the next goes when one has arrived, so no region is asked faster than it seats. */
const AT_ONCE = 16;
/** A party that was refused waits so long, doubled each time up to the second number, in milliseconds. */
const AGAIN_MS = 1000;
const AGAIN_MAX_MS = 15_000;
/** Where nobody could be offered to anyone, all are looked at again after so long. */
const LOOK_AGAIN_MS = 2000;
/** An answer later than this is not waited for: longer than the other region looks for seats. */
const ANSWER_MS = 40_000;
/** Saved states that go along with one party or match, in characters: what the other region's API takes. */
const STATES_LIMIT = 700_000;

/** A party or match that another region was asked to take in. */
interface Transfer {
  readonly region: string;
  readonly experienceId: string;
  readonly askedMs: number;
  readonly sessions: readonly { readonly session: PlayerSession; readonly generation: number }[];
}

/** How far the moving out is; a new leader begins it anew. */
export interface MoveOut {
  readonly transfers: Map<number, Transfer>;
  /** Why the players of an experience cannot go anywhere, as it was told. */
  readonly stuck: Map<string, string>;
  /** `EXPERIENCE REGION` of each way that players were offered to go. */
  readonly ways: Set<string>;
  moved: number;
  lookAgainMs: number;
  /** It was told that nobody is left. */
  told: boolean;
}

export function newMoveOut(): MoveOut {
  return { transfers: new Map(), stuck: new Map(), ways: new Set(), moved: 0, lookAgainMs: 0, told: false };
}

/** Begins or ends the drain. */
export function setDrain(s: CoreState, on: boolean, movesAtMs: number): RegionDrain {
  const atMs = s.drain?.epoch === s.epoch ? Math.max(s.nowMs, s.drain.atMs + 1) : s.nowMs;
  const drain = { on, epoch: s.epoch, atMs, movesAtMs };
  takeDrain(s, drain, "asked for");
  return drain;
}

/** An agent remembers what a leader said of it. */
export function learnDrain(s: CoreState, node: AgentNode, told: RegionDrain | undefined): void {
  node.drain = told;
  if (told && isNewer(told, s.drain))
    takeDrain(s, told, `an earlier leader was asked to, as agent ${node.id} keeps it`);
}

function takeDrain(s: CoreState, drain: RegionDrain, why: string): void {
  const was = s.draining;
  s.drain = drain;
  if (was === drain.on) return;
  const { moved } = s.moveOut;
  stopMoving(s);
  if (drain.on) {
    const sessions = countLeft(s);
    s.out.happened("region.draining", "takes no new sessions, and gives its players to other regions", {
      sessions,
      movesAt: s.out.iso(drain.movesAtMs),
    });
    recordBegun(s, why, drain.movesAtMs);
    refuseWaiting(s);
    s.timers.at(drain.movesAtMs, () => advanceMoves(s));
    return;
  }
  s.out.happened("region.undrained", "takes players again; those who were moved stay where they are");
  recordUndone(s, why, moved);
}

/** Also those who came to a leader before it heard that the one before had been asked to drain the region. */
function refuseWaiting(s: CoreState): void {
  for (const fleet of s.fleets.values()) {
    for (const group of fleet.line.all()) {
      if (group.kind === "move") continue;
      fleet.line.remove(group);
      giveUp(s, group, problem("unavailable", `region ${s.settings.region} is being drained`));
    }
  }
}

/** Nothing that was asked of other regions counts any more: seats that they hold go back when their leases end. */
export function stopMoving(s: CoreState): void {
  for (const { sessions } of s.moveOut.transfers.values()) for (const { session } of sessions) session.away = null;
  s.moveOut = newMoveOut();
}

/** Asks other regions to take the next in, as many as may be on the way at once. */
export function advanceMoves(s: CoreState): void {
  const { moveOut, drain } = s;
  if (!drain?.on || !s.deciding || s.nowMs < drain.movesAtMs) return;
  for (const [id, { askedMs, region }] of moveOut.transfers)
    if (s.nowMs >= askedMs + ANSWER_MS) failed(s, id, `region ${region} did not answer`);
  if (moveOut.transfers.size >= AT_ONCE || s.nowMs < moveOut.lookAgainMs) return;
  let left = moveOut.transfers.size > 0;
  for (const [server, sessions] of leaving(s)) {
    left = true;
    if (sessions.every((session) => isReady(s, session))) offer(s, server, sessions);
    if (moveOut.transfers.size >= AT_ONCE) return;
  }
  moveOut.lookAgainMs = s.nowMs + LOOK_AGAIN_MS;
  if (!left && !moveOut.told) {
    s.out.happened("region.drained", "nobody is left who can be moved", { moved: moveOut.moved });
    moveOut.told = true;
    recordDrained(s);
  } else if (left) moveOut.told = false;
}

/** All that are to go, each party or match with the server that it is on, or was: first those that have lost it and find no other here. */
function* leaving(s: CoreState): IterableIterator<readonly [GameServer, readonly PlayerSession[]]> {
  for (const fleet of s.fleets.values()) {
    if (fleet.config?.kind === "world" || fleet.line.movingPlayers === 0) continue;
    for (const { kind, sessions } of fleet.line.all()) {
      const server = sessions[0]?.server;
      if (kind === "move" && server) yield [server, [...sessions]];
    }
  }
  for (const server of s.servers.values()) {
    if (server.seats.size === 0 || !mayLeave(s, server)) continue;
    for (const sessions of parties(s, server)) yield [server, sessions];
  }
}

/** A world's players stay with their world. Of a silent node nobody knows how its players are: they are not moved. */
function mayLeave(s: CoreState, server: GameServer): boolean {
  return s.usable(server.nodeId) && s.fleet(server.experienceId).config?.kind !== "world";
}

function isReady(s: CoreState, session: PlayerSession): boolean {
  const { away, group } = session;
  const settled = hasSeat(session) && group === null;
  const waits = group?.kind === "move" && group.waiting;
  return (settled || waits === true) && (away === null || (away.transferId === null && s.nowMs >= away.againMs));
}

function offer(s: CoreState, server: GameServer, sessions: readonly PlayerSession[]): void {
  const [first] = sessions;
  if (!first) return;
  const { experienceId } = server;
  const refused = first.away?.refused ?? [];
  const wish = {
    experienceId,
    version: first.version,
    mods: first.mods,
    region: undefined,
    latencies: meanLatencies(sessions),
    partySize: sessions.length,
  };
  const others = s.peers.filter(({ region }) => region !== s.settings.region);
  // One that refused is asked again where it is the only one.
  const best =
    bestElsewhere({ ...wish, exclude: refused }, others, s.settings) ?? bestElsewhere(wish, others, s.settings);
  if (!best) return stuck(s, experienceId, `no other region takes players of ${experienceId} now`);
  const transferId = s.nextTransferId++;
  const { region } = best;
  s.moveOut.transfers.set(transferId, {
    region,
    experienceId,
    askedMs: s.nowMs,
    sessions: sessions.map((session) => ({ session, generation: session.generation })),
  });
  for (const session of sessions) {
    session.away = { transferId, againMs: 0, tries: session.away?.tries ?? 0, refused };
    session.moveStartedMs ??= s.nowMs;
  }
  s.out.happened(
    "region.moving",
    `${String(sessions.length)} sessions of ${server.id} to ${region}: ${best.reasons.join("; ")}`,
    {
      transferId,
      toRegion: region,
      serverId: server.id,
      experienceId,
      sessionIds: sessions.map(({ id }) => id),
    },
  );
  recordWay(s, experienceId, region, best.reasons);
  s.out.push({ type: "transfer", transferId, region, arrival: arrivalOf(s, server, first, sessions) });
}

function meanLatencies(sessions: readonly PlayerSession[]): Record<string, number> {
  const sums = new Map<string, { ms: number; count: number }>();
  for (const { latencies } of sessions)
    for (const [region, ms] of Object.entries(latencies)) {
      const sum = sums.get(region) ?? { ms: 0, count: 0 };
      sums.set(region, { ms: sum.ms + ms, count: sum.count + 1 });
    }
  return Object.fromEntries([...sums].map(([region, { ms, count }]) => [region, ms / count]));
}

function arrivalOf(
  s: CoreState,
  server: GameServer,
  { version, mods, matchId }: PlayerSession,
  sessions: readonly PlayerSession[],
): Arrival {
  let states = 0;
  const restoreOf = ({ playerId, restore: kept }: PlayerSession): Arrival["players"][number]["restore"] => {
    const restore = s.saved.get(server.id, playerId) ?? kept ?? undefined;
    states += restore?.data.length ?? 0;
    return states > STATES_LIMIT ? undefined : restore;
  };
  return {
    fromRegion: s.settings.region,
    experienceId: server.experienceId,
    version,
    mods,
    // As they are now: what is told to another region must not change with the server.
    match:
      matchId === null ? undefined : { matchId, labels: { ...server.labels }, annotations: { ...server.annotations } },
    players: sessions.map((session) => ({
      playerId: session.playerId,
      party: session.party,
      latencies: session.latencies,
      connectedAtMs: session.connectedAtMs,
      sessionId: session.id,
      generation: session.generation,
      moves: session.moves,
      restore: restoreOf(session),
    })),
  };
}

/** The other region has answered, or cannot be reached. */
export function onTransferred(s: CoreState, { transferId, result }: Extract<Input, { type: "transferred" }>): void {
  const transfer = s.moveOut.transfers.get(transferId);
  if (!transfer) return;
  if (!result.ok) failed(s, transferId, result.problem.detail);
  else {
    s.moveOut.transfers.delete(transferId);
    arrived(s, transfer, result.value);
  }
  s.moveOut.lookAgainMs = 0;
  advanceMoves(s);
}

function arrived(s: CoreState, { region, experienceId, sessions }: Transfer, placements: readonly Placement[]): void {
  const byPlayer = new Map(placements.map((placement) => [placement.session.playerId, placement]));
  const left = new Map<GameServer, PlayerSession[]>();
  const moved: (readonly [PlayerSession, Placement])[] = [];
  for (const { session, generation } of sessions) {
    session.away = null;
    const placement = byPlayer.get(session.playerId);
    // It has left, or was moved here meanwhile: the seat over there goes back when its lease ends.
    const elsewhere = session.state === "ended" || session.generation !== generation || session.group?.target;
    if (!placement || !session.server || elsewhere) continue;
    left.set(session.server, [...(left.get(session.server) ?? []), session]);
    moved.push([session, placement]);
  }
  for (const [session, placement] of moved) tellMoved(s, session, region, placement);
  for (const [server, gone] of left) leaveOld(s, server, gone);
  for (const [session, { session: there }] of moved)
    endSession(s, session, `moved to region ${region}, where it is session ${there.id}`, { release: false });
  s.moveOut.moved += moved.length;
  if (s.moveOut.stuck.delete(experienceId))
    recordDrain(s, `players of ${experienceId} go again`, [`region ${region} has taken ${String(moved.length)} in`]);
}

function tellMoved(s: CoreState, session: PlayerSession, region: string, placement: Placement): void {
  const { session: there, server } = placement;
  session.elsewhere = placement;
  s.out.session("session.moved", session, `moved to ${server.id} in region ${region}, as ${region} takes its players`, {
    fromServerId: session.server?.id ?? null,
    toServerId: server.id,
    toRegion: region,
    toSessionId: there.id,
    tookMs: s.nowMs - (session.moveStartedMs ?? s.nowMs),
    restoredAgeMs: there.restoredAgeMs,
  });
}

function failed(s: CoreState, transferId: number, reason: string): void {
  const transfer = s.moveOut.transfers.get(transferId);
  if (!transfer) return;
  s.moveOut.transfers.delete(transferId);
  for (const { session } of transfer.sessions) {
    const { tries = 0, refused = [] } = session.away ?? {};
    session.away = {
      transferId: null,
      againMs: s.nowMs + Math.min(AGAIN_MAX_MS, AGAIN_MS * 2 ** Math.min(tries, 10)),
      tries: tries + 1,
      refused: refused.includes(transfer.region) ? [transfer.region] : [...refused, transfer.region],
    };
  }
  stuck(s, transfer.experienceId, `region ${transfer.region} did not take them: ${reason}`);
}

/** Told once, and again when the reason is another. */
function stuck(s: CoreState, experienceId: string, reason: string): void {
  if (s.moveOut.stuck.get(experienceId) === reason) return;
  s.moveOut.stuck.set(experienceId, reason);
  s.out.happened("region.stuck", `players of ${experienceId} stay for now: ${reason}`, { experienceId });
  recordDrain(s, `players of ${experienceId} stay for now`, [reason]);
}
