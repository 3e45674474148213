import { ProbeMisconfigured } from "./health-judge";

/** What is looked up in the query library: its games, each with a protocol, and its protocols. */
export interface QueryLibrary {
  readonly games: Readonly<Record<string, { readonly options: { readonly protocol: string } }>>;
  readonly protocols: object;
}

/** Names that people use for a protocol, and the library's. */
const ALIASES: Readonly<Record<string, string>> = { a2s: "valve", source: "valve", steam: "valve", ioquake3: "quake3" };

/** Spoken directly, see `luanti-ping.ts`: the library's way asks a public list. */
const LUANTI = ["minetest", "luanti"];

/**
 * Protocols that do not ask the server but a list of servers, a vendor or a chat service elsewhere: their answer says
 * nothing of the process on this node, and a node may have no way out.
 */
const ASK_ELSEWHERE = new Set([
  "altvmp",
  "asa",
  "beammp",
  "beammpmaster",
  "brokeprotocol",
  "brokeprotocolmaster",
  "discord",
  "epic",
  "factorio",
  "geneshift",
  "hawakening",
  "hawakeningmaster",
  "minetest",
  "ragemp",
  "renegadex",
  "renegadexmaster",
  "renown",
  "scpsl",
  "squad",
  "theisleevrima",
  "vintagestory",
  "vintagestorymaster",
]);

export type QueryType = { readonly direct: "luanti" } | { readonly direct?: undefined; readonly type: string };

/**
 * How to query for what forge.toml calls `query = NAME`: one of our aliases, a protocol of the library (`quake3`), or one
 * of its games (`openarena`).
 *
 * @throws {ProbeMisconfigured} where the library knows no such name, or would ask somewhere else than the server
 */
export function queryTypeOf(name: string, library: QueryLibrary): QueryType {
  const wanted = name.toLowerCase();
  if (LUANTI.includes(wanted)) return { direct: "luanti" };
  const named = ALIASES[wanted] ?? wanted;
  const game = Object.hasOwn(library.games, named) ? library.games[named] : undefined;
  const protocol = Object.hasOwn(library.protocols, named) ? named : game?.options.protocol;
  if (protocol === undefined) {
    throw new ProbeMisconfigured(
      `health.query: no protocol or game is called "${name}"; write one like "quake3", "source" or "minecraft", or use health = { log = … }`,
    );
  }
  if (ASK_ELSEWHERE.has(protocol)) {
    throw new ProbeMisconfigured(
      `health.query: "${name}" is answered by a service elsewhere, not by the server itself; use "tcp", "process" or health = { log = … }`,
    );
  }
  return { type: named === protocol ? `protocol-${protocol}` : named };
}
