import type { NomadAllocation, NomadNode } from "../../../clients/nomad-answers";
import type { EngineEvent } from "../../engine";

const META = /^meta\.(.+)$/;
/** The gate listens there for its server on loopback; players never see it. */
const SDK_PORT = "sdk";

/** `disconnected`: it runs jobs that may go on while it is out of reach. */
const DOWN = new Set(["down", "disconnected"]);

type KnownNode = NomadNode & { readonly detailed: boolean; readonly down: boolean };
type NodeEvent = Extract<EngineEvent, { type: "nodeDown" | "nodeUp" }>;

/** The nodes as Nomad last told of them, and what players are told as their address. */
export class Nodes {
  private readonly nodes = new Map<string, KnownNode>();

  /** @param publicAddress `auto`, `meta.KEY` or a literal */
  constructor(private readonly publicAddress: string) {}

  /** Whether a node has to be asked for before `addressOf` can say anything of it. */
  lacks(nodeId: string): boolean {
    return META.test(this.publicAddress) && this.nodes.get(nodeId)?.detailed !== true;
  }

  /** @param detailed it was told with its meta */
  know(node: NomadNode, detailed: boolean): NodeEvent | undefined {
    const before = this.nodes.get(node.id);
    if (before !== undefined && node.modifyIndex < before.modifyIndex) return undefined;
    const meta = detailed || before === undefined ? node.meta : before.meta;
    const was = before?.down === true;
    // On its way back a node is "initializing" first.
    const down = DOWN.has(node.status) || (was && node.status !== "ready");
    const known = { ...node, meta, detailed: detailed || before?.detailed === true, down };
    this.nodes.set(node.id, known);
    if (down === was) return undefined;
    return down ? downEvent(known) : { type: "nodeUp", nodeId: node.id };
  }

  /** All that are down or out of reach now. */
  down(): NodeEvent[] {
    return [...this.nodes.values()].filter(({ down }) => down).map(downEvent);
  }

  /** Where players find a server of this allocation. */
  addressOf({ nodeId, ports }: NomadAllocation): string {
    const node = this.nodes.get(nodeId);
    const key = META.exec(this.publicAddress)?.[1];
    const given = key === undefined ? undefined : node?.meta[key];
    if (key === undefined && this.publicAddress !== "auto") return this.publicAddress;
    if (given !== undefined && given !== "") return given;
    const port = ports.find(({ label }) => label !== SDK_PORT) ?? ports[0];
    return port?.hostIp || node?.address || "";
  }
}

function downEvent({ id, name, status, description }: NomadNode): NodeEvent {
  const how = status === "disconnected" ? "Nomad cannot reach it" : "Nomad says it is down";
  // A Nomad client that has died or lost its servers says nothing about the tasks on its node.
  return {
    type: "nodeDown",
    nodeId: id,
    unreachable: true,
    reason: [`${how} (${name})`, description].filter(Boolean).join(": "),
  };
}
