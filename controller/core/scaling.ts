import type { ScalingPolicy } from "../../config/config";

/** What is known of a fleet when its size is thought about. */
export interface FleetObservation {
  /** A party takes a whole server: room is counted in servers, not in seats. */
  readonly whole: boolean;
  readonly seatsPerServer: number;
  /** All that have not ended, whatever their state: this is what the maximum bounds. */
  readonly live: number;
  readonly starting: number;
  /** Their node is silent. They are not dead, so nothing takes their place; but they give nobody a seat. */
  readonly suspect: number;
  /** Up, in use or ready for it. */
  readonly usable: number;
  /** Usable, and nobody on it or promised to it. */
  readonly empty: number;
  /** Of `empty`: asked for by somebody who is about to send players; they go only where there are more than the maximum. */
  readonly wanted: number;
  readonly seatsHeld: number;
  readonly seatsFree: number;
  /** Seats (or whole servers) that players wait for. */
  readonly waiting: number;
  /** Of `waiting`: who was sent away, and is taken to come again; see unserved.ts. */
  readonly unserved?: number;
  /** The same for players who lost their server. */
  readonly moving: number;
  /** Mean share of the CPU asked for; undefined where no server has told. */
  readonly cpu: number | undefined;
  readonly responseP95Ms: number | undefined;
}

export interface ScalingBounds {
  /** At least so many: the policy's minimum, a floor set by hand, the region's share. */
  readonly floor: number;
  /** Whether the floor is the region's, above what the policy asks for. */
  readonly isRegions?: boolean;
  /** At most so many: the policy's maximum, the region's share. */
  readonly cap: number;
  /** What the chain of policies wants kept; growing to it is a step like any other. */
  readonly keep?: { readonly servers: number; readonly reason: string } | null;
  /** So many servers that there are do not go for want of demand, and why; more than the cap do. */
  readonly stay?: { readonly servers: number; readonly reason: string } | null;
  /** Two versions run, one as a canary: where any server is kept, one of each is; the last two go together. */
  readonly pair?: boolean;
  /** Why the cap is less than the policy's maximum: who comes first; undefined where it is not. */
  readonly shared?: string | undefined;
  /** Whose servers find no node and come first: until they have, only repairs are made. */
  readonly after?: string | undefined;
}

export interface CooldownState {
  readonly lastUpMs: number;
  readonly lastDownMs: number;
}

export interface ScalingPlan {
  readonly action: "up" | "down" | "hold";
  /** How many servers to start or to close. */
  readonly by: number;
  /** How many servers there should be. */
  readonly want: number;
  /** `minimum` and `moving` are repairs and know no cooldown; `step` begins one; `enlarge` belongs to the last step. `over`: down to the maximum. */
  readonly cause: "minimum" | "moving" | "step" | "enlarge" | "down" | "over" | "none";
  readonly reasons: readonly string[];
  /** When it is worth looking again although nothing may have changed: the cooldown is over. */
  readonly againMs: number | undefined;
}

/** Players who come while a step's servers start belong to that step: it may grow for so long. */
export const STEP_OPEN_MS = 10_000;

/** Whether the last step may still grow by players who wait. */
export function stepIsOpen({ lastUpMs }: CooldownState, nowMs: number): boolean {
  return nowMs - lastUpMs < STEP_OPEN_MS;
}

/** When the next step up may begin. */
export function upReadyMs({ scaleUpCooldownSecs }: ScalingPolicy, { lastUpMs }: CooldownState): number {
  return lastUpMs + scaleUpCooldownSecs * 1000;
}

/**
 * The document's algorithm on its four metrics (CPU, players, queue length, response time):
 * up if CPU is above its threshold, players above their target, somebody waits, or answers are slow, once the cooldown
 * is over; down if CPU is below its threshold and players below their target, once that cooldown is over and there is
 * excess capacity. A step up is as large as the demand asks for; one begins at most every `scaleUpCooldownSecs`.
 */
