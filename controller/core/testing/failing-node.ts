import type { Placement, Region, Server } from "../resources";
import { join, servers } from "./ask";
import type { RegionDouble } from "./region-double";

/** A node's servers that have not ended. */
export const on = (r: RegionDouble, nodeId: string): Server[] =>
  r.must<Server[]>(servers).filter((server) => server.nodeId === nodeId && server.state !== "terminated");
export const nodeStates = (r: RegionDouble): string[] =>
  r.must<{ region: Region }>({ type: "getRegion" }).region.nodes.map(({ id, state }) => `${id} ${state}`);
export const happened = (r: RegionDouble, type: string) => r.events.filter((event) => event.type === type);
/** Their processes are killed, all at the same moment. */
export function crash(r: RegionDouble, ids: readonly string[]): void {
  for (const id of ids) r.agentOf(id).lose(id, "killed", r.nowMs);
  r.advance(1000);
}
/** A player, on a server and playing. */
export function playing(r: RegionDouble, playerId: string, more: Parameters<typeof join>[1] = {}): Placement {
  const placed = r.must<Placement>(join(playerId, more));
  r.agentOf(placed.server.id).join(placed.server.id, placed.session.id, 1, r.nowMs);
  r.run();
  return placed;
}
