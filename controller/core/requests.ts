import type { Ack } from "../../protocol/messages";
import type { AgentNode } from "./agent-node";
import { onAllocated, onAllocationLost } from "./allocate-server";
import { nodeReady, sendEpoch } from "./connection";
import { settleDoubt } from "./doubt";
import { onClosed } from "./drain";
import { onDrainKept } from "./drain-mark";
import { sendExpect } from "./engine-events";
import { onLateSeats, onSeats, onSeatsLost } from "./grants";
import { forget, takeOwed, oweAgain, release } from "./owed";
import { onReached } from "./reach";
import type { CoreState, OpenRequest } from "./state";

/** A request without an answer for so long is given up, in milliseconds. */
const ANSWER_MS = 5000;
/** Requests that are in the agent's order and need no second one; they are owed again if the connection breaks. */
const PATIENT: ReadonlySet<string> = new Set(["late", "release", "forget"]);
const PATIENCE_MS = 120_000;
/** How long before an `expect` that was put off is sent again, in milliseconds. */
const EXPECT_AGAIN_MS = 300;
/** The same of an epoch that the agent could not journal. */
const EPOCH_AGAIN_MS = 1000;
/** The same of a seat that could not be given back, or a server that could not be forgotten. */
const OWED_AGAIN_MS = 1000;

/** Of a request that is over. */
const OVER: OpenRequest["purpose"] = { kind: "told" };

/** An agent has answered. Answers to what was given up already are none of ours: their seats were released. */
export function onAck(s: CoreState, node: AgentNode, ack: Ack): void {
  const request = s.requests.get(ack.id);
  if (!request || request.nodeId !== node.id) return;
  if (!ack.ok && ack.code === "staleEpoch") {
    // Left among the open requests: stepping down answers whoever waits for it.
    s.outranked = ack.epoch;
    return;
  }
  s.requests.delete(ack.id);
  const { purpose } = request;
  // Old tables of the Map may hold the request for long (`under-way.ts`): not what it was for as well.
  request.purpose = OVER;
  switch (purpose.kind) {
    case "epoch":
      if (purpose.epoch !== s.epoch) return;
      if (ack.ok) {
        node.epochAcked = s.epoch;
        nodeReady(s, node);
      } else s.timers.at(s.nowMs + EPOCH_AGAIN_MS, () => askEpochAgain(s, node, purpose.epoch));
      return;
    case "expect":
      if (ack.ok) return;
      purpose.server.expected = false;
      if (ack.code === "replaying" || ack.code === "journal")
        s.timers.at(s.nowMs + EXPECT_AGAIN_MS, () => sendExpect(s, purpose.server));
      return;
    case "seats":
      onSeats(s, purpose, ack);
      if (ack.ok && purpose.server.doubt !== null) settleDoubt(s, purpose.server, purpose.group.matchId);
      return;
    case "allocation":
      onAllocated(s, purpose, ack);
      if (ack.ok && purpose.server.doubt !== null) settleDoubt(s, purpose.server, purpose.pending.matchId);
      return;
    case "late":
      onLateSeats(s, purpose.server, ack);
      return settleDoubt(s, purpose.server, ack.ok ? purpose.server.doubt : null);
    case "close":
      return onClosed(s, purpose.server, ack);
    case "drain":
      return onDrainKept(s, node, purpose, ack);
    case "release":
    case "forget":
      // On a full disk an agent gives no seat back either: it has to hear of it again, or a player who is gone keeps it.
      if (ack.ok || (ack.code !== "journal" && ack.code !== "replaying")) return;
      // Kept with what is owed meanwhile: a leader that falls looks there for what it has not given back for sure.
      oweAgain(node, purpose);
      return s.timers.at(s.nowMs + OWED_AGAIN_MS, () => sayAgain(s, node, purpose));
    case "reach":
      return onReached(s, purpose, ack);
    case "told":
      return;
  }
}

function sayAgain(
  s: CoreState,
  node: AgentNode,
  purpose: Extract<OpenRequest["purpose"], { kind: "release" | "forget" }>,
): void {
  if (!s.usable(node.id) || !takeOwed(node, purpose)) return;
  if (purpose.kind === "release") release(s, node, purpose.owed);
  else forget(s, node, purpose.owed);
}

/** Its journal could not take the epoch, as on a disk that was full: until it can, nothing else can be asked of it. */
function askEpochAgain(s: CoreState, node: AgentNode, epoch: number): void {
  if (s.leader && s.epoch === epoch && node.connected && node.epochAcked !== epoch) sendEpoch(s, node);
}

function lost(s: CoreState, request: OpenRequest, reason: string): void {
  const { purpose } = request;
  if (purpose.kind === "seats") onSeatsLost(s, purpose, reason);
  else if (purpose.kind === "allocation") onAllocationLost(s, purpose);
  else if (purpose.kind === "drain") onDrainKept(s, s.node(request.nodeId), purpose, undefined);
  else if (purpose.kind === "expect") purpose.server.expected = false;
  else if (purpose.kind === "reach") onReached(s, purpose, undefined);
  else if (purpose.kind === "release" || purpose.kind === "forget") oweAgain(s.node(request.nodeId), purpose);
}

/** Nothing that was asked of this node will be answered any more. */
export function loseRequests(s: CoreState, nodeId: string, reason: string): void {
  for (const request of [...s.requests.values()]) {
    if (request.nodeId !== nodeId) continue;
    s.requests.delete(request.id);
    lost(s, request, reason);
  }
}

/** Gives up what has waited too long for an answer. */
export function loseOverdue(s: CoreState): void {
  for (const request of s.requests.values()) {
    const waitedMs = s.nowMs - request.sentAtMs;
    // They come in the order they were sent, but for what is only waited for because its answer may matter.
    if (waitedMs < ANSWER_MS) return;
    if (PATIENT.has(request.purpose.kind) && waitedMs < PATIENCE_MS) continue;
    s.requests.delete(request.id);
    giveUpOn(s, request);
  }
}

function giveUpOn(s: CoreState, request: OpenRequest): void {
  const { purpose, nodeId } = request;
  const reason = `no answer within ${String(ANSWER_MS / 1000)} s`;
  switch (purpose.kind) {
    case "late":
      return settleDoubt(s, purpose.server, null);
    case "seats":
      s.requests.set(request.id, { ...request, purpose: { kind: "late", server: purpose.server } });
      return onSeatsLost(s, purpose, reason);
    case "allocation":
      s.requests.set(request.id, { ...request, purpose: { kind: "late", server: purpose.server } });
      return onAllocationLost(s, purpose);
    case "expect":
      purpose.server.expected = false;
      return sendExpect(s, purpose.server);
    case "close":
      return onClosed(s, purpose.server, {
        type: "ack",
        id: request.id,
        ok: false,
        epoch: s.epoch,
        code: "replaying",
        detail: reason,
      });
    case "drain":
      return onDrainKept(s, s.node(nodeId), purpose, undefined);
    case "reach":
      return onReached(s, purpose, undefined);
    case "epoch":
      return s.send(nodeId, { kind: "epoch" }, { kind: "epoch", epoch: s.epoch });
    case "release":
    case "forget":
    case "told":
      return;
  }
}
