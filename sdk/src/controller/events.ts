import type { ForgeEvent } from "../resources";

/**
 * What each event of the API is called here. Players' events are the API's session events: what happens to a session
 * happens to its player.
 */
export const EVENT_NAMES = {
  "server.spawned": "serverSpawned",
  "server.placed": "serverPlaced",
  "server.ready": "serverReady",
  "server.allocated": "serverAllocated",
  "server.draining": "serverDraining",
  "server.strained": "serverStrained",
  "server.suspect": "serverSuspect",
  "server.unhealthy": "serverUnhealthy",
  "server.stopping": "serverStopping",
  "server.terminated": "serverTerminated",
  "server.blocked": "serverBlocked",
  "server.replaced": "serverReplaced",
  "session.queued": "playerQueued",
  "session.reserved": "playerReserved",
  "session.joined": "playerConnected",
  "session.left": "playerLeft",
  "session.migrating": "playerMigrating",
  "session.moved": "playerMoved",
  "session.ended": "playerEnded",
  "session.lost": "playerLost",
  failover: "failover",
  scaling: "scaling",
  rollout: "rollout",
  "node.connected": "nodeConnected",
  "node.suspect": "nodeSuspect",
  "node.down": "nodeDown",
  "node.isolated": "nodeIsolated",
  "node.restored": "nodeRestored",
  "leader.changed": "leaderChanged",
  "config.changed": "configChanged",
  "config.rejected": "configRejected",
  "region.draining": "regionDraining",
  "region.moving": "regionMoving",
  "region.stuck": "regionStuck",
  "region.drained": "regionDrained",
  "region.undrained": "regionUndrained",
} as const satisfies Record<ForgeEvent["type"], string>;

type Names = typeof EVENT_NAMES;

/** By name, the events of the API. */
export type ApiEvents = { [Type in keyof Names as Names[Type]]: ForgeEvent & { readonly type: Type } };

/** Everything that `ForgeController.on` can be asked for. */
export interface ControllerEvents extends ApiEvents {
  /** Each event of the API, whatever its type, also of types that this version does not know. */
  event: ForgeEvent;
  /** Events were missed and cannot be told any more: read again what they would have changed. */
  reset: { readonly region: string; readonly reason: string };
  /** A stream is open, for the first time or again. */
  connected: { readonly region: string };
  /** A stream broke; it is opened again by itself. */
  disconnected: { readonly region: string; readonly error: Error };
}

/** The name for an event's type; undefined for one that came after this version. */
export function eventName(type: string): keyof ApiEvents | undefined {
  return Object.hasOwn(EVENT_NAMES, type) ? EVENT_NAMES[type as keyof Names] : undefined;
}
