import type { Hello } from "../../protocol/messages";
import { PROTOCOL_VERSION } from "../../protocol/versions";
import { backWithNode } from "./agent-events";
import type { AgentNode } from "./agent-node";
import { askClose, reopen } from "./drain";
import { giveUpSilent, sendExpect } from "./engine-events";
import type { GameServer } from "./game-server";
import { tellDrain } from "./drain-mark";
import { takeUpEnding } from "./kept-endings";
import { takeUpIsolation } from "./kept-nodes";
import { payOwed } from "./owed";
import { setState } from "./servers";
import type { CoreState } from "./state";

/** What was agreed on over the last connection holds no longer. */
export function dropConnection(s: CoreState, node: AgentNode): void {
  node.snapshotSeen = false;
  node.epochAcked = -1;
  for (const server of node.servers) s.reindex(server);
}

/** An agent has (re)connected: nothing is asked of it before it acknowledges the epoch and has told its seats. */
export function onHello(s: CoreState, node: AgentNode, hello: Hello): void {
  node.connected = true;
  node.silentSinceMs = null;
  node.down = false;
  for (const server of node.servers) backWithNode(server);
  node.bootId = hello.bootId;
  node.protocol = Math.min(PROTOCOL_VERSION, hello.protocol.newest);
  node.facts = hello.node;
  takeUpIsolation(s, node);
  node.can = new Set(hello.can);
  s.out.happened("node.connected", `agent ${hello.agentVersion} on ${hello.node.address}`, {
    nodeId: node.id,
    limits: hello.node.limits,
  });
  if (!s.leader) return;
  if (hello.epoch > s.epoch) s.outranked = hello.epoch;
  else sendEpoch(s, node);
}

export function sendEpoch(s: CoreState, node: AgentNode): void {
  s.send(node.id, { kind: "epoch" }, { kind: "epoch", epoch: s.epoch });
}

/** Silence is not death: its servers give no seats for now, and nobody is moved. */
export function onSilent(s: CoreState, node: AgentNode, reason: string, heardMs: number): void {
  const was = node.connected;
  if (was) node.silentSinceMs = heardMs;
  node.connected = false;
  node.snapshotSeen = false;
  node.epochAcked = -1;
  if (was) s.out.happened("node.suspect", reason, { nodeId: node.id });
  for (const server of node.servers) suspect(s, server, reason);
  if (node.lost !== null) giveUpSilent(s, node, `${node.lost}; its agent is silent as well`);
}

function suspect(s: CoreState, server: GameServer, reason: string): void {
  const { state } = server;
  // One that nobody has heard of since a new leader came may be up and full of players.
  const unheard = state === "starting" && server.engine !== "held" && server.engine !== "asked";
  if (unheard || state === "ready" || state === "reserved" || state === "allocated" || state === "draining") {
    setState(s, server, "suspect", `its node is silent: ${reason}`);
  } else s.reindex(server);
}

/** Marks servers of nodes that have not come back; for a new leader whose patience has ended. */
export function suspectUnseen(s: CoreState): void {
  for (const node of s.nodes.values()) {
    if (node.snapshotSeen) continue;
    for (const server of node.servers) suspect(s, server, "its agent has not connected");
  }
}

/** The agent takes our requests from now on: it hears what was owed to it, and its servers take players. */
export function nodeReady(s: CoreState, node: AgentNode): void {
  if (!s.usable(node.id)) return;
  payOwed(s, node);
  tellDrain(s, node);
  for (const server of node.servers) {
    sendExpect(s, server);
    takeUpEnding(s, server);
    if (server.closing === "asked") {
      if (server.ending?.kind === "scaleDown" || server.ending?.kind === "rollout") reopen(s, server);
      else askClose(s, server, false);
    } else if (server.ending && server.closing === "open") askClose(s, server, false);
    s.reindex(server);
  }
}
