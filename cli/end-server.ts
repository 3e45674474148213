import type { Server } from "../controller/core/resources";
import type { Fields, ForgeApi } from "./api";

/** Asks for a server to be ended; its answer says how far that is. */
export function endServer(api: ForgeApi, serverId: string, query: Fields): Promise<Server> {
  return api.json<Server>({ method: "DELETE", path: `/v1/servers/${encodeURIComponent(serverId)}`, query });
}

/** `3 players`, `1 player`, `nobody`. */
export function peopleOn({ players }: Pick<Server, "players">): string {
  if (players === 0) return "nobody";
  return players === 1 ? "1 player" : `${players} players`;
}