export function evaluate(
  seen: FleetObservation,
  policy: ScalingPolicy,
  bounds: ScalingBounds,
  cooldown: CooldownState,
  nowMs: number,
): ScalingPlan {
  const have = seen.usable + seen.starting + seen.suspect;
  const repair = wantForRepair(seen, bounds, have);
  const growth = wantForDemand(seen, policy, bounds, have);
  const want = Math.max(repair.want, growth.want);
  const room = Math.max(0, bounds.cap - seen.live);
  // Above what it may have, empty servers go although it would want more: others have a right to them.
  if (want > have && have <= bounds.cap)
    return planUp(seen, policy, bounds, cooldown, nowMs, { have, room, repair, growth, want });
  return planDown(seen, policy, bounds, cooldown, nowMs, have);
}

/** How many servers it would have if region and cooldowns let it: what it claims where there is not room for all. */
export function claimOf(seen: FleetObservation, policy: ScalingPolicy, bounds: ScalingBounds): number {
  const have = seen.usable + seen.starting + seen.suspect;
  const want = Math.max(wantForRepair(seen, bounds, have).want, wantForDemand(seen, policy, bounds, have).want);
  return Math.min(bounds.cap, want > have ? want : have - spare(withoutWanted(seen), policy, bounds));
}

interface Want {
  readonly want: number;
  readonly reasons: readonly string[];
  /** Of `want`: what players who wait in the queue need. */
  readonly queue: number;
  readonly cause: "minimum" | "moving";
}

/** What must be there at once: the minimum, and room for players who lost their server. */
function wantForRepair(seen: FleetObservation, bounds: ScalingBounds, have: number): Want {
  const per = seen.whole ? 1 : seen.seatsPerServer;
  const uncovered = seen.moving - seen.starting * per;
  const forMoving = uncovered > 0 ? have + Math.ceil(uncovered / per) : 0;
  // Servers on their way out still count against the maximum but are no longer there for anybody.
  if (forMoving > bounds.floor) {
    return {
      want: forMoving,
      reasons: [`${String(seen.moving)} wait for a new place after their server was lost`],
      queue: 0,
      cause: "moving",
    };
  }
  return {
    want: bounds.floor,
    reasons: [
      `${String(have)} servers are below the minimum of ${String(bounds.floor)}` +
        (bounds.isRegions ? ", by the region's min_servers_per_region" : ""),
    ],
    queue: 0,
    cause: "minimum",
  };
}

function wantForDemand(seen: FleetObservation, policy: ScalingPolicy, { keep }: ScalingBounds, have: number): Want {
  const reasons: string[] = [];
  let want = 0;
  const ask = (count: number, reason: string): void => {
    if (count <= have) return;
    want = Math.max(want, count);
    reasons.push(reason);
  };
  const queue = wantForQueue(seen, have);
  ask(queue, queueText(seen));
  ask(wantForBuffer(seen, policy, have), `free capacity is below the buffer of ${bufferText(policy)}`);
  if (keep) ask(keep.servers, keep.reason);
  if (seen.cpu !== undefined && seen.cpu > policy.scaleUpThreshold && policy.targetCpu > 0) {
    ask(
      Math.max(seen.usable + 1, Math.ceil((seen.usable * seen.cpu) / policy.targetCpu)),
      `mean CPU ${share(seen.cpu)} is above ${share(policy.scaleUpThreshold)}`,
    );
  }
  if (!seen.whole && seen.usable > 0 && policy.targetPlayers > 0) {
    const mean = seen.seatsHeld / seen.usable;
    if (mean > policy.targetPlayers) {
      ask(
        Math.ceil(seen.seatsHeld / policy.targetPlayers),
        `${mean.toFixed(1)} players a server are above the target of ${String(policy.targetPlayers)}`,
      );
    }
  }
  if (
    policy.targetResponseMs !== undefined &&
    seen.responseP95Ms !== undefined &&
    seen.responseP95Ms > policy.targetResponseMs &&
    seen.starting === 0
  ) {
    ask(
      have + 1,
      `p95 of ${String(Math.round(seen.responseP95Ms))} ms to a seat is above ${String(policy.targetResponseMs)} ms`,
    );
  }
  return { want, reasons, queue, cause: "minimum" };
}

