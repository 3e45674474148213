import type { AgentEvent, RequestBody } from "./messages";

export const PROTOCOL_VERSION = 3;
/** The oldest version that this code still speaks: N-1 at the latest. */
export const PROTOCOL_OLDEST = 1;

/**
 * What each version of the protocol between controller and agent brought. Either side says only what the other side knows:
 * a kind that it does not is no message to it, and ends the stream. How a version is raised:
 * docs/decisions/protocol-versions.md.
 *
 * 1: everything that is not named here.
 * 2: whole servers for matchmakers that name no players, and counters, lists and servers that allocate themselves.
 * 3: controllers that do not lead hear of the seats that the leader is given.
 */
const REQUESTS_SINCE: Readonly<Partial<Record<RequestBody["kind"], number>>> = { allocate: 2 };
const EVENTS_SINCE: Readonly<Partial<Record<AgentEvent["kind"], number>>> = {
  counts: 2,
  selfAllocated: 2,
  granted: 3,
};

/** Whether an agent that speaks `version` can be asked for it. */
export function knowsRequest(version: number, kind: RequestBody["kind"]): boolean {
  return version >= (REQUESTS_SINCE[kind] ?? 1);
}

/** Whether a controller that speaks `version` can be told of it. */
export function knowsEvent(version: number, kind: AgentEvent["kind"]): boolean {
  return version >= (EVENTS_SINCE[kind] ?? 1);
}
