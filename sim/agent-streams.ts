import { agentCodec, agentGateCodec, controllerCodec, gateCodec } from "../protocol/codec";
import type { Channel } from "../protocol/channel";
import type { FromGate, ToGate } from "../protocol/gate-messages";
import type { FromAgent, FromController, Request } from "../protocol/messages";
import type { NodeSurroundings, VirtualNode } from "./node";
import type { Process } from "./process";
import { connectStream } from "./stream";

/** A stream from a node's gate to its agent; whom the agent lets in is told around. The gate's end comes first. */
export function streamToGate(
  node: VirtualNode,
  gate: Process,
  agent: Process,
  { network, onAdmission }: Pick<NodeSurroundings, "network" | "onAdmission">,
): readonly [Channel<FromGate, ToGate>, Channel<ToGate, FromGate>] {
  const joins = new Map<number, { readonly serverId: string; readonly ticket: string }>();
  return connectStream(
    network,
    {
      process: gate,
      codec: gateCodec,
      tap: (message) => {
        if (message.type !== "call" || message.path !== "/v1/players/join") return;
        joins.set(message.id, { serverId: message.serverId, ticket: (message.body as { ticket: string }).ticket });
      },
    },
    {
      process: agent,
      codec: agentGateCodec,
      tap: (message) => {
        if (message.type !== "answer") return;
        const join = joins.get(message.id);
        joins.delete(message.id);
        if (join && message.status === 200) onAdmission(node, join.serverId, join.ticket);
      },
    },
  );
}

/** A stream from a node's agent to a controller; what both say is told around. The agent's end comes first. */
export function streamToController(
  node: VirtualNode,
  agent: Process,
  controller: Process,
  { network, onSaid, onAck, onRequest }: Pick<NodeSurroundings, "network" | "onSaid" | "onAck" | "onRequest">,
): readonly [Channel<FromAgent, FromController>, Channel<FromController, FromAgent>] {
  const requests = new Map<number, Request>();
  let acked = -1;
  return connectStream(
    network,
    {
      process: agent,
      codec: agentCodec,
      tap: (message) => {
        onSaid(node, message);
        const request = message.type === "ack" ? requests.get(message.id) : undefined;
        if (!request || message.type !== "ack") return;
        if (request.body.kind === "epoch" && message.ok) acked = request.epoch;
        onAck(node, request, message);
      },
      twist: (line) => node.lie?.(line) ?? line,
    },
    {
      process: controller,
      codec: controllerCodec,
      tap: (message) => {
        if (message.type !== "request") return;
        requests.set(message.id, message);
        onRequest(node, message, acked);
      },
      heard: ({ type }) => node.heard(controller, type === "hello"),
    },
  );
}
