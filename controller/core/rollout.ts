import type { ExperienceConfig } from "../../config/config";
import type { CrashLoop, Fleet } from "./fleet";
import { isPrimary, type GameServer } from "./game-server";
import type { CoreState } from "./state";

/**
 * A version that is being taken in. The fleet's `version` is what players without a wish get first.
 *
 *     canary ── promote, or `promote_after_secs` without a failure ──> rolling ── no old server is left ──> done
 *       │                                                                │
 *       ├── pause, resume ───────────────────────────────────────────────┤
 *       └── roll back, or `max_failures` ──> the same towards `from` <───┘
 */
export interface Rollout {
  readonly from: string;
  readonly to: string;
  /** Share of the fleet that shall run `to`; below 1 while it is a canary. */
  share: number;
  /** Nothing more of `to` is started, and nothing of `from` goes. */
  paused: boolean;
  readonly startedAtMs: number;
  /** Since when a server of `to` has been up; null before the first. */
  upSinceMs: number | null;
  /** Servers of `to` that did not come up, hung, or died. */
  failures: number;
  /** Failures of `to` hold back starts of `to` alone. */
  readonly crash: CrashLoop;
  reason: string;
}

/** How the last rollout ended. */
export interface RolloutEnd {
  readonly from: string;
  readonly to: string;
  readonly outcome: "done" | "rolledBack" | "replaced";
  readonly atMs: number;
  readonly reason: string;
}

export type RolloutStepName = "started" | "promoted" | "paused" | "resumed" | "rolledBack" | "done";

/** Takes a version in: the share first, all of it where that is 1. The fleet's present version is what it goes back to. */
export function startRollout(s: CoreState, fleet: Fleet, to: string, share: number, reason: string): void {
  const { rollout } = fleet;
  if (rollout && to === rollout.to) {
    if (share >= 1 && rollout.share < 1) promote(s, fleet, reason);
    else if (rollout.share < 1) rollout.share = share;
    s.keepDue = true;
    return;
  }
  if (rollout && to === rollout.from) return rollBack(s, fleet, reason);
  if (to === fleet.version) return;
  const from = fleet.version;
  if (rollout) end(s, fleet, "replaced", `version ${to} was asked for`);
  begin(s, fleet, from, to, fleet.config?.kind === "world" ? 1 : share, reason);
  tell(s, fleet, "started", from, to, reason);
}

function begin(s: CoreState, fleet: Fleet, from: string, to: string, share: number, reason: string): void {
  fleet.rollout = {
    from,
    to,
    share,
    paused: false,
    startedAtMs: s.nowMs,
    // After one that went back or was replaced there may be servers of it already, and it needs no new one.
    upSinceMs: [...fleet.servers].some((server) => isUp(server, to)) ? s.nowMs : null,
    failures: 0,
    crash: { failures: 0, untilMs: -Infinity, final: null },
    reason,
  };
  if (share >= 1) fleet.version = to;
  s.dirty.add(fleet);
}

function isUp(server: GameServer, version: string): boolean {
  return isPrimary(server) && server.version === version && server.readyAtMs !== null && server.endedAtMs === null;
}

/** From a canary to all of it. */
export function promote(s: CoreState, fleet: Fleet, reason: string): void {
  const { rollout } = fleet;
  if (!rollout || rollout.share >= 1) return;
  rollout.share = 1;
  rollout.paused = false;
  rollout.reason = reason;
  fleet.version = rollout.to;
  s.dirty.add(fleet);
  tell(s, fleet, "promoted", rollout.from, rollout.to, reason);
}

export function setPaused(s: CoreState, fleet: Fleet, paused: boolean, reason: string): void {
  const { rollout } = fleet;
  if (!rollout || rollout.paused === paused) return;
  rollout.paused = paused;
  rollout.reason = reason;
  if (!paused) rollout.failures = 0;
  s.dirty.add(fleet);
  tell(s, fleet, paused ? "paused" : "resumed", rollout.from, rollout.to, reason);
}

/** Back to the version before: servers of the other go as they empty, like those of any version that is not current. */
export function rollBack(s: CoreState, fleet: Fleet, reason: string): void {
  const { rollout } = fleet;
  if (!rollout) return;
  const { from, to } = rollout;
  fleet.version = from;
  end(s, fleet, "rolledBack", reason);
  tell(s, fleet, "rolledBack", to, from, reason);
  s.dirty.add(fleet);
}

