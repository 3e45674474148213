/**
 * How one controller stands to its region's lock: a pure state machine. What it asks for is done outside, and comes back
 * as events; an answer that a later step has overtaken names another session, and changes nothing.
 *
 *     outside ── session ──> candidate ── acquired ──> raising ── raised ──> leading
 *        ^                       │                        │                     │
 *        ├── session gone ───────┘                        │                     │
 *        └── session gone, or the lock is another's ──────┴─────────────────────┘
 *
 * Beside it runs time. A feed that had succeeded before the lock was then found to be ours makes leading sure for the
 * check's life from when that feed began: a later feed may have come too late and revived a check whose session is gone.
 * From then on, and while `kept` says so after the lock was lost to nobody, the epoch is still led with, held to
 * what no second leader can spoil (`holding`), for at most 30 seconds. That somebody else has the lock ends it at once.
 */
export type LockState =
  | { readonly kind: "outside" }
  | { readonly kind: "candidate"; readonly session: string }
  | { readonly kind: "raising"; readonly session: string }
  | { readonly kind: "leading"; readonly session: string; readonly epoch: number };

export interface LeaderName {
  readonly controllerId: string;
  /** Where its API answers. */
  readonly url: string;
}

export interface Candidacy {
  /** Its own controllerId. */
  readonly self: string;
  readonly lock: LockState;
  /** When feeding the check that the session hangs on was last begun and then succeeded. */
  readonly fedMs: number;
  /** When looking at the lock was last begun and then found it ours. */
  readonly heldMs: number;
  /** When the feed was begun that had succeeded before such a look. */
  readonly sureMs: number;
  /** An epoch that is led with although the lock is lost, for so long. */
  readonly kept: { readonly epoch: number; readonly untilMs: number } | undefined;
  /** The highest epoch that agents are known to have seen: the next one must be above it. */
  readonly floor: number;
  /** The highest epoch this controller has led with. */
  readonly epoch: number;
  readonly leader: LeaderName | undefined;
}

export type LockEvent =
  | { readonly type: "session"; readonly session: string; readonly startedMs: number }
  /** The session, or the check that it hangs on, is not there any more. */
  | { readonly type: "sessionGone"; readonly session: string }
  | { readonly type: "fed"; readonly startedMs: number }
  /** The lock as it was at some time after `startedMs`; `fedMs` is the state's own at that time. */
  | {
      readonly type: "lock";
      readonly startedMs: number;
      readonly fedMs: number;
      readonly holder: string | undefined;
      readonly leader: LeaderName | undefined;
    }
  | { readonly type: "acquired"; readonly session: string; readonly startedMs: number; readonly fedMs: number }
  | {
      readonly type: "raised";
      readonly session: string;
      readonly epoch: number;
      readonly startedMs: number;
      readonly fedMs: number;
    }
  /** The highest epoch that an agent follows; above its own, another leads or has led. */
  | { readonly type: "seen"; readonly epoch: number }
  | { readonly type: "time" };

export type LockWish =
  | { readonly type: "makeSession" }
  | { readonly type: "endSession"; readonly session: string }
  | { readonly type: "acquire"; readonly session: string }
  /** Find an epoch above `above`, or go on with `keep` where nobody has led since. */
  | { readonly type: "raise"; readonly session: string; readonly above: number; readonly keep: number | undefined };

export type Standing =
  | { readonly role: "leader"; readonly epoch: number }
  | { readonly role: "holding"; readonly epoch: number }
  | { readonly role: "standby"; readonly epoch: number; readonly leader: LeaderName | undefined };

/** A check that was not fed for so long fails, and with it the session. Consul's own limit for a session's TTL is 10 s. */
export const CHECK_MS = 1600;
/** DESIGN: without the lock, grants and moves go on for at most so long. */
export const HOLD_MS = 30_000;

export function outside(self: string): Candidacy {
  const never = { fedMs: -Infinity, heldMs: -Infinity, sureMs: -Infinity };
  return { self, lock: { kind: "outside" }, ...never, kept: undefined, floor: 0, epoch: 0, leader: undefined };
}

/** Until when it surely leads alone; -Infinity where it does not. */
export function certainUntilMs({ lock, sureMs }: Candidacy): number {
  return lock.kind === "leading" ? sureMs + CHECK_MS : -Infinity;
}

/** What the controller is to be told. */
export function standing(state: Candidacy, nowMs: number): Standing {
  const { lock, kept, epoch, leader } = state;
  const certainMs = certainUntilMs(state);
  if (lock.kind === "leading" && nowMs < certainMs) return { role: "leader", epoch: lock.epoch };
  if (lock.kind === "leading" && nowMs < certainMs + HOLD_MS) return { role: "holding", epoch: lock.epoch };
  if (kept && nowMs < kept.untilMs) return { role: "holding", epoch: kept.epoch };
  return { role: "standby", epoch, leader: leader?.controllerId === state.self ? undefined : leader };
}

/** When its standing changes with time alone; Infinity where it does not. */
export function changesAtMs(state: Candidacy, nowMs: number): number {
  const certainMs = certainUntilMs(state);
  const moments = [certainMs, certainMs + HOLD_MS, state.kept?.untilMs ?? Infinity];
  return Math.min(...moments.filter((ms) => ms > nowMs), Infinity);
}

export interface LockStep {
  readonly state: Candidacy;
  readonly wishes: readonly LockWish[];
}

