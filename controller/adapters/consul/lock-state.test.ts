import {
  CHECK_MS,
  certainUntilMs,
  outside,
  standing,
  step,
  type Candidacy,
  type LockEvent,
  type LockWish,
} from "./lock-state";

const NOW = 1_000_000;
const other = { controllerId: "b", url: "http://b" };
const own = { controllerId: "a", url: "http://a" };
const session = "s1";
const at = { startedMs: NOW - 20, fedMs: NOW - 30 };

const OUTSIDE = outside("a");
const CANDIDATE: Candidacy = { ...OUTSIDE, lock: { kind: "candidate", session }, fedMs: NOW - 30 };
const RAISING: Candidacy = { ...CANDIDATE, lock: { kind: "raising", session }, heldMs: NOW - 100, sureMs: NOW - 100 };
const LEADING: Candidacy = { ...RAISING, lock: { kind: "leading", session, epoch: 5 }, epoch: 5 };
/** It led with 5 and has lost its session to nobody. */
const KEEPING: Candidacy = { ...OUTSIDE, epoch: 5, kept: { epoch: 5, untilMs: NOW + 20_000 } };
const KEEPING_CANDIDATE: Candidacy = { ...KEEPING, lock: { kind: "candidate", session }, fedMs: NOW - 30 };

const free: LockEvent = { type: "lock", ...at, holder: undefined, leader: undefined };
const ours: LockEvent = { type: "lock", ...at, holder: session, leader: own };
const theirs: LockEvent = { type: "lock", ...at, holder: "s9", leader: other };
const acquired: LockEvent = { type: "acquired", session, ...at };
const raised: LockEvent = { type: "raised", session, epoch: 6, ...at };
const gone: LockEvent = { type: "sessionGone", session };

type Row = readonly [string, Candidacy, LockEvent, Candidacy["lock"]["kind"], string, readonly LockWish["type"][]];

/** State, event, and what follows: the lock's state, what the controller is told, what is to be done. */
const TABLE: readonly Row[] = [
  ["time passes outside", OUTSIDE, { type: "time" }, "outside", "standby", ["makeSession"]],
  ["a session comes", OUTSIDE, { type: "session", session, startedMs: NOW }, "candidate", "standby", []],
  [
    "a second session comes",
    LEADING,
    { type: "session", session: "s2", startedMs: NOW },
    "leading",
    "leader 5",
    ["endSession"],
  ],
  ["the lock is free", CANDIDATE, free, "candidate", "standby", ["acquire"]],
  ["the lock is another's", CANDIDATE, theirs, "candidate", "standby of b", []],
  ["the lock is ours, but the answer was lost", CANDIDATE, ours, "raising", "standby", ["raise"]],
  ["the lock is got", CANDIDATE, acquired, "raising", "standby", ["raise"]],
  ["it is got by a session before", CANDIDATE, { ...acquired, session: "s0" }, "candidate", "standby", []],
  ["the epoch is raised", RAISING, raised, "leading", "leader 6", []],
  [
    "it is raised too late to be sure",
    { ...RAISING, sureMs: -Infinity },
    { ...raised, startedMs: NOW - 9000, fedMs: NOW - 9000 },
    "raising",
    "standby",
    [],
  ],
  ["an agent has seen it already", { ...RAISING, floor: 6 }, raised, "raising", "standby", []],
  ["the lock is still ours", LEADING, ours, "leading", "leader 5", []],
  ["an old look says that it is free", LEADING, { ...free, startedMs: NOW - 200 }, "leading", "leader 5", []],
  ["the lock is free again", LEADING, free, "outside", "holding 5", ["endSession", "makeSession"]],
  ["the lock was taken by another", LEADING, theirs, "outside", "standby of b", ["endSession", "makeSession"]],
  ["the session is gone", LEADING, gone, "outside", "holding 5", ["makeSession"]],
  ["an agent follows another", LEADING, { type: "seen", epoch: 8 }, "raising", "standby", ["raise"]],
  ["an agent follows this one", LEADING, { type: "seen", epoch: 5 }, "leading", "leader 5", []],
  ["it holds, and gets the lock", KEEPING_CANDIDATE, acquired, "raising", "holding 5", ["raise"]],
  ["it holds, and another has the lock", KEEPING_CANDIDATE, theirs, "candidate", "standby of b", []],
  ["it holds outside, and another has the lock", KEEPING, theirs, "outside", "standby of b", []],
  ["it holds, and its old session is still shown", KEEPING, { ...ours, holder: "s0" }, "outside", "holding 5", []],
  ["it holds, and an agent follows another", KEEPING, { type: "seen", epoch: 6 }, "outside", "standby", []],
];

function told(state: Candidacy): string {
  const now = standing(state, NOW);
  if (now.role !== "standby") return `${now.role} ${now.epoch}`;
  return now.leader ? `standby of ${now.leader.controllerId}` : "standby";
}

test.each(TABLE)("%s", (_name, before, event, kind, standingNow, wishes) => {
  const { state, wishes: wished } = step(before, event, NOW);
  expect([state.lock.kind, told(state), wished.map(({ type }) => type)]).toEqual([kind, standingNow, wishes]);
});

test("leading is sure by the feed before the look, not by the look", () => {
  expect(certainUntilMs(step(LEADING, ours, NOW).state)).toBe(NOW - 30 + CHECK_MS);
  expect(told({ ...LEADING, sureMs: NOW - CHECK_MS })).toBe("holding 5");
  expect(told({ ...LEADING, sureMs: NOW - 31_800 })).toBe("standby");
});

test("it goes on with its epoch only while it is kept, and never below what agents have seen", () => {
  const wish = (state: Candidacy) => step(state, acquired, NOW).wishes[0];
  expect(wish(KEEPING_CANDIDATE)).toMatchObject({ keep: 5, above: 5 });
  expect(wish({ ...KEEPING_CANDIDATE, floor: 9 })).toMatchObject({ keep: undefined, above: 9 });
  expect(wish({ ...KEEPING_CANDIDATE, kept: { epoch: 5, untilMs: NOW } })).toMatchObject({ keep: undefined, above: 5 });
});
