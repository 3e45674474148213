import { lacksRoom } from "./canary";
import { crashOf, type Fleet } from "./fleet";
import { isEmpty } from "./game-server";
import { roomFor, comesBefore, waitText } from "./priority";
import type { Rollout, RolloutEnd } from "./rollout";
import type { CoreState } from "./state";

const ENDS: Readonly<Record<RolloutEnd["outcome"], string>> = {
  done: "was taken in",
  rolledBack: "was rolled back",
  replaced: "gave way to another",
};

/** How far a rollout is and what it waits for, for people; where none is under way how the last one ended. */
export function rolloutFacts(s: CoreState, fleet: Fleet): readonly string[] {
  const { rollout, lastRollout, versions, config } = fleet;
  if (!rollout && lastRollout) {
    const { from, to, outcome, atMs, reason } = lastRollout;
    return [`version ${to}, to be taken in for ${from}, ${ENDS[outcome]} at ${s.out.iso(atMs)}, because: ${reason}`];
  }
  if (!rollout || !config) return [];
  const { from, to, share, paused, failures, reason } = rollout;
  const stage = share < 1 ? `a canary of ${String(Math.round(share * 1000) / 10)} %` : "in all new servers";
  const count = (version: string): string => `${String(versions.get(version) ?? 0)} run ${version}`;
  return [
    `version ${to} is taken in for ${from}: ${stage}${paused ? ", paused" : ""}, because: ${reason}`,
    `of its servers ${count(from)} and ${count(to)}; ${String(failures)} of ${to} failed, ${String(config.rollout.maxFailures)} stop it`,
    `next: ${nextStep(s, fleet, rollout)}`,
  ];
}

function nextStep(s: CoreState, fleet: Fleet, { from, to, share, paused, upSinceMs }: Rollout): string {
  if (paused) return "it goes on when it is resumed, or back, by hand";
  const { untilMs } = crashOf(fleet, to);
  if (s.nowMs < untilMs) return `${to} is started again, after its failures, at ${clock(s, untilMs)}`;
  const before = comesBefore(s, fleet);
  if (before) return `it goes on when that is over: ${waitText(before, fleet)}`;
  if (lacksRoom(fleet, roomFor(s, fleet)))
    return `the maximum leaves no room for a server of ${to} beside the last of ${from}: it goes on when that is raised, or is promoted or rolled back by hand`;
  if (fleet.fallsBack)
    return `the maximum leaves no room for a server of ${to}: until one of ${from} is empty these take who comes; a higher maximum takes it in sooner`;
  if (upSinceMs === null) return `it goes on when the first server of ${to} is up`;
  if (share >= 1) return `the servers of ${from} go: ${oldText(fleet, from)}`;
  const secs = fleet.config?.rollout.promoteAfterSecs;
  if (secs === undefined) return "it is promoted or rolled back by hand";
  return `it is promoted at ${clock(s, upSinceMs + secs * 1000)}, unless it is stopped by failures or by hand`;
}

function oldText(fleet: Fleet, from: string): string {
  const old = [...fleet.servers].filter(({ version }) => version === from);
  const empty = old.filter(isEmpty).length;
  return `${String(old.length - empty)} when their players have left, ${String(empty)} empty ones as servers of the other come up`;
}

function clock(s: CoreState, ms: number): string {
  return `${s.out.iso(ms).slice(11, 19)} UTC`;
}
