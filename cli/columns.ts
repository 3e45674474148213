import type { Fleet, QueueEntry, Region, Server, Session } from "../controller/core/resources";
import { formatAge, formatBytes, formatMs, formatShare } from "./format";
import { type Paints, paintOfRegionState, paintOfServerState } from "./paint";
import type { Cell, Column } from "./table";

/** How each kind of thing is shown in a table, by `forge ps` and by the live view alike. */

const BAR = 12;

export function regionColumns(paints: Paints): readonly Column<Region>[] {
  return [
    { title: "REGION", cell: ({ name }) => name, shrink: "end" },
    { title: "STATE", cell: ({ state }) => ({ text: state, paint: paintOfRegionState(state, paints) }) },
    { title: "SEATS", cell: ({ seats }) => bar(seats.held, seats.total, paints) },
    { title: "SERVERS", cell: ({ servers }) => String(servers), align: "right", optional: true },
    { title: "QUEUED", cell: ({ queued }) => waiting(queued, paints), align: "right", optional: true },
    { title: "CPU", cell: ({ cpu }) => formatShare(cpu), align: "right", optional: true },
    { title: "NODES", cell: (region) => nodes(region, paints), optional: true },
  ];
}

export function fleetColumns(paints: Paints): readonly Column<Fleet>[] {
  const going = ({ servers }: Fleet) => servers.draining + servers.unhealthy + servers.suspect;
  return [
    { title: "FLEET", cell: ({ experienceId }) => experienceId, shrink: "end" },
    { title: "REGION", cell: ({ region }) => region, shrink: "end" },
    { title: "SEATS", cell: ({ seats }) => bar(seats.held, seats.total, paints) },
    { title: "DESIRED", cell: ({ desired }) => String(desired), align: "right", optional: true },
    { title: "READY", cell: ({ servers }) => String(servers.ready), align: "right", optional: true },
    {
      title: "IN USE",
      cell: ({ servers }) => String(servers.allocated + servers.reserved),
      align: "right",
      optional: true,
    },
    { title: "COMING", cell: ({ servers }) => String(servers.starting), align: "right", optional: true },
    { title: "GOING", cell: (fleet) => String(going(fleet)), align: "right", optional: true },
    { title: "QUEUED", cell: ({ queued }) => waiting(queued, paints), align: "right", optional: true },
    { title: "VERSION", cell: versionOf, optional: true },
  ];
}

export function serverColumns(paints: Paints, nowMs: number): readonly Column<Server>[] {
  return [
    { title: "SERVER", cell: ({ id }) => id, shrink: "middle" },
    { title: "STATE", cell: ({ state }) => ({ text: state, paint: paintOfServerState(state, paints) }) },
    { title: "PLAYERS", cell: (server) => players(server, paints) },
    {
      title: "CPU",
      cell: ({ stats }) => (stats === null ? "-" : formatShare(stats.cpu)),
      align: "right",
      optional: true,
    },
    {
      title: "MEMORY",
      cell: ({ stats }) => (stats === null ? "-" : formatBytes(stats.memoryBytes)),
      align: "right",
      optional: true,
    },
    { title: "AGE", cell: ({ createdAt }) => formatAge(createdAt, nowMs), align: "right", optional: true },
    { title: "EXPERIENCE", cell: experienceOf, shrink: "end", optional: true },
  ];
}

/** So that ids can be copied from narrow terminals too: these columns go before one is cut, the first before the next. */
export function idsWhole<T>(columns: readonly Column<T>[], lesser: readonly string[]): readonly Column<T>[] {
  return columns.map((column) => {
    const at = lesser.indexOf(column.title);
    return at < 0 ? column : { ...column, lesser: at };
  });
}

/** With the version of each where an experience has servers of several, as while one is taken in. */
export function withVersions(
  columns: readonly Column<Server>[],
  servers: readonly Server[],
): readonly Column<Server>[] {
  const experiences = new Set(servers.map(({ experienceId }) => experienceId));
  const pairs = new Set(servers.map(({ experienceId, version }) => `${experienceId} ${version}`));
  if (pairs.size === experiences.size) return columns;
  return [...columns, { title: "VERSION", cell: ({ version }) => version, shrink: "end" }];
}

