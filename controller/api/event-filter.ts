import type { ForgeEvent } from "../core/resources";

/** All that is given must fit. `types` may end in `.*`. */
export interface EventFilter {
  readonly types?: readonly string[] | undefined;
  readonly serverId?: string | undefined;
  readonly sessionId?: string | undefined;
  readonly experienceId?: string | undefined;
}

/** Events that have no such id (a node's, a region's) do not fit a filter by id. */
export function fits(event: ForgeEvent, { types, serverId, sessionId, experienceId }: EventFilter): boolean {
  if (
    types &&
    !types.some((type) => (type.endsWith(".*") ? event.type.startsWith(type.slice(0, -1)) : event.type === type))
  )
    return false;
  if (serverId !== undefined && !("serverId" in event && event.serverId === serverId)) return false;
  if (sessionId !== undefined && !("sessionId" in event && event.sessionId === sessionId)) return false;
  return experienceId === undefined || ("experienceId" in event && event.experienceId === experienceId);
}
