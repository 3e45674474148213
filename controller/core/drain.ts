import type { Ack } from "../../protocol/messages";
import { moveSessions } from "./failover";
import { isEmpty, type Ending, type GameServer } from "./game-server";
import type { EndingRecord } from "./kept-endings";
import { releaseAt } from "./sessions";
import { setState } from "./servers";
import { stop } from "./spawn";
import type { CoreState } from "./state";

/** How long before a close that was put off is asked for again, in milliseconds. */
const RETRY_MS = 500;

/** How long a server that was not empty after all is left alone, in milliseconds. */
const CLOSE_AGAIN_MS = 10_000;

/** Lets a server run out: nobody new comes on; it is stopped once it is empty, or once its players were moved off. */
export function beginEnding(s: CoreState, server: GameServer, ending: Ending): void {
  server.ending = ending;
  if (isKept(ending)) s.keepDue = true;
  if (neverUp(s, server)) {
    // One that nobody was asked to start ends within the stop: it is told as an orderly end all the same, not as a failed start.
    if (server.engine === "held") setState(s, server, "draining", ending.reason);
    stop(s, server, ending.reason);
    if (server.endedAtMs === null) setState(s, server, "draining", ending.reason);
    return;
  }
  if (server.state !== "unhealthy") setState(s, server, "draining", ending.reason);
  askClose(s, server, false);
  tellDraining(s, server, ending);
  if (ending.moveAtMs > s.nowMs) s.timers.at(ending.moveAtMs, () => s.ending.add(server));
  s.ending.add(server);
}

/** It is closed already, by an earlier leader; this is what for. */
export function endBy(s: CoreState, server: GameServer, ending: Ending): void {
  server.ending = ending;
  server.reason = ending.reason;
  tellDraining(s, server, ending);
  s.timers.at(ending.moveAtMs, () => s.ending.add(server));
  s.ending.add(server);
}

/** Whether the next leader has to be told of it. */
export function isKept(ending: Ending): ending is Ending & { readonly kind: EndingRecord["kind"] } {
  return (ending.kind === "terminate" || ending.kind === "defragment") && ending.moveAtMs < Infinity;
}

/**
 * The engine has not placed it: nobody can be on it. One that is placed is closed first, ready or not: that it is ready may
 * be on its way, and the next leader would give seats on it before the engine has carried the stop out.
 */
function neverUp(s: CoreState, server: GameServer): boolean {
  return server.state === "starting" && s.deciding && (server.engine === "held" || server.engine === "asked");
}

/** A second, stricter wish: an earlier deadline, or force. */
export function tightenEnding(s: CoreState, server: GameServer, moveAtMs: number, force: boolean): void {
  const { ending } = server;
  if (!ending) return;
  ending.moveAtMs = Math.min(ending.moveAtMs, moveAtMs);
  ending.force ||= force;
  if (isKept(ending)) s.keepDue = true;
  tellDraining(s, server, ending);
  s.timers.at(ending.moveAtMs, () => s.ending.add(server));
  s.ending.add(server);
}

function tellDraining(s: CoreState, server: GameServer, ending: Ending): void {
  const { id: serverId, nodeId, allocationId } = server;
  if (!s.usable(nodeId) || nodeId === null || allocationId === null) return;
  // Without a deadline it may run until it is empty. The wire has no number for never, and older agents need one.
  const open = ending.moveAtMs === Infinity;
  if (open && !s.node(nodeId).can.has("openDraining")) return;
  const deadline = open ? {} : { deadlineMs: ending.moveAtMs };
  const notice = { kind: "draining" as const, ...deadline, reason: ending.reason };
  s.send(nodeId, { kind: "notice", serverId, allocationId, notice }, { kind: "told" });
}

/** Asks the agent to close it for good; only then is it stopped. */
export function askClose(s: CoreState, server: GameServer, onlyIfEmpty: boolean): void {
  const { id: serverId, nodeId, allocationId } = server;
  if (server.closing === "closed") return;
  server.closing = "asked";
  s.reindex(server);
  if (!s.usable(nodeId) || nodeId === null || allocationId === null) return;
  s.send(nodeId, { kind: "close", serverId, allocationId, onlyIfEmpty }, { kind: "close", server });
}

export function onClosed(s: CoreState, server: GameServer, ack: Ack): void {
  if (server.state === "terminated") return;
  // What the agent does not know, or knows to be gone, has no seats that it could give.
  if (
    ack.ok ||
    ack.code === "unknownServer" ||
    ack.code === "gone" ||
    ack.code === "closed" ||
    ack.code === "otherAllocation"
  ) {
    server.closing = "closed";
    if (server.ending) s.ending.add(server);
    s.reindex(server);
    return;
  }
  if (server.ending?.kind === "scaleDown" || server.ending?.kind === "rollout") {
    server.closeAgainMs = s.nowMs + CLOSE_AGAIN_MS;
    reopen(s, server);
    return;
  }
  s.timers.at(s.nowMs + RETRY_MS, () => {
    if (server.closing === "asked" && server.state !== "terminated") askClose(s, server, false);
  });
}

/** Somebody came on before it could be closed: it stays. */
export function reopen(s: CoreState, server: GameServer): void {
  server.closing = "open";
  server.ending = null;
  s.ending.delete(server);
  s.reindex(server);
}

/** Takes a server that is on its way out one step further, where it can go. */
export function advanceEnding(s: CoreState, server: GameServer): void {
  const { ending } = server;
  if (
    !s.deciding ||
    s.holding ||
    !ending ||
    server.endedAtMs !== null ||
    server.stopAskedAtMs !== null ||
    server.state === "unhealthy"
  )
    return;
  if (ending.kind === "scaleDown" || ending.kind === "rollout") {
    if (server.closing === "closed") stopScaledDown(s, server, ending);
    return;
  }
  if (ending.force) {
    moveOff(s, server, ending);
    stop(s, server, ending.reason);
    return;
  }
  const due = s.nowMs >= ending.moveAtMs;
  if (due) moveOff(s, server, ending);
  const nobody = due ? server.seats.size + server.inFlight === 0 : isEmpty(server);
  // A world's players can only go to itself: it stops with them on and they wait for it to be back.
  const world = s.fleet(server.experienceId).config?.kind === "world";
  if (!nobody && !(due && world)) return;
  if (server.closing === "closed") stop(s, server, ending.reason);
}

function moveOff(s: CoreState, server: GameServer, ending: Ending): void {
  if (server.seats.size === 0) return;
  ending.moving = true;
  moveSessions(s, server, ending.reason);
}

function stopScaledDown(s: CoreState, server: GameServer, ending: Ending): void {
  const fleet = s.fleet(server.experienceId);
  setState(s, server, "draining", ending.reason);
  const to = fleet.index.usable;
  if (ending.kind === "scaleDown") s.out.scaling(fleet.id, "down", to + 1, to, ending.reason, { serverId: server.id });
  stop(s, server, ending.reason);
}

/** The server itself asked to be shut down: nobody is moved, as what they played is over. */
export function onOwnWish(s: CoreState, server: GameServer, reason: string): void {
  server.finished = true;
  if (server.ending || server.state === "unhealthy") return;
  const seats = [...server.seats].map(({ id: sessionId, generation }) => ({ sessionId, generation }));
  beginEnding(s, server, { kind: "ownWish", moveAtMs: s.nowMs, force: false, moving: false, reason });
  releaseAt(s, server, seats, reason);
}
