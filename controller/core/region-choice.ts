import type { CoreSettings } from "./input";
import type { RegionSummary } from "./resources";
import { takesWish, wishWords } from "./version-wish";

/** What a player asks of a region. */
export interface RegionWish {
  readonly experienceId: string;
  readonly version: string | undefined;
  readonly mods: readonly string[];
  readonly region: string | undefined;
  /** Milliseconds by region, as the player measured them. */
  readonly latencies: Readonly<Record<string, number>>;
  readonly partySize: number;
  /** Regions that cannot be chosen: they did not answer a moment ago, or the caller may not go there. Where these are all there are, any of them may be. */
  readonly exclude?: readonly string[];
}

export interface RegionChoice {
  readonly region: string;
  readonly reasons: readonly string[];
}

/** A full region costs as much as so many milliseconds more of latency; so does each share of load and of queue. */
const FULL_MS = 80;
const LOAD_MS = 40;
const QUEUE_MS = 60;
/** Light in fibre and back takes about a millisecond per 100 km; routes are longer, so 1.5 ms. */
const MS_PER_KM = 0.015;
/** Where nothing is known of the distance. */
const UNKNOWN_MS = 100;
const EARTH_RADIUS_KM = 6371;

interface Rated {
  readonly summary: RegionSummary;
  readonly cost: number;
  readonly reasons: readonly string[];
}

/**
 * The region that should serve a player: the asked one if it can, else the cheapest by measured latency (or by distance
 * where none was measured), with full, loaded and queueing regions made dearer. This region where nothing better is known.
 */
export function chooseRegion(
  wish: RegionWish,
  summaries: readonly RegionSummary[],
  settings: CoreSettings,
): RegionChoice {
  const here = settings.region;
  const { exclude = [] } = wish;
  const open = summaries.filter(({ region }) => !exclude.includes(region));
  const able = open.filter((summary) => canServe(wish, summary));
  const asked = wish.region === undefined ? undefined : able.find(({ region }) => region === wish.region);
  if (asked)
    return { region: asked.region, reasons: [`${asked.region} was asked for and can serve ${wish.experienceId}`] };
  const why = wish.region === undefined ? [] : [`${wish.region} was asked for but ${whyNot(wish, summaries)}`];
  if (able.length === 0) {
    const anywhere = [wish.region ?? here, here, ...open.map(({ region }) => region)];
    const region = anywhere.find((name) => !exclude.includes(name)) ?? here;
    return { region, reasons: [...why, `no region can serve ${wish.experienceId}`] };
  }
  const limit = settings.experiences[wish.experienceId]?.routing.maxLatencyMs;
  // What was not measured beside others may be any distance away: the player may not even reach it.
  const near = limit === undefined ? able : able.filter(({ region }) => (wish.latencies[region] ?? Infinity) <= limit);
  const rated = (near.length > 0 ? near : able).map((summary) => rate(wish, summary, settings));
  // Equal costs go to this region, then by name: the same question gets the same answer everywhere.
  rated.sort(
    (a, b) =>
      a.cost - b.cost ||
      Number(b.summary.region === here) - Number(a.summary.region === here) ||
      (a.summary.region < b.summary.region ? -1 : 1),
  );
  const best = rated[0];
  return best ? { region: best.summary.region, reasons: [...why, ...best.reasons] } : { region: here, reasons: why };
}

/** The best of these regions that can serve, wherever the caller is; undefined where none can. */
export function bestElsewhere(
  wish: RegionWish,
  summaries: readonly RegionSummary[],
  settings: CoreSettings,
): RegionChoice | undefined {
  const able = summaries.some((summary) => !(wish.exclude ?? []).includes(summary.region) && canServe(wish, summary));
  return able ? chooseRegion(wish, summaries, settings) : undefined;
}

function rows(wish: RegionWish, summary: RegionSummary): RegionSummary["experiences"][string] {
  const all = summary.experiences[wish.experienceId] ?? [];
  return all.filter(
    ({ version, clients, mods }) =>
      (wish.version === undefined || takesWish(wish.version, version, clients ?? null)) &&
      wish.mods.every((mod) => mods.includes(mod)),
  );
}

function canServe(wish: RegionWish, summary: RegionSummary): boolean {
  return summary.state === "up" && rows(wish, summary).length > 0;
}

function whyNot(wish: RegionWish, summaries: readonly RegionSummary[]): string {
  const summary = summaries.find(({ region }) => region === wish.region);
  if (!summary) return "is not known";
  if (wish.exclude?.includes(summary.region)) return "cannot be chosen now";
  if (summary.state !== "up") return `is ${summary.state}`;
  return `does not have ${wish.experienceId}${wish.version === undefined ? "" : `: ${wishWords(wish.version)}`}${wish.mods.length > 0 ? ` with ${wish.mods.join(", ")}` : ""}`;
}

function rate(wish: RegionWish, summary: RegionSummary, settings: CoreSettings): Rated {
  const found = rows(wish, summary);
  const free = found.reduce((sum, row) => sum + row.free, 0);
  const queued = found.reduce((sum, row) => sum + row.queued, 0);
  const cpu = found.reduce((most, row) => Math.max(most, row.cpu), 0);
  const canGrow = found.some((row) => row.canGrow);
  const way = distance(wish, summary, settings);
  const full = free >= wish.partySize ? 0 : canGrow ? FULL_MS / 2 : FULL_MS;
  const cost = way.ms + full + Math.min(1, cpu) * LOAD_MS + (queued / (queued + free + 1)) * QUEUE_MS;
  const room = free >= wish.partySize ? `${String(free)} seats free` : canGrow ? "full, can grow" : "full";
  return {
    summary,
    cost,
    reasons: [
      `${summary.region}: ${way.text}`,
      `${room}, ${String(queued)} waiting, CPU ${String(Math.round(cpu * 100))} %`,
    ],
  };
}

function distance(
  wish: RegionWish,
  summary: RegionSummary,
  settings: CoreSettings,
): { readonly ms: number; readonly text: string } {
  const measured = wish.latencies[summary.region];
  if (measured !== undefined) return { ms: measured, text: `${String(measured)} ms measured` };
  // Without a measurement the asked region stands for where the player is, else this one, which was called.
  const from = wish.region === undefined ? undefined : settings.regionLocations[wish.region];
  const start = from ?? settings.location;
  const end = summary.location ?? settings.regionLocations[summary.region];
  const measuredElsewhere = Object.keys(wish.latencies).length > 0;
  if (summary.region === settings.region && !from && !measuredElsewhere)
    return { ms: 0, text: "the region that was called" };
  if (measuredElsewhere) return { ms: UNKNOWN_MS, text: "not measured" };
  if (!start || !end) return { ms: UNKNOWN_MS, text: "distance unknown" };
  const km = greatCircleKm(start, end);
  return { ms: km * MS_PER_KM, text: `${String(Math.round(km))} km away` };
}

/** Kilometres between two points given in degrees of latitude and longitude, by the haversine formula. */
export function greatCircleKm(a: readonly [number, number], b: readonly [number, number]): number {
  const rad = Math.PI / 180;
  const dLat = (b[0] - a[0]) * rad;
  const dLon = (b[1] - a[1]) * rad;
  const h = Math.sin(dLat / 2) ** 2 + Math.cos(a[0] * rad) * Math.cos(b[0] * rad) * Math.sin(dLon / 2) ** 2;
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.min(1, Math.sqrt(h)));
}
