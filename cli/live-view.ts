import type { Fleet, ForgeEvent, Region, Server } from "../controller/core/resources";
import { byName, fleetColumns, regionColumns, serverColumns } from "./columns";
import { eventLine } from "./event-line";
import { formatCount, formatDuration } from "./format";
import { type Paints, paintsFor } from "./paint";
import { cut, renderTable } from "./table";

/** What a look at a run shows; plain data, so that the same view serves `forge up` and `forge console`. */
export interface OverviewState {
  readonly regions: readonly Region[];
  readonly fleets: readonly Fleet[];
  readonly servers: readonly Server[];
  /** Oldest first; as many of the last as there is room for are shown. */
  readonly recent: readonly ForgeEvent[];
  readonly bots?: BotsView | undefined;
  /** Milliseconds since the run began, or since it was first looked at. */
  readonly elapsedMs: number;
  /** Milliseconds since 1970: ages are counted from it. */
  readonly nowMs: number;
  /** Lines that need a look, shown first: a region that does not answer, a lost connection. */
  readonly notes?: readonly string[] | undefined;
}

export interface BotsView {
  readonly playing: number;
  /** How many there are to be. */
  readonly wanted?: number | undefined;
  readonly queued?: number | undefined;
  readonly moved?: number | undefined;
  readonly lost?: number | undefined;
}

export interface ViewOptions {
  /** Characters of a line; 40 at least. */
  readonly width: number;
  readonly color: boolean;
  /** Lines; servers and events are shortened to fit. All are shown where not given. */
  readonly height?: number | undefined;
}

const MIN_WIDTH = 40;
const MIN_EVENTS = 4;

/** The overview as text without a final newline; no line is wider than `width`. */
export function renderOverview(state: OverviewState, { width, color, height }: ViewOptions): string {
  const wide = Math.max(MIN_WIDTH, width);
  const paints = paintsFor(color);
  const head = [headline(state, wide, paints), ...(state.notes ?? []).map((note) => paints.yellow(cut(note, wide)))];
  const top = [...head, ...section(regionTable(state, wide, paints)), ...section(fleetTable(state, wide, paints))];
  const tail = state.bots === undefined ? [] : ["", botsLine(state.bots, wide, paints)];
  const room = height === undefined ? Infinity : Math.max(0, height - top.length - tail.length);
  const { servers, events } = share(room, state);
  return [
    ...top,
    ...section(serverTable(state, wide, paints, servers)),
    ...tail,
    ...section(recentLines(state, wide, paints, events)),
  ].join("\n");
}

/** How many servers and events fit below the rest. Each section also takes a blank line and a title. */
function share(room: number, { servers, recent }: OverviewState): { servers: number; events: number } {
  const overhead = 2;
  const leastEvents = Math.min(recent.length, MIN_EVENTS);
  const forServers = room - (leastEvents > 0 ? leastEvents + overhead : 0) - overhead;
  // One line of the table goes to "and N more".
  const shown = servers.length <= forServers ? servers.length : Math.max(0, forServers - 1);
  const used = servers.length === 0 ? 0 : shown + (shown < servers.length ? 1 : 0) + overhead;
  return { servers: shown, events: Math.max(0, Math.min(recent.length, room - used - overhead)) };
}

function headline({ regions, servers, elapsedMs }: OverviewState, width: number, paints: Paints): string {
  const up = regions.filter(({ state }) => state === "up").length;
  const sum = (of: (region: Region) => number) => regions.reduce((total, region) => total + of(region), 0);
  const running = servers.filter(({ state }) => state !== "terminated");
  // As the regions count them: a fleet role's servers have no seats.
  const games = running.filter(({ role }) => role === "server").length;
  const parts = [
    `${up} of ${formatCount(regions.length, "region")} up`,
    formatCount(games, "server"),
    ...(games < running.length ? [formatCount(running.length - games, "role server")] : []),
    formatCount(
      sum(({ players }) => players),
      "player",
    ),
    `${sum(({ seats }) => seats.free)} free seats`,
    `${sum(({ queued }) => queued)} queued`,
  ];
  const right = formatDuration(elapsedMs);
  const left = cut(`forge  ${parts.join(" · ")}`, width - right.length - 1);
  return paints.bold(left) + " ".repeat(width - left.length - right.length) + paints.dim(right);
}

function regionTable({ regions }: OverviewState, width: number, paints: Paints): string[] {
  return renderTable(
    regionColumns(paints),
    byName(regions, ({ name }) => name),
    { width, paintTitle: paints.dim },
  );
}

function fleetTable({ fleets }: OverviewState, width: number, paints: Paints): string[] {
  const sorted = byName(fleets, ({ experienceId, region }) => `${experienceId} ${region}`);
  return renderTable(fleetColumns(paints), sorted, { width, paintTitle: paints.dim });
}

function serverTable({ servers, nowMs }: OverviewState, width: number, paints: Paints, room: number): string[] {
  // What is wrong comes first: it must not be in the part that is left out.
  const urgent = ({ state }: Server) => (state === "unhealthy" || state === "suspect" ? 0 : 1);
  const sorted = byName(servers, ({ id }) => id).sort((a, b) => urgent(a) - urgent(b));
  const rest = sorted.length - room;
  const lines = renderTable(serverColumns(paints, nowMs), sorted.slice(0, room), { width, paintTitle: paints.dim });
  return rest > 0 ? [...lines, paints.dim(`and ${formatCount(rest, "more server", "more servers")}`)] : lines;
}

function recentLines({ recent }: OverviewState, width: number, paints: Paints, room: number): string[] {
  if (room === 0) return [];
  const lines = recent.slice(-room).map((event) => eventLine(event, paints, width));
  return lines.length === 0 ? [] : [paints.dim("RECENT"), ...lines];
}

function botsLine({ playing, wanted, queued, moved, lost }: BotsView, width: number, paints: Paints): string {
  const parts = [
    wanted === undefined ? `${playing} playing` : `${playing} of ${wanted} playing`,
    ...(queued === undefined ? [] : [`${queued} queued`]),
    ...(moved === undefined ? [] : [`${moved} moved`]),
    ...(lost === undefined ? [] : [`${lost} lost`]),
  ];
  const text = cut(`BOTS  ${parts.join(" · ")}`, width);
  return (lost ?? 0) > 0 ? paints.red(text) : text;
}

function section(lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ["", ...lines];
}
