import type { DecisionRecord, Region, Server, Session } from "../../controller/core/resources";
import type { ForgeApi } from "../api";
import type { CliContext, Register } from "../context";
import { EXIT } from "../exit-code";
import { ApiError, CliError } from "../failure";
import { formatTime } from "../format";
import type { Paints } from "../paint";
import { matchLine, nodeLines, regionLines, serverLine, sessionLine, type RegionNode } from "../present-state";
import { plain, renderTable } from "../table";

export const register: Register = (command, context) => {
  command
    .argument("<id>", "a server, session, player, match, experience, region, node or decision")
    .addHelpText(
      "after",
      "\nShows what it is now and the newest decision about it: what was known, what was weighed, what came out. The last\n" +
        "few thousand decisions are kept.",
    )
    .action((id: string) => run(id, context));
};

/** What is known of an id; at least one of its lists has something. */
interface Known {
  readonly servers: readonly Server[];
  readonly sessions: readonly Session[];
  /** Servers that have the match of this name. */
  readonly matches: readonly Server[];
  readonly regions: readonly Region[];
  readonly nodes: readonly KnownNode[];
  readonly decisions: readonly DecisionRecord[];
}

interface KnownNode extends RegionNode {
  readonly region: string;
  readonly on: readonly Server[];
}

async function run(id: string, context: CliContext): Promise<void> {
  const api = await context.api();
  const known = await lookUp(api, id, context.options.region);
  if (isNothing(known)) {
    const fix = "decisions are kept for a while only; `forge ps --all` and `forge events` show what there is";
    throw new CliError("unknownDecision", EXIT.notFound, `nothing is known of ${JSON.stringify(id)}`, fix);
  }
  context.print({ id, ...known }, () => [
    ...presentLines(id, known, context.paints),
    ...(known.decisions.length === 0 ? ["No decision about it is held."] : []),
    ...known.decisions.flatMap((decision) => ["", ...decisionLines(decision, context)]),
  ]);
}

function isNothing(known: Known): boolean {
  return Object.values(known).every(({ length }: readonly unknown[]) => length === 0);
}

function presentLines(id: string, known: Known, paints: Paints): readonly string[] {
  return [
    ...known.regions.flatMap((region) => regionLines(region, paints)),
    ...known.nodes.flatMap((node) => nodeLines(node, node.region, node.on, paints)),
    ...known.servers.map((server) => serverLine(server, paints)),
    ...known.sessions.map((session) => sessionLine(session, paints)),
    ...known.matches.map((server) => matchLine(id, server, paints)),
  ];
}

/** The controllers to ask: of the region that was named, else of all. */
function placesOf(api: ForgeApi, regions: readonly Region[], region: string | undefined): readonly ForgeApi[] {
  const urls = regions.flatMap(({ url }) => (url === null ? [] : [url]));
  if (region !== undefined) return urls.length === 0 ? [api] : urls.map((url) => api.at(url));
  return [...new Set([...api.urls, ...urls])].map((url) => api.at(url));
}

async function lookUp(api: ForgeApi, id: string, region: string | undefined): Promise<Known> {
  const { items: all } = await api.get<{ readonly items: readonly Region[] }>("/v1/regions", { region });
  const places = placesOf(api, all, region);
  const refusals: ApiError[] = [];
  const safe = /^[A-Za-z0-9._-]{1,128}$/.test(id);
  const of = async <T>(path: string): Promise<readonly T[]> => (safe ? known(api.get<T>(path), refusals) : []);
  const [servers, own, ofPlayer] = await Promise.all([
    of<Server>(`/v1/servers/${id}`),
    of<Session>(`/v1/sessions/${id}`),
    api.list<Session>("/v1/sessions", { playerId: id }).then(({ items }) => items),
  ]);
  const sessions = [...new Map([...own, ...ofPlayer].map((session) => [session.id, session])).values()];
  const subjects = [...(safe ? [id] : []), ...ofPlayer.map((session) => session.id)];
  const found = (await Promise.all(subjects.map((subject) => decisionsAbout(subject, places, refusals)))).flat();
  const regions = all.filter(({ name }) => name === id);
  const nodes = await nodesCalled(api, id, all);
  // Of an experience there is a decision as well, but none that chose a server.
  const maybeMatch = servers.length + sessions.length + regions.length + nodes.length === 0;
  const matches = maybeMatch && found.every(({ kind }) => kind === "route") ? await matchesCalled(api, id, region) : [];
  const ofFleets = await Promise.all(
    inNeedOfFleet(servers, sessions, found).map((one) => fleetDecisions(one, all, places)),
  );
  const unique = new Map([...found, ...ofFleets.flat()].map((decision) => [decision.id + decision.at, decision]));
  const decisions = newestFirst([...unique.values()]);
  const result = { servers, sessions, matches, regions, nodes, decisions };
  const [refusal] = refusals;
  // A token for one region alone is told what that one knows; where it knows nothing, that another may.
  if (refusal && isNothing(result)) throw refusal;
  return result;
}