export function step(before: Candidacy, event: LockEvent, nowMs: number): LockStep {
  const state = standing(before, nowMs).role === "standby" ? giveUpKept(before) : before;
  const { lock } = state;
  switch (event.type) {
    case "session":
      if (lock.kind !== "outside") return { state, wishes: [{ type: "endSession", session: event.session }] };
      return {
        // What was seen of an earlier session proves nothing of this one.
        state: {
          ...state,
          lock: { kind: "candidate", session: event.session },
          fedMs: event.startedMs,
          sureMs: -Infinity,
        },
        wishes: [],
      };
    case "sessionGone":
      return lock.kind !== "outside" && lock.session === event.session
        ? { state: lost(state, nowMs), wishes: [{ type: "makeSession" }] }
        : { state, wishes: [] };
    case "fed":
      return { state: { ...state, fedMs: Math.max(state.fedMs, event.startedMs) }, wishes: [] };
    case "lock":
      return onLock(state, event, nowMs);
    case "acquired":
      if (lock.kind !== "candidate" || lock.session !== event.session) return { state, wishes: [] };
      return raise(held(state, event), event.session);
    case "raised":
      return onRaised(state, event, nowMs);
    case "seen":
      return onSeen(state, event.epoch);
    case "time":
      return { state, wishes: lock.kind === "outside" ? [{ type: "makeSession" }] : [] };
  }
}

function onLock(state: Candidacy, event: Extract<LockEvent, { type: "lock" }>, nowMs: number): LockStep {
  const { lock } = state;
  const { holder, leader, startedMs } = event;
  // Where a session of its own that is over is still shown, nobody else has the lock.
  const foreign = holder !== undefined && leader?.controllerId !== state.self;
  if (lock.kind === "outside") return { state: foreign ? { ...giveUpKept(state), leader } : state, wishes: [] };
  if (holder === lock.session) {
    const seen = { ...held(state, event), leader };
    return lock.kind === "leading" ? { state: seen, wishes: [] } : raise(seen, lock.session);
  }
  // An answer from before the lock was taken says nothing about now.
  if (lock.kind !== "candidate" && startedMs <= state.heldMs) return { state, wishes: [] };
  if (holder === undefined) {
    if (lock.kind === "candidate") return { state, wishes: [{ type: "acquire", session: lock.session }] };
    return leave(lost(state, nowMs), lock.session);
  }
  if (lock.kind === "candidate") return { state: foreign ? { ...giveUpKept(state), leader } : state, wishes: [] };
  return leave({ ...giveUpKept(state), leader, lock: { kind: "outside" } }, lock.session);
}

function onRaised(state: Candidacy, event: Extract<LockEvent, { type: "raised" }>, nowMs: number): LockStep {
  const { lock } = state;
  if (lock.kind !== "raising" || lock.session !== event.session) return { state, wishes: [] };
  const seen = held(state, event);
  const sure = nowMs < seen.sureMs + CHECK_MS;
  // Agents may have seen a higher one meanwhile, and an answer that took long proves nothing any more: the next look at
  // the lock asks again.
  const outrun = event.epoch === state.kept?.epoch ? event.epoch < state.floor : event.epoch <= state.floor;
  if (!sure || outrun) return { state: seen, wishes: [] };
  const { session, epoch } = event;
  return {
    state: { ...seen, lock: { kind: "leading", session, epoch }, kept: undefined, epoch: Math.max(state.epoch, epoch) },
    wishes: [],
  };
}

/** Another leads, or has led: what it leads with now is no good; while it holds the lock it takes an epoch above. */
function onSeen(before: Candidacy, epoch: number): LockStep {
  const floor = Math.max(before.floor, epoch);
  const state = { ...before, floor };
  const { lock } = state;
  const led = lock.kind === "leading" ? lock.epoch : state.kept?.epoch;
  if (led !== undefined && led >= floor) return { state, wishes: [] };
  const over = giveUpKept(state);
  return lock.kind === "leading" ? raise(over, lock.session) : { state: over, wishes: [] };
}

/** The lock was found to be ours. */
function held(state: Candidacy, look: { readonly startedMs: number; readonly fedMs: number }): Candidacy {
  const { heldMs, sureMs } = state;
  return { ...state, heldMs: Math.max(heldMs, look.startedMs), sureMs: Math.max(sureMs, look.fedMs) };
}

function raise(state: Candidacy, session: string): LockStep {
  const { floor, kept } = state;
  const keep = kept && kept.epoch >= floor ? kept.epoch : undefined;
  return {
    state: { ...state, lock: { kind: "raising", session } },
    wishes: [{ type: "raise", session, above: Math.max(floor, state.epoch), keep }],
  };
}

/** The lock is gone and nobody is known to have it. */
function lost(state: Candidacy, nowMs: number): Candidacy {
  const now = standing(state, nowMs);
  const untilMs =
    state.lock.kind === "leading" ? Math.min(certainUntilMs(state), nowMs) + HOLD_MS : state.kept?.untilMs;
  const kept = now.role === "standby" || untilMs === undefined ? undefined : { epoch: now.epoch, untilMs };
  return { ...state, lock: { kind: "outside" }, kept };
}

/** A session that lost its lock is given up: what else is wrong with it cannot be known. */
function leave(state: Candidacy, session: string): LockStep {
  return { state, wishes: [{ type: "endSession", session }, { type: "makeSession" }] };
}

function giveUpKept(state: Candidacy): Candidacy {
  return state.kept ? { ...state, kept: undefined } : state;
}
