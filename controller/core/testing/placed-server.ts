import type { EngineServer, ServerLaunch } from "../../engine";

export interface Place extends Pick<EngineServer, "allocationId" | "nodeId" | "address"> {
  /** Of the first of its ports; the others follow. Fixed ones are as they are. */
  readonly firstPort: number;
}

/** A node for the nth server: of those that it is not to avoid, else of all. */
export function inTurn(
  nodeIds: readonly string[],
  n: number,
  { avoidNodes }: Pick<ServerLaunch, "avoidNodes">,
): string {
  const wanted = nodeIds.filter((id) => !avoidNodes.includes(id));
  const from = wanted.length > 0 ? wanted : nodeIds;
  return from[n % from.length] ?? "";
}

/** What a model of an engine says of a server that it has just found a place for. */
export function placedServer(
  { serverId, experienceId, version, role, ports, meta }: ServerLaunch,
  { allocationId, nodeId, address, firstPort }: Place,
): EngineServer {
  return {
    serverId,
    allocationId,
    nodeId,
    state: "pending",
    experienceId,
    version,
    role,
    address,
    ports: Object.fromEntries(ports.map(({ name, static: fixed }, i) => [name, fixed ?? firstPort + i])),
    pids: {},
    logFiles: {},
    meta,
    exit: undefined,
  };
}
