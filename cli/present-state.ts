import type { Region, Server, Session } from "../controller/core/resources";
import type { Paints } from "./paint";
import { plain } from "./table";

/** What something is now, in a line each, as `forge why` begins with. */

export type RegionNode = Region["nodes"][number];

export function serverLine({ id, experienceId, region, state, reason }: Server, paints: Paints): string {
  const why = reason.startsWith(`${state}: `) ? reason : `${state}: ${reason}`;
  return `${paints.bold(plain(id))} is a server of ${plain(experienceId)} in ${region}, ${plain(why)}`;
}

export function sessionLine({ id, playerId, experienceId, serverId, state, reason }: Session, paints: Paints): string {
  const where = serverId === null ? "without a server" : `on ${serverId}`;
  const what = plain(`is ${playerId}'s session of ${experienceId}, ${state} ${where}: ${reason}`);
  return `${paints.bold(plain(id))} ${what}`;
}

export function matchLine(id: string, { id: serverId, experienceId, region, players }: Server, paints: Paints): string {
  const what = `is a match of ${experienceId} in ${region} on ${serverId}, with ${players} players`;
  return `${paints.bold(plain(id))} ${plain(what)}`;
}

export function regionLines(region: Region, paints: Paints): readonly string[] {
  const { name, state, servers, seats, queued, leader, epoch, nodes } = region;
  const lead = leader === null ? "nobody leads it" : `${leader} leads with epoch ${epoch}`;
  const load = `${servers} servers, ${seats.held} of ${seats.total} seats taken, ${queued} wait`;
  return [
    `${paints.bold(plain(name))} is a region, ${state}: ${plain(`${load}; ${lead}`)}`,
    ...nodes.map((node) => `  node ${plain(node.id)} is ${node.state}${meaning(node)}`),
  ];
}

/** @param on the servers that it has */
export function nodeLines(node: RegionNode, region: string, on: readonly Server[], paints: Paints): readonly string[] {
  const where = plain(`is a node of ${region} at ${node.address}, ${node.state}${meaning(node)}`);
  return [
    `${paints.bold(plain(node.id))} ${where}`,
    ...on.map(({ id, experienceId, role, state, players }) => {
      const what = role === "server" ? `${experienceId}, ${players} players` : `${experienceId}/${role}`;
      return `  server ${plain(`${id} (${what}) is ${state}`)}`;
    }),
  ];
}

/** What follows from it for those who play there; docs/health.md has all of it. */
const MEANING: Readonly<Record<RegionNode["state"], string>> = {
  connected: "",
  isolated: "its servers failed together: they get new players last, and are replaced elsewhere",
  suspect: "its agent is silent: nobody new comes there, and nobody is moved before it is said to be down",
  down: "it is gone: its players are given seats elsewhere",
};

function meaning({ state }: RegionNode): string {
  const text = MEANING[state];
  return text === "" ? "" : `; ${text}`;
}
