import { allocationLabels } from "../core/find-server";
import type { Server } from "../core/resources";
import type { AllocationResponse } from "./allocation-wire";

/** Said where the answering region is the one that was asked, as Agones says it of its own cluster. */
export const LOCAL_SOURCE = "local";

/**
 * An allocated server as Agones' allocation answers it.
 * @param source `local`, or the address of the region that it came from
 */
export function allocationAnswer(server: Server, source: string): AllocationResponse {
  const { id, address, nodeId, annotations, counters, lists } = server;
  return {
    gameServerName: id,
    ports: gamePorts(server),
    address: address ?? "",
    addresses: address === null ? [] : [{ type: addressType(address), address }],
    nodeName: nodeId ?? "",
    source,
    metadata: { labels: allocationLabels(server), annotations },
    counters: mapped(counters, ({ count, capacity }) => ({ count: String(count), capacity: String(capacity) })),
    lists: mapped(lists, ({ values, capacity }) => ({ values, capacity: String(capacity) })),
  };
}

/** Those that players connect to; the SDK's is the server's own business. */
export function gamePorts({ ports }: Pick<Server, "ports">): { name: string; port: number }[] {
  return Object.entries(ports)
    .filter(([name]) => name !== "sdk")
    .map(([name, port]) => ({ name, port }));
}

/** As Kubernetes names kinds of a node's addresses; what players are told is one that they can reach. */
export function addressType(address: string): string {
  return /^[\d.]+$|:/.test(address) ? "ExternalIP" : "ExternalDNS";
}

function mapped<From, To>(table: Readonly<Record<string, From>>, to: (from: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(table).map(([name, value]) => [name, to(value)]));
}
