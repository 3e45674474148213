import { changed } from "../../protocol/count-rules";
import type { Ack } from "../../protocol/messages";
import { LAST_ALLOCATED, type AllocationRequest } from "./allocation";
import { findServer, fleetToGrow, outdated, type Found } from "./find-server";
import { wholeServers } from "./fleet";
import type { GameServer } from "./game-server";
import { correctView, pauseSilent } from "./grants";
import type { Command } from "./input";
import { problem } from "./outbox";
import { whyNotNow } from "./placement";
import { setState } from "./servers";
import type { CoreState, OpenRequest } from "./state";
import { noteUnserved } from "./unserved";
import { serverView } from "./views";
import { noLongerWanted } from "./wanted";

/** An allocation asks so many servers in a row before it says that there is contention. */
const TRIES = 5;
/** So many wait at most for a server to share. */
const MAX_PARKED = 256;
/** What labels and annotations of an allocation may take, in bytes: matchmakers hand the match over in them. */
const META_BYTES = 32 * 1024;

/** One `allocateServer` on its way. */
export interface PendingAllocation {
  readonly requestId: number;
  readonly request: AllocationRequest;
  /** Stands for the claim; new with each server asked, so that a late answer claims nothing for anybody. */
  matchId: string;
  readonly refusedBy: Set<GameServer>;
  tries: number;
}

type Purpose = Extract<OpenRequest["purpose"], { kind: "allocation" }>;

/**
 * Takes a whole server for someone who names no players, as Agones' allocation does: chosen here, claimed at its agent
 * together with its labels, annotations, counters and lists. The claim ends when the server says Ready again, or ends.
 */
export function allocateServer(
  s: CoreState,
  requestId: number,
  { request }: Extract<Command, { type: "allocateServer" }>,
): void {
  const why = whyNotNow(s);
  if (why !== null) return s.out.refuse(requestId, problem("unavailable", why, { retryAfterSecs: 1 }));
  if (s.draining)
    return s.out.refuse(requestId, problem("unavailable", `region ${s.settings.region} is being drained`));
  const bytes = JSON.stringify([request.labels, request.annotations]).length;
  if (bytes > META_BYTES)
    return s.out.refuse(
      requestId,
      problem("invalid", `labels and annotations have ${String(bytes)} bytes; ${String(META_BYTES)} are allowed`),
    );
  attempt(s, { requestId, request, matchId: "", refusedBy: new Set(), tries: 0 });
}

function attempt(s: CoreState, pending: PendingAllocation): void {
  const { requestId, request, refusedBy } = pending;
  const found = pending.tries < TRIES ? findServer(s, request, refusedBy) : undefined;
  if (!found) {
    if (mayShare(s, pending)) return void s.parked.push(pending);
    const contended = pending.tries >= TRIES;
    if (!contended) askForMore(s, request);
    return s.out.refuse(
      requestId,
      contended
        ? problem("conflict", `${String(TRIES)} servers were taken by others while they were asked`, {
            retryAfterSecs: 1,
          })
        : problem("noCapacity", whyNone(s, pending), { retryAfterSecs: 1 }),
    );
  }
  pending.tries++;
  pending.matchId = s.ids("match");
  ask(s, pending, found);
}

/** Refused here and now, it is demand all the same: a fleet at zero starts a server for whoever comes again. */
function askForMore(s: CoreState, request: AllocationRequest): void {
  const fleet = fleetToGrow(s, request);
  if (fleet) noteUnserved(s, fleet, wholeServers(fleet) ? 1 : (fleet.config?.maxPlayers ?? 1));
}

function whyNone(s: CoreState, { request, refusedBy }: PendingAllocation): string {
  const [server, ...more] = outdated(s, request, refusedBy);
  if (!server) return "there is no available GameServer to allocate";
  const others = more.length === 0 ? "" : ` and ${String(more.length)} more`;
  return `${server.id} on ${String(server.nodeId)}${others} would do, but the agent there is of a version that cannot allocate: upgrade the agents`;
}

/** A server that is being claimed right now is neither free nor allocated; a moment later it can be shared. */
function mayShare(s: CoreState, { request, tries }: PendingAllocation): boolean {
  if (tries >= TRIES || s.openClaims === 0 || s.parked.length >= MAX_PARKED) return false;
  return request.selectors.some(({ state }) => state === "Allocated");
}

/** A claim was answered. */
function settled(s: CoreState, { from }: Purpose): void {
  if (from !== "ready") return;
  s.openClaims = Math.max(0, s.openClaims - 1);
  for (const pending of s.parked.splice(0)) attempt(s, pending);
}

function ask(s: CoreState, pending: PendingAllocation, { server, selector }: Found): void {
  const { id: serverId, nodeId, allocationId } = server;
  if (nodeId === null || allocationId === null) return;
  const from = selector.state === "Ready" ? "ready" : "allocated";
  const asked = from === "ready" ? server.maxPlayers : 0;
  if (from === "ready") s.openClaims++;
  // From now on it is nobody else's; what its agent says decides.
  server.inFlight += asked;
  s.reindex(server);
  const { matchId, request } = pending;
  const { labels, change } = request;
  const annotations = { ...request.annotations, [LAST_ALLOCATED]: s.out.iso(s.nowMs) };
  const require = { counters: selector.counters, lists: selector.lists };
  const order = { matchId, from, labels, annotations, require, change } as const;
  // Whoever is looked for next sees the server as it is about to be.
  const expected = changed(server, change);
  server.counters = expected.counters;
  server.lists = expected.lists;
  s.send(
    nodeId,
    { kind: "allocate", serverId, allocationId, order },
    { kind: "allocation", server, pending, from, asked },
  );
}

/** The agent has answered. */
export function onAllocated(s: CoreState, purpose: Purpose, ack: Ack): void {
  const { server, pending, from, asked } = purpose;
  server.inFlight -= asked;
  if (!ack.ok) {
    if (from === "ready") correctView(s, server, ack.code);
    s.reindex(server);
    pending.refusedBy.add(server);
    attempt(s, pending);
    return settled(s, purpose);
  }
  if (ack.counts) {
    server.counters = ack.counts.counters;
    server.lists = ack.counts.lists;
  }
  if (from === "ready") {
    server.matchId = pending.matchId;
    server.doubt = null;
    noLongerWanted(s.fleet(server.experienceId), server);
    if (server.state === "ready" || server.state === "reserved") setState(s, server, "allocated", "by an allocation");
  }
  s.reindex(server);
  s.out.reply(pending.requestId, serverView(s, server));
  settled(s, purpose);
}

/** The answer will never come. The claim may exist, and nobody will be told of it. */
export function onAllocationLost(s: CoreState, purpose: Purpose): void {
  const { server, pending, from, asked } = purpose;
  server.inFlight -= asked;
  if (from === "ready") {
    pauseSilent(s, server);
    if (server.matchId === null) server.doubt = pending.matchId;
  }
  s.reindex(server);
  pending.refusedBy.add(server);
  attempt(s, pending);
  settled(s, purpose);
}
