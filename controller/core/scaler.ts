import { chainSeen, consult } from "./advice";
import { mayShrink } from "./canary";
import { followChain } from "./chain";
import { defragment, noteGrowth } from "./defragment";
import { crashOf, answerP95, movingServers, wholeServers, type Fleet } from "./fleet";
import { awaitsKept } from "./kept-fleets";
import { isOverShare, makeRoom } from "./make-room";
import { markOverflow } from "./overflow";
import { roomFor } from "./priority";
import { boundsOf, growsAfter } from "./fleet-bounds";
import { factsOf, planText } from "./scaling-facts";
import { claimOf, evaluate, stepIsOpen, upReadyMs, type FleetObservation, type ScalingPlan } from "./scaling";
import { rollOut } from "./roller";
import { closeEmpty, emptyServers } from "./scale-down";
import { ensureRoles, mayStart, spawn } from "./spawn";
import type { CoreState } from "./state";
import { emptyForAll, freeForAll, heldBack, unservedByOnly, versionToStart } from "./versions";
import { unservedNow } from "./unserved";
import { wantedEmpty } from "./wanted";

/** Brings a fleet's size in line: replacements at once, everything else as `evaluate` plans. */
export function scale(s: CoreState, fleet: Fleet): void {
  if (!s.deciding || s.holding || awaitsKept(s)) return;
  if (!fleet.config) return retire(s, fleet);
  ensureRoles(s, fleet);
  replaceOwed(s, fleet);
  rollOut(s, fleet);
  resize(s, fleet);
  markOverflow(s, fleet);
}

function resize(s: CoreState, fleet: Fleet): void {
  const interval = s.nowMs >= fleet.nextEvaluationMs;
  if (!interval && !crossed(s, fleet)) return;
  if (interval) {
    fleet.nextEvaluationMs = s.nowMs + s.settings.scalingIntervalSecs * 1000;
    fleet.index.prune();
  }
  fleet.countsChanged = false;
  fleet.evaluatedMs = s.nowMs;
  const verdict = followChain(fleet.policy, chainSeen(fleet), s.nowMs);
  fleet.verdict = verdict;
  consult(s, fleet, verdict);
  const seen = observe(s, fleet);
  const inForce = { ...fleet.policy, buffer: verdict.buffer };
  const bounds = boundsOf(s, fleet, verdict, (own) => claimOf(seen, inForce, own));
  const plan = evaluate(seen, inForce, bounds, fleet.cooldown, s.nowMs);
  fleet.want = Math.min(plan.want, bounds.cap);
  fleet.share = bounds.shared === undefined ? Infinity : bounds.cap;
  fleet.over = Math.max(0, seen.usable + seen.starting + seen.suspect - fleet.share);
  fleet.floor = bounds.floor;
  fleet.thought = `at ${s.out.iso(s.nowMs).slice(11, 19)} UTC: ${planText(plan)}`;
  apply(s, fleet, plan, () => factsOf(fleet, seen, bounds));
  if (plan.action === "hold") makeRoom(s, fleet, bounds);
  if (interval && plan.action === "hold") defragment(s, fleet, seen, bounds);
  // One timer at a time: a window whose starts come within it ends later with each of them.
  if (fleet.changesAtMs <= s.nowMs) fleet.changesAtMs = Infinity;
  if (verdict.changesAtMs < fleet.changesAtMs) {
    fleet.changesAtMs = verdict.changesAtMs;
    s.timers.at(verdict.changesAtMs, () => s.dirty.add(fleet));
  }
}

/** Whether something has crossed a threshold since the last evaluation; costs the same for any number of servers. */
function crossed(s: CoreState, fleet: Fleet): boolean {
  const { index, line, policy, servers } = fleet;
  const { buffer } = fleet.verdict ?? policy;
  if (fleet.recheckAtMs !== null && s.nowMs >= fleet.recheckAtMs) return true;
  if (fleet.countsChanged || s.nowMs >= fleet.changesAtMs) return true;
  if (isOverShare(fleet)) return true;
  if (roomFor(s, fleet) <= 0 || !mayStart(s, fleet)) return false;
  if (servers.size < Math.max(policy.minServers, fleet.desired ?? 0)) return true;
  if (growsAfter(s, fleet) !== undefined) return false;
  const per = wholeServers(fleet) ? 1 : Math.max(1, fleet.config?.maxPlayers ?? 1);
  const moving = movingServers(fleet);
  const waiting = moving + line.joinServers + (wholeServers(fleet) ? 0 : line.joinSeats / per);
  const { starting } = fleet;
  if (moving > starting) return true;
  const readyMs = upReadyMs(policy, fleet.cooldown);
  // It has been told already that nothing more is started until then, and looks again.
  const cooling = s.nowMs < readyMs && fleet.recheckAtMs !== null && fleet.recheckAtMs <= readyMs;
  if (waiting > starting) return !cooling || stepIsOpen(fleet.cooldown, s.nowMs);
  if (cooling) return false;
  if (buffer.kind === "servers") {
    if (emptyForAll(fleet) + starting < buffer.servers) return true;
  } else if (freeForAll(fleet) + starting * per < index.held * buffer.share) return true;
  return !wholeServers(fleet) && index.held > policy.targetPlayers * (index.usable + starting);
}