function end(s: CoreState, fleet: Fleet, outcome: RolloutEnd["outcome"], reason: string): void {
  const { rollout } = fleet;
  if (!rollout) return;
  fleet.lastRollout = { from: rollout.from, to: rollout.to, outcome, atMs: s.nowMs, reason };
  fleet.rollout = null;
}

/** Once a second: a canary that has done well is promoted, and a rollout without old servers is over. */
export function reviewRollout(s: CoreState, fleet: Fleet): void {
  const { rollout, config } = fleet;
  // Right after a change of leaders nobody knows yet what runs.
  if (!rollout || !config || rollout.paused || s.holding || s.rebuilding || s.kept === "awaited") return;
  stopFailing(s, fleet, rollout, config);
  if (fleet.rollout !== rollout || rollout.upSinceMs === null) return;
  const { promoteAfterSecs } = config.rollout;
  if (rollout.share < 1) {
    const waitMs = (promoteAfterSecs ?? Infinity) * 1000;
    if (s.nowMs - rollout.upSinceMs >= waitMs)
      promote(
        s,
        fleet,
        `version ${rollout.to} has run for ${String(promoteAfterSecs)} s with ${String(rollout.failures)} failures`,
      );
    return;
  }
  if ([...fleet.versions.keys()].some((version) => version !== rollout.to)) return;
  const reason = `no server of version ${rollout.from} is left`;
  end(s, fleet, "done", reason);
  tell(s, fleet, "done", rollout.from, rollout.to, reason);
}

/** A server of the version that is being taken in is up. */
export function noteVersionUp(s: CoreState, fleet: Fleet, server: GameServer): void {
  const { rollout } = fleet;
  if (!rollout || !isPrimary(server) || rollout.to !== server.version || rollout.upSinceMs !== null) return;
  rollout.upSinceMs = s.nowMs;
  s.keepDue = true;
}

/** A server did not come up, hung, or died by itself. Too many of the new version stop the rollout. */
export function noteVersionFailed(s: CoreState, fleet: Fleet, server: GameServer, reason: string): void {
  const { rollout, config } = fleet;
  if (!rollout || !config || !isPrimary(server) || server.version !== rollout.to) return;
  if (server.ending || server.endAsked) return;
  // Whatever took the whole node says nothing of the version.
  if (server.nodeId !== null && s.nodes.get(server.nodeId)?.down) return;
  rollout.failures++;
  s.keepDue = true;
  // In doubt whether it leads alone nothing is changed for good: the next review will do it.
  if (!s.holding) stopFailing(s, fleet, rollout, config, `, the last: ${reason}`);
}

function stopFailing(s: CoreState, fleet: Fleet, rollout: Rollout, config: ExperienceConfig, last = ""): void {
  const { maxFailures, onFailure } = config.rollout;
  if (rollout.failures < maxFailures || rollout.paused) return;
  const why = `${String(rollout.failures)} servers of version ${rollout.to} failed${last}`;
  if (onFailure === "pause") setPaused(s, fleet, true, why);
  else rollBack(s, fleet, why);
}

/** What servers of a version are started by: forge.toml as it was when that version was its own. */
export function configOf(fleet: Fleet, version: string): ExperienceConfig | null {
  return fleet.former?.version === version ? fleet.former : fleet.config;
}

function tell(s: CoreState, fleet: Fleet, step: RolloutStepName, from: string, to: string, reason: string): void {
  s.keepDue = true;
  fleet.reviewDue = true;
  s.dirty.add(fleet);
  s.out.rollout(fleet.id, step, from, to, reason, {
    share: fleet.rollout?.share ?? 1,
    failures: fleet.rollout?.failures ?? 0,
  });
  s.out.push({
    type: "record",
    record: s.records.make(s.nowMs, {
      kind: "rollout",
      subject: fleet.id,
      outcome: `${step}: version ${from} to ${to}`,
      reasons: [reason, ...[...fleet.versions].map(([version, count]) => `${String(count)} servers run ${version}`)],
    }),
  });
}
