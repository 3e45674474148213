import type { Fleet } from "./fleet";
import type { DecisionRecord } from "./resources";
import type { CoreState } from "./state";

/**
 * Why a region's players are where they are, under the region's name: that the drain began and was taken back, which way the
 * players of an experience go first, that they stay for now and go again, and that nobody is left.
 */
export function recordDrain(s: CoreState, outcome: string, reasons: readonly string[]): void {
  // Standbys learn of a drain too.
  if (!s.leader) return;
  const record = s.records.make(s.nowMs, { kind: "drain", subject: s.settings.region, outcome, reasons });
  s.out.push({ type: "record", record });
}

export function recordBegun(s: CoreState, why: string, movesAtMs: number): void {
  const when = movesAtMs > s.nowMs ? `; they are moved from ${s.out.iso(movesAtMs)} on` : "";
  recordDrain(s, "takes no new sessions, and gives its players to other regions", [
    why,
    `${String(countLeft(s))} sessions are to be moved${when}`,
    ...worldText(s),
  ]);
}

/** @param moved how many were, before it was taken back */
export function recordUndone(s: CoreState, why: string, moved: number): void {
  recordDrain(s, "takes players again; those who were moved stay where they are", [
    why,
    `${String(moved)} were moved, ${String(countLeft(s))} were not and stay`,
  ]);
}

/** Sessions that are still to be moved. */
export function countLeft(s: CoreState): number {
  let count = 0;
  for (const server of s.servers.values())
    if (s.fleet(server.experienceId).config?.kind !== "world") count += server.seats.size;
  return count;
}

/** The first of an experience's parties that go to a region; what is weighed is the same for those that follow. */
export function recordWay(s: CoreState, experienceId: string, region: string, why: readonly string[]): void {
  const { ways } = s.moveOut;
  const way = `${experienceId} ${region}`;
  if (ways.has(way)) return;
  ways.add(way);
  recordDrain(s, `players of ${experienceId} are offered to ${region}`, why);
}

export function recordDrained(s: CoreState): void {
  recordDrain(s, "nobody is left who can be moved", [`${String(s.moveOut.moved)} were moved`, ...worldText(s)]);
}

/** How far a drain is and who stays, for people; nothing where there is none. */
export function drainFacts(s: CoreState): readonly string[] {
  const { drain, moveOut } = s;
  if (!drain?.on) return [];
  let moving = 0;
  for (const { sessions } of moveOut.transfers.values()) moving += sessions.length;
  const from = s.nowMs < drain.movesAtMs ? `they are moved from ${s.out.iso(drain.movesAtMs)} on` : undefined;
  const numbers = `${String(moveOut.moved)} moved, ${String(moving)} on their way, ${String(countLeft(s))} left`;
  return [
    `it is being drained: ${from ?? numbers}`,
    ...[...moveOut.stuck].map(([experienceId, reason]) => `players of ${experienceId} stay for now: ${reason}`),
    ...worldText(s),
    ...silentText(s),
  ];
}

/** The newest decision about the region, and how far a drain is; a leader that found one has decided nothing of it. */
export function decisionAboutRegion(s: CoreState, record: DecisionRecord | undefined): DecisionRecord | undefined {
  const now = drainFacts(s);
  if (record) return { ...record, reasons: [...record.reasons, ...now.map((text) => `now: ${text}`)] };
  if (!s.drain?.on) return undefined;
  const { region: id } = s.settings;
  const outcome = "goes on with the drain that an earlier leader began";
  return { id, at: s.out.iso(s.nowMs), kind: "drain", subject: id, outcome, reasons: now, considered: [] };
}

function worldText(s: CoreState): readonly string[] {
  const inWorlds = (fleet: Fleet): number => (fleet.config?.kind === "world" ? fleet.index.held : 0);
  const stay = [...s.fleets.values()].reduce((sum, fleet) => sum + inWorlds(fleet), 0);
  return stay === 0 ? [] : [`${String(stay)} players of worlds stay, as their map is here`];
}

function silentText(s: CoreState): readonly string[] {
  let stay = 0;
  for (const { seats, nodeId, experienceId } of s.servers.values())
    if (!s.usable(nodeId) && s.fleet(experienceId).config?.kind !== "world") stay += seats.size;
  return stay === 0 ? [] : [`${String(stay)} are on nodes that are silent, and stay until those are back`];
}