export function observe(s: CoreState, fleet: Fleet): FleetObservation {
  const { index, line } = fleet;
  const whole = wholeServers(fleet);
  const empty = emptyForAll(fleet);
  const seatsFree = freeForAll(fleet);
  const only = unservedByOnly(fleet, s.nowMs);
  const unserved = unservedNow(fleet.unserved, s.nowMs, whole ? empty : seatsFree) + only.from + only.to;
  const inLine = whole ? line.joinServers : line.joinSeats + line.joinServers * (fleet.config?.maxPlayers ?? 1);
  const moving = whole ? line.moveServers : line.moveSeats + line.moveServers * (fleet.config?.maxPlayers ?? 1);
  const held = heldBack(fleet, s.nowMs);
  const unit = whole ? "servers" : "seats";
  return {
    whole,
    seatsPerServer: Math.max(1, fleet.config?.maxPlayers ?? 1),
    live: fleet.servers.size,
    starting: fleet.starting,
    suspect: fleet.suspect,
    usable: index.usable,
    empty,
    wanted: wantedEmpty(s, fleet),
    seatsHeld: index.held,
    seatsFree,
    waiting: Math.max(0, inLine - held.join[unit]) + unserved,
    unserved,
    moving: Math.max(0, moving - held.move[unit]),
    cpu: index.cpu(),
    responseP95Ms: answerP95(fleet, s.nowMs),
  };
}

/** @param facts what the plan was made from, asked for where it is carried out */
function apply(s: CoreState, fleet: Fleet, plan: ScalingPlan, facts: () => readonly string[]): void {
  fleet.recheckAtMs = null;
  const again = Math.max(
    plan.againMs ?? -Infinity,
    plan.action === "up" && !mayStart(s, fleet) ? crashOf(fleet, versionToStart(fleet, s.nowMs)).untilMs : -Infinity,
  );
  if (again > s.nowMs) {
    fleet.recheckAtMs = again;
    s.timers.at(again, () => s.dirty.add(fleet));
  }
  if (plan.action === "up") grow(s, fleet, plan, facts);
  else if (plan.action === "down") shrink(s, fleet, plan, facts);
}

function grow(s: CoreState, fleet: Fleet, plan: ScalingPlan, facts: () => readonly string[]): void {
  if (!mayStart(s, fleet)) return;
  const by = Math.min(plan.by, roomFor(s, fleet));
  if (by <= 0) return;
  const reason = plan.reasons.join("; ");
  const reasons = [...plan.reasons, ...facts()];
  const from = fleet.servers.size;
  for (let i = 0; i < by; i++) spawn(s, fleet, { reason });
  if (plan.cause === "step") fleet.cooldown.lastUpMs = s.nowMs;
  if (plan.cause !== "minimum") noteGrowth(fleet, s.nowMs);
  s.out.scaling(fleet.id, "up", from, from + by, reason, { cause: plan.cause });
  record(s, fleet, `up by ${String(by)} to ${String(from + by)}`, reasons);
}

function shrink(s: CoreState, fleet: Fleet, plan: ScalingPlan, facts: () => readonly string[]): void {
  // Above the maximum those that were asked for go too, after all others.
  const over = plan.cause === "over";
  const empties = emptyServers(s, fleet, { wanted: over });
  const going = mayShrink(fleet, empties, { by: plan.by, over }).slice(0, plan.by);
  if (going.length === 0) {
    if (empties.length > 0)
      fleet.thought = "no change: the last open server of a version stays while servers of another are played on";
    return;
  }
  const reasons = [...plan.reasons, ...facts()];
  fleet.cooldown.lastDownMs = s.nowMs;
  for (const server of going) closeEmpty(s, server, "scaleDown", plan.reasons.join("; "));
  record(s, fleet, `down by ${String(going.length)}`, reasons);
}

function replaceOwed(s: CoreState, fleet: Fleet): void {
  while (fleet.owed.length > 0 && mayStart(s, fleet)) {
    if (roomFor(s, fleet) <= 0) {
      // Once what failed has left, there is room; where others took it, scaling decides.
      if (![...fleet.servers].some(({ state }) => state === "unhealthy" || state === "draining")) fleet.owed.length = 0;
      return;
    }
    const replaces = fleet.owed.shift();
    const old = s.servers.get(replaces ?? "");
    const server = spawn(s, fleet, { replaces, reason: `in place of ${replaces ?? "a failed server"}` });
    // One that was taken off an isolated node has not failed.
    if (old && old.ending?.kind !== "isolated")
      s.out.failover("replace", old, `${server.id} is started in its place`, { replacementId: server.id });
  }
}

/** forge.toml has it no longer: its servers go as they empty. */
function retire(s: CoreState, fleet: Fleet): void {
  for (const server of emptyServers(s, fleet, { wanted: true }))
    closeEmpty(s, server, "rollout", `${fleet.id} is no longer in forge.toml`);
  for (const server of fleet.servers)
    if (server.state === "starting" && !server.ending && s.usable(server.nodeId))
      closeEmpty(s, server, "rollout", `${fleet.id} is no longer in forge.toml`);
}

function record(s: CoreState, fleet: Fleet, outcome: string, reasons: readonly string[]): void {
  s.out.push({
    type: "record",
    record: s.records.make(s.nowMs, { kind: "scale", subject: fleet.id, outcome, reasons }),
  });
}
