import type { Fleet } from "./fleet";
import type { GameServer } from "./game-server";
import { isRange, takesVersion } from "../../config/version-range";

/**
 * What a group wants of a version, in one text: what it named, a version or a range, and the version of its own client. So it
 * goes whole through everything that carries it: agents' journals, queue tickets, other regions.
 *
 *     VERSION      VERSION \n CLIENT      \n CLIENT
 */
const CLIENT = "\n";

/** @returns undefined where neither is given */
export function wishOf(version: string | undefined, clientVersion: string | undefined): string | undefined {
  return clientVersion === undefined ? version : `${version ?? ""}${CLIENT}${clientVersion}`;
}

/** The two parts of a wish, undefined where not given. */
export function partsOfWish(wish: string): { readonly named: string | undefined; readonly client: string | undefined } {
  const at = wish.indexOf(CLIENT);
  if (at < 0) return { named: wish, client: undefined };
  return { named: at === 0 ? undefined : wish.slice(0, at), client: wish.slice(at + 1) };
}

/** @param clients which clients the version takes, as forge.toml says; null: any */
export function takesWish(wish: string, version: string, clients: string | null): boolean {
  const { named, client } = partsOfWish(wish);
  if (named !== undefined && !takesVersion(named, version)) return false;
  return client === undefined || clients === null || takesVersion(clients, client);
}

/** Whether servers of this version in the fleet are what was asked for. */
export function takesIn(fleet: Fleet, wish: string, version: string): boolean {
  return takesWish(wish, version, clientsOf(fleet, version));
}

/**
 * Which clients a version takes; null: any. forge.toml's entry of that version says it, live; of older versions what their
 * servers were started with, and of one that was put by hand the entry by which its servers are started.
 */
export function clientsOf({ clients, former, config }: Fleet, version: string): string | null {
  for (const entry of [config, former]) if (entry?.version === version) return entry.clients ?? null;
  const started = clients.get(version);
  return started === undefined ? (config?.clients ?? null) : started;
}

/** Which clients a server is given to; null: any. Of one that has ended what it was started with: its version may be forgotten. */
export function clientsOfServer(
  fleet: Fleet,
  { version, clients, state }: Pick<GameServer, "version" | "clients" | "state">,
): string | null {
  return state === "terminated" ? (clients ?? null) : clientsOf(fleet, version);
}

/** For people. */
export function wishWords(wish: string): string {
  const { named, client } = partsOfWish(wish);
  const what = named === undefined ? "" : isRange(named) ? `version that "${named}" takes` : `version "${named}"`;
  const whom = client === undefined ? "" : `servers for clients of version "${client}"`;
  return [what, whom].filter((text) => text !== "").join(" and ");
}