type OfFleet = Pick<Server, "experienceId" | "region">;

/**
 * Most servers are started by a decision about their fleet, and none is about them alone; and whoever has no server waits
 * for what is decided about their fleet.
 */
function inNeedOfFleet(
  servers: readonly Server[],
  sessions: readonly Session[],
  found: readonly DecisionRecord[],
): readonly OfFleet[] {
  const waiting = sessions.filter(({ state }) => state === "queued" || state === "migrating");
  const fleets = [...(found.length > 0 ? [] : servers), ...waiting];
  return [...new Map(fleets.map((one) => [`${one.experienceId} ${one.region}`, one])).values()];
}

async function fleetDecisions(
  { experienceId, region }: OfFleet,
  regions: readonly Region[],
  places: readonly ForgeApi[],
): Promise<readonly DecisionRecord[]> {
  const url = regions.find(({ name }) => name === region)?.url;
  const own = url == null ? undefined : places.find(({ urls }) => urls.includes(url));
  if (own) return decisionsAbout(experienceId, [own], []);
  const found = await decisionsAbout(experienceId, places, []);
  return found.filter((decision) => decision.id.includes(`-${region}-`));
}

async function nodesCalled(api: ForgeApi, id: string, regions: readonly Region[]): Promise<readonly KnownNode[]> {
  const found = regions.flatMap(({ name, nodes }) =>
    nodes.filter((node) => node.id === id).map((node) => ({ ...node, region: name })),
  );
  return Promise.all(
    found.map(async (node) => {
      const { items } = await api.list<Server>("/v1/servers", { region: node.region });
      return { ...node, on: items.filter(({ nodeId }) => nodeId === id) };
    }),
  );
}

async function matchesCalled(api: ForgeApi, id: string, region: string | undefined): Promise<readonly Server[]> {
  const { items } = await api.list<Server>("/v1/servers", { region });
  return items.filter(({ matchId }) => matchId === id);
}

/** An id with its region in it is answered by that region; of any other (a match, an experience) each region may know. */
async function decisionsAbout(
  subject: string,
  places: readonly ForgeApi[],
  refusals: ApiError[],
): Promise<readonly DecisionRecord[]> {
  const path = `/v1/decisions/${encodeURIComponent(subject)}`;
  const found = await Promise.all(places.map((place) => known(place.get<DecisionRecord>(path), refusals, true)));
  return [...new Map(found.flat().map((decision) => [decision.id + decision.at, decision])).values()];
}

/**
 * An answer as a list of one; empty where there is no such thing, or not for this token, which `refusals` then has.
 * `lenient`: or where a region does not answer.
 */
async function known<T>(answer: Promise<T>, refusals: ApiError[], lenient = false): Promise<readonly T[]> {
  try {
    return [await answer];
  } catch (error) {
    if (error instanceof ApiError && error.code === "regionNotAllowed") {
      refusals.push(error);
      return [];
    }
    if (error instanceof ApiError && error.exitCode === EXIT.notFound) return [];
    if (lenient && error instanceof CliError && error.exitCode === EXIT.unreachable) return [];
    throw error;
  }
}

function newestFirst(decisions: readonly DecisionRecord[]): DecisionRecord[] {
  return [...decisions].sort((a, b) => Date.parse(b.at) - Date.parse(a.at));
}

/** A decision as people read it. */
export function decisionLines(
  { id, at, kind, subject, outcome, reasons, considered }: DecisionRecord,
  { paints, width }: Pick<CliContext, "paints" | "width">,
): readonly string[] {
  const about = id === subject ? "" : paints.dim(` (${plain(id)})`);
  const head = `${paints.bold(kind)} of ${plain(subject)} at ${formatTime(at)}: ${paints.cyan(plain(outcome))}${about}`;
  const parts = [...new Set(considered.flatMap(({ parts: each }) => Object.keys(each)))];
  const table = renderTable(
    [
      { title: "CONSIDERED", cell: (one: DecisionRecord["considered"][number]) => one.id, shrink: "middle" },
      { title: "SCORE", cell: ({ score }) => number(score), align: "right" },
      ...parts.map((part) => ({
        title: part.toUpperCase(),
        cell: (one: DecisionRecord["considered"][number]) => number(one.parts[part]),
        align: "right" as const,
        optional: true,
      })),
    ],
    considered,
    { width: width === undefined ? undefined : width - 2, paintTitle: paints.dim },
  );
  return [head, ...reasons.map((reason) => `  because ${plain(reason)}`), ...table.map((line) => `  ${line}`)];
}

function number(value: number | undefined): string {
  return value === undefined ? "-" : String(Math.round(value * 1000) / 1000);
}