function queueText({ waiting, unserved = 0, starting }: FleetObservation): string {
  const sent = unserved > 0 ? ` (${String(unserved)} of them were sent away, as nothing was free)` : "";
  return `${String(waiting)} wait${sent} and ${String(starting)} starting servers do not cover them`;
}

function wantForQueue(seen: FleetObservation, have: number): number {
  const per = seen.whole ? 1 : seen.seatsPerServer;
  const uncovered = seen.waiting + seen.moving - seen.starting * per;
  return seen.waiting > 0 && uncovered > 0 ? have + Math.ceil(uncovered / per) : 0;
}

function wantForBuffer(seen: FleetObservation, policy: ScalingPolicy, have: number): number {
  const { buffer } = policy;
  const per = seen.whole ? 1 : seen.seatsPerServer;
  // Those who wait have a reason of their own.
  if (buffer.kind === "servers" && buffer.servers === 0) return 0;
  if (buffer.kind === "servers") {
    // Servers that take waiting players as soon as they are up are not free.
    const free = seen.empty + seen.starting - Math.ceil((seen.waiting + seen.moving) / per);
    return free < buffer.servers ? have + buffer.servers - free : 0;
  }
  const used = seen.whole ? seen.usable - seen.empty : seen.seatsHeld;
  const free = (seen.whole ? seen.empty : seen.seatsFree) + seen.starting * per - seen.waiting - seen.moving;
  const missing = Math.ceil(used * buffer.share - 1e-9) - free;
  return missing > 0 ? have + Math.ceil(missing / per) : 0;
}

interface Upwards {
  readonly have: number;
  readonly room: number;
  readonly repair: Want;
  readonly growth: Want;
  readonly want: number;
}

function planUp(
  seen: FleetObservation,
  policy: ScalingPolicy,
  { shared, after }: ScalingBounds,
  cooldown: CooldownState,
  nowMs: number,
  up: Upwards,
): ScalingPlan {
  const { have, room, repair, growth, want } = up;
  const readyMs = upReadyMs(policy, cooldown);
  const open = stepIsOpen(cooldown, nowMs);
  const cooled = nowMs >= readyMs;
  const allowed = after !== undefined ? repair.want : cooled ? want : Math.max(repair.want, open ? growth.queue : 0);
  const by = Math.min(room, Math.max(0, allowed - have));
  const reasons = [...(repair.want > have ? repair.reasons : []), ...(growth.want > have ? growth.reasons : [])];
  if (by === 0) {
    const why =
      room === 0
        ? `the maximum of ${String(seen.live)} is reached${shared === undefined ? "" : `: ${shared}`}`
        : (after ?? `cooling down for ${secs(readyMs - nowMs)}`);
    return {
      action: "hold",
      by: 0,
      want,
      cause: "none",
      reasons: [...reasons, why],
      againMs: room > 0 && !cooled ? readyMs : undefined,
    };
  }
  const cause =
    have + by <= repair.want ? repair.cause : cooled ? "step" : growth.queue > repair.want ? "enlarge" : repair.cause;
  return { action: "up", by, want, cause, reasons, againMs: !cooled && allowed < want ? readyMs : undefined };
}