/** With why each is as it is. */
export function explainedColumns(paints: Paints, nowMs: number): readonly Column<Server>[] {
  return [...serverColumns(paints, nowMs), { title: "REASON", cell: ({ reason }) => reason, shrink: "prose" }];
}

export function sessionColumns(nowMs: number): readonly Column<Session>[] {
  return [
    { title: "SESSION", cell: ({ id }) => id, shrink: "middle" },
    { title: "PLAYER", cell: ({ playerId }) => playerId, shrink: "end" },
    { title: "STATE", cell: ({ state }) => state },
    { title: "SERVER", cell: ({ serverId }) => serverId ?? "-", shrink: "middle" },
    {
      title: "LATENCY",
      cell: ({ latencyMs }) => (latencyMs === null ? "-" : formatMs(latencyMs)),
      align: "right",
      optional: true,
    },
    {
      title: "LOSS",
      cell: ({ packetLoss }) => (packetLoss === null ? "-" : formatShare(packetLoss)),
      align: "right",
      optional: true,
    },
    { title: "MOVES", cell: ({ moves }) => String(moves), align: "right", optional: true },
    { title: "SINCE", cell: ({ connectedAt }) => formatAge(connectedAt, nowMs), align: "right", optional: true },
  ];
}

export function queueColumns(nowMs: number): readonly Column<QueueEntry>[] {
  return [
    { title: "REGION", cell: ({ region }) => region, shrink: "end" },
    { title: "POSITION", cell: ({ position }) => String(position), align: "right" },
    { title: "PLAYER", cell: ({ playerId }) => playerId, shrink: "end" },
    { title: "EXPERIENCE", cell: ({ experienceId }) => experienceId, shrink: "end" },
    {
      title: "PARTY",
      cell: ({ party }) => (party.length === 0 ? "-" : String(party.length)),
      align: "right",
      optional: true,
    },
    { title: "WAITS", cell: ({ since }) => formatAge(since, nowMs), align: "right" },
    { title: "REASON", cell: ({ reason }) => reason, shrink: "prose" },
  ];
}

/** A copy in the order of names. */
export function byName<T>(items: readonly T[], nameOf: (item: T) => string): T[] {
  return [...items].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : nameOf(a) > nameOf(b) ? 1 : 0));
}

/** Servers of a fleet role have no seats. */
function players(server: Server, paints: Paints): Cell {
  return server.role === "server" ? bar(server.players, server.maxPlayers, paints) : { text: "-" };
}

function experienceOf({ experienceId, role, matchId }: Server): string {
  if (role !== "server") return `${experienceId}/${role}`;
  return matchId === null ? experienceId : `${experienceId} (${matchId})`;
}

/** `█████░░░░░░░ 10/24`: how much of it is taken. */
function bar(held: number, total: number, paints: Paints): Cell {
  const filled = total <= 0 ? 0 : Math.min(BAR, Math.round((held / total) * BAR));
  // A single player among many shows too.
  const shown = held > 0 ? Math.max(1, filled) : 0;
  const text = `${"█".repeat(shown)}${"░".repeat(BAR - shown)} ${held}/${total}`;
  return { text, paint: held > total ? paints.red : undefined };
}

/** While another is taken in, both: `1.0.0 > 2.0.0 10%`, a canary with its share. */
function versionOf({ version, rollout }: Fleet): string {
  if (!rollout) return version;
  const { fromVersion, toVersion, state, share } = rollout;
  return `${fromVersion} > ${toVersion}${state === "canary" ? ` ${formatShare(share)}` : ""}`;
}

/** An isolated node is there, and all the same not as it should be. */
function nodes({ nodes: all }: Region, paints: Paints): Cell {
  const isolated = all.filter(({ state }) => state === "isolated").length;
  const away = all.filter(({ state }) => state !== "connected" && state !== "isolated").length;
  const amiss = [away > 0 ? [`${away} away`] : [], isolated > 0 ? [`${isolated} isolated`] : []].flat();
  const text = [String(all.length), ...amiss].join(", ");
  return amiss.length === 0 ? { text } : { text, paint: paints.red };
}

function waiting(queued: number, paints: Paints): Cell {
  return { text: String(queued), paint: queued > 0 ? paints.yellow : undefined };
}