function planDown(
  seen: FleetObservation,
  policy: ScalingPolicy,
  bounds: ScalingBounds,
  cooldown: CooldownState,
  nowMs: number,
  have: number,
): ScalingPlan {
  const hold = (reason: string, againMs?: number): ScalingPlan => ({
    action: "hold",
    by: 0,
    want: have,
    cause: "none",
    reasons: [reason],
    againMs,
  });
  const over = have - bounds.cap;
  // What others have a right to does not wait, nor does it go by tenths; but nobody loses what he has asked for.
  const owed = over > 0 && bounds.shared !== undefined;
  const excess =
    over > 0 ? Math.min(seen.empty - (owed ? seen.wanted : 0), over) : spare(withoutWanted(seen), policy, bounds);
  const { stay } = bounds;
  if (excess <= 0 && stay && spare(withoutWanted(seen), policy, { ...bounds, stay: null }) > 0)
    return hold(stay.reason);
  if (excess <= 0) return hold(seen.wanted > 0 ? `no excess capacity beside ${askedText(seen)}` : "no excess capacity");
  if (over <= 0) {
    if (seen.cpu !== undefined && seen.cpu >= policy.scaleDownThreshold && seen.empty < seen.usable)
      return hold(`mean CPU ${share(seen.cpu)} is not below ${share(policy.scaleDownThreshold)}`);
    if (seen.waiting > 0 || seen.moving > 0 || seen.starting > 0) return hold("players wait or servers start");
  }
  const readyMs = Math.max(cooldown.lastUpMs, cooldown.lastDownMs) + policy.scaleDownCooldownSecs * 1000;
  if (nowMs < readyMs && !owed)
    return hold(`${String(excess)} could go; cooling down for ${secs(readyMs - nowMs)}`, readyMs);
  // A tenth of the fleet at a time, so that a lull does not empty it.
  const tenth = Math.min(excess, Math.max(1, Math.ceil(have / 10)));
  const both = bounds.pair === true && over <= 0 && have === 2 && excess === 2;
  const by = owed || both ? excess : tenth;
  const reason =
    over > 0
      ? `${String(have)} servers are above the maximum of ${String(bounds.cap)}${bounds.shared === undefined ? "" : `: ${bounds.shared}`}`
      : `${String(seen.empty)} of ${String(seen.usable)} servers are empty and ${String(excess)} are more than buffer and demand need`;
  const reasons = seen.wanted > 0 && over <= 0 ? [reason, `${askedText(seen)} are kept`] : [reason];
  return { action: "down", by, want: have - by, cause: over > 0 ? "over" : "down", reasons, againMs: undefined };
}

/** Servers that were asked for stand beside what policy and demand need. */
function withoutWanted(seen: FleetObservation): FleetObservation {
  const { usable, empty, seatsFree, seatsPerServer, wanted } = seen;
  return {
    ...seen,
    usable: usable - wanted,
    empty: empty - wanted,
    seatsFree: Math.max(0, seatsFree - wanted * seatsPerServer),
  };
}

function askedText({ wanted }: FleetObservation): string {
  return `${String(wanted)} empty servers that were asked for`;
}

/** Empty servers that could go and leave minimum, buffer, target players and CPU satisfied. */
function spare(seen: FleetObservation, policy: ScalingPolicy, bounds: ScalingBounds): number {
  const { usable } = seen;
  let keep = Math.max(bounds.floor, bounds.keep?.servers ?? 0, bounds.stay?.servers ?? 0);
  if (!seen.whole && policy.targetPlayers > 0) keep = Math.max(keep, Math.ceil(seen.seatsHeld / policy.targetPlayers));
  // What idle servers use of their CPU is no reason to keep them.
  if (seen.cpu !== undefined && policy.scaleUpThreshold > 0 && seen.empty < usable) {
    // The same work on fewer servers must not call for another at once.
    keep = Math.max(keep, Math.ceil((usable * seen.cpu) / policy.scaleUpThreshold));
  }
  const { buffer } = policy;
  if (buffer.kind === "servers") keep = Math.max(keep, usable - seen.empty + buffer.servers);
  else if (seen.whole) keep = Math.max(keep, Math.ceil((usable - seen.empty) * (1 + buffer.share) - 1e-9));
  else {
    const surplus = seen.seatsFree - Math.ceil(seen.seatsHeld * buffer.share);
    keep = Math.max(keep, usable - Math.max(0, Math.floor(surplus / Math.max(1, seen.seatsPerServer))));
  }
  if (bounds.pair && keep > 0) keep = Math.max(keep, 2);
  return Math.min(seen.empty, Math.max(0, usable - keep));
}

function bufferText(policy: ScalingPolicy): string {
  return policy.buffer.kind === "servers" ? `${String(policy.buffer.servers)} servers` : share(policy.buffer.share);
}

function share(value: number): string {
  return `${String(Math.round(value * 100))} %`;
}

function secs(ms: number): string {
  return `${String(Math.ceil(ms / 1000))} s`;
}
