import * as fc from "fast-check";
import type { SeatRequest } from "../../protocol/messages";
import { seatRequest } from "../test-node";
import { SeatBook, type Granted, type SeatRules } from "./seat-book";
import type { SeatRecord } from "./seat-record";
import { SeatState } from "./seat-state";

/**
 * Any mixture of everything that can happen to a server, in any order: the promises P1 (never over its seats), P3 (closed
 * only when empty, and for good) and P4 (the same request twice has the effect of once) must hold after each step.
 */
const LEASE = 100;

type Step =
  | { readonly do: "grant"; readonly seats: readonly SeatRequest[] }
  | { readonly do: "claim"; readonly matchId: string; readonly seats: readonly SeatRequest[] }
  | { readonly do: "join"; readonly session: number; readonly generation: number; readonly again: boolean }
  | { readonly do: "leave"; readonly session: number }
  | { readonly do: "release"; readonly session: number; readonly generation: number }
  | { readonly do: "close"; readonly onlyIfEmpty: boolean }
  | { readonly do: "ready"; readonly repeated: boolean }
  | { readonly do: "reserve"; readonly ms: number | undefined }
  | { readonly do: "health"; readonly healthy: boolean }
  | { readonly do: "see"; readonly names: readonly string[] | undefined; readonly count: number }
  | { readonly do: "line"; readonly change: "joined" | "left"; readonly session: number }
  | { readonly do: "wait"; readonly ms: number }
  | { readonly do: "gone" };

const session = fc.nat(7);
const generation = fc.integer({ min: 1, max: 3 });
const player = (of: number): string => `player-${of}`;
const seat = fc
  .record({ of: session, generation, matchId: fc.option(fc.constantFrom("m", "n"), { nil: undefined }) })
  .map(({ of, generation, matchId }) =>
    seatRequest(`session-${of}`, { playerId: player(of), generation }, { matchId }),
  );
const seats = fc.array(seat, { maxLength: 5 });

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("grant" as const), seats }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("claim" as const), matchId: fc.constantFrom("m", "n"), seats }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("join" as const), session, generation, again: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("leave" as const), session }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("release" as const), session, generation }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("close" as const), onlyIfEmpty: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("ready" as const), repeated: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("reserve" as const),
      ms: fc.option(fc.nat(LEASE), { nil: undefined }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("health" as const), healthy: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("see" as const),
      names: fc.option(fc.array(fc.oneof(session.map(player), fc.constantFrom("a", "b")), { maxLength: 5 }), {
        nil: undefined,
      }),
      count: fc.nat(8),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("line" as const),
      change: fc.constantFrom("joined" as const, "left" as const),
      session,
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.nat(LEASE) }) },
  { weight: 1, arbitrary: fc.constant({ do: "gone" as const }) },
);

const rules: fc.Arbitrary<SeatRules> = fc.record({
  seats: fc.constantFrom("reported" as const, "match" as const, "observed" as const, "none" as const),
  maxPlayers: fc.nat(5),
});

/** A book, what it has recorded, and the same records replayed. */
class World {
  nowMs = 1000;
  readonly records: SeatRecord[] = [];
  readonly replayed = new SeatState();
  readonly book: SeatBook;

  constructor(readonly rules: SeatRules) {
    this.book = new SeatBook(rules, (record) => this.records.push(record));
    this.book.ready();
  }

  take(step: Step): void {
    const { book, nowMs } = this;
    const before = book.state.toData();
    const emptyBefore = book.empty;
    switch (step.do) {
      case "grant":
        return this.granted(step.seats, () => book.grant(step.seats, LEASE, nowMs));
      case "claim":
        return this.granted(step.seats, () => book.claim(step.matchId, step.seats, LEASE, nowMs));
      case "join": {
        const joined = book.join(this.claims(step.session, step.generation), step.again, nowMs);
        const was = before.seats.find(({ sessionId }) => sessionId === `session-${step.session}`);
        if (joined.ok) {
          expect(was).toMatchObject({ generation: step.generation });
          expect(was?.joinedAtMs === undefined || step.again).toBe(true);
          expect(was?.leaseExpiresAtMs === undefined || nowMs < was.leaseExpiresAtMs).toBe(true);
        } else expect(book.state.toData()).toEqual(before);
        return;
      }
      case "leave":
        return void book.leave(player(step.session));
      case "release":
        return void book.release([{ sessionId: `session-${step.session}`, generation: step.generation }]);
      case "close": {
        const closed = book.close(step.onlyIfEmpty);
        if (!closed.ok) expect([step.onlyIfEmpty, emptyBefore]).toEqual([true, false]);
        else if (step.onlyIfEmpty && !before.closed && !before.gone) expect(emptyBefore).toBe(true);
        return;
      }
      case "ready":
        return void book.ready(step.repeated);
      case "reserve":
        return book.note({ kind: "reserved", untilMs: step.ms === undefined ? undefined : nowMs + step.ms });
      case "health":
        return book.note({ kind: "health", healthy: step.healthy, reason: "" });
      case "see": {
        book.observe(step.names ? { names: step.names } : { count: step.count }, nowMs);
        if (this.rules.seats !== "observed" || before.gone) return;
        expect(this.joinedSeats() + book.state.walkIns.count).toBe(step.names?.length ?? step.count);
        return;
      }
      case "line":
        return void book.observeLine(step.change, player(step.session), nowMs);
      case "wait":
        this.nowMs += step.ms;
        book.expire(this.nowMs);
        book.lapse();
        return;
      case "gone":
        return book.note({ kind: "gone", reason: "killed", atMs: nowMs });
    }
  }

  check(before: ReturnType<SeatState["toData"]>): void {
    const after = this.book.state.toData();
    // P1: what is granted is never more than there are seats, whoever walks in.
    expect(after.seats.length).toBeLessThanOrEqual(this.rules.maxPlayers);
    expect(new Set(after.seats.map(({ sessionId }) => sessionId)).size).toBe(after.seats.length);
    // Closed and gone are for good, and nobody gets a seat any more.
    if (before.closed || before.gone) {
      expect([after.closed, after.gone]).toEqual([before.closed || after.closed, before.gone ?? after.gone]);
      const held = new Map(before.seats.map((one) => [one.sessionId, one.generation]));
      for (const one of after.seats) expect(held.get(one.sessionId)).toBe(one.generation);
    }
    // Generations of a session never go down.
    const highest = new Map([...before.former, ...before.seats].map((one) => [one.sessionId, one.generation]));
    for (const one of after.seats) {
      expect(one.generation).toBeGreaterThanOrEqual(highest.get(one.sessionId) ?? 0);
    }
    // The records alone, as the journal has them, give the same state after every step.
    for (const record of this.records.splice(0)) {
      this.replayed.apply(JSON.parse(JSON.stringify(record)) as SeatRecord);
    }
    expect(this.replayed.toData()).toEqual(after);
  }

  /** All or none, and the second time changes nothing. */
  private granted(requests: readonly SeatRequest[], grant: () => Granted): void {
    const before = this.book.state.toData();
    const first = grant();
    const after = this.book.state.toData();
    if (!first.ok) {
      expect(after).toEqual(before);
      return;
    }
    expect(first.seats.map(({ sessionId }) => sessionId)).toEqual(requests.map(({ sessionId }) => sessionId));
    const written = this.records.length;
    expect(grant()).toEqual(first);
    expect(this.book.state.toData()).toEqual(after);
    expect(this.records).toHaveLength(written);
    const fresh = after.seats.filter((one) => !before.seats.some(({ sessionId }) => sessionId === one.sessionId));
    if (fresh.length === 0) return;
    expect(before).toMatchObject({ ready: true, healthy: true, closed: false, gone: undefined });
    expect(after.seats.length + after.walkIns.count).toBeLessThanOrEqual(this.rules.maxPlayers);
  }

  private claims(of: number, generation: number) {
    const ticket = { serverId: "s", allocationId: "a", expiresAtMs: this.nowMs + 1 };
    return { sessionId: `session-${of}`, playerId: player(of), generation, ...ticket };
  }

  private joinedSeats(): number {
    return [...this.book.state.seats.values()].filter(({ joinedAtMs }) => joinedAtMs !== undefined).length;
  }
}

test("seats keep their promises in any order of events", () => {
  fc.assert(
    fc.property(rules, fc.array(step, { maxLength: 60 }), (rules, steps) => {
      const world = new World(rules);
      for (const one of steps) {
        const before = world.book.state.toData();
        world.take(one);
        world.check(before);
      }
    }),
    { numRuns: 1000 },
  );
});

test("a checkpoint brings back exactly what was", () => {
  fc.assert(
    fc.property(rules, fc.array(step, { maxLength: 30 }), fc.array(step, { maxLength: 10 }), (rules, before, after) => {
      const world = new World(rules);
      for (const one of before) world.take(one);
      const data = world.book.state.toData();
      const checkpoint = world.book.state.checkpoint();
      for (const one of after) world.take(one);
      checkpoint.takeBack();
      expect(unordered(world.book.state)).toEqual(unordered(replay([{ kind: "state", state: data }])));
    }),
    { numRuns: 300 },
  );
});

test("a checkpoint that was kept takes nothing back later", () => {
  const world = new World({ seats: "reported", maxPlayers: 2 });
  const first = world.book.state.checkpoint();
  world.take({ do: "grant", seats: [seatRequest("x")] });
  first.keep();
  world.take({ do: "grant", seats: [seatRequest("y")] });
  const second = world.book.state.checkpoint();
  world.take({ do: "grant", seats: [seatRequest("y", { generation: 2 })] });
  second.takeBack();
  expect([...world.book.state.seats.values()].map((one) => [one.sessionId, one.generation])).toEqual([
    ["x", 1],
    ["y", 1],
  ]);
});

function replay(records: readonly SeatRecord[]): SeatState {
  const state = new SeatState();
  for (const record of records) state.apply(record);
  return state;
}

function unordered(state: SeatState): unknown {
  const { seats, former, ...rest } = state.toData();
  const bySession = (a: { readonly sessionId: string }, b: { readonly sessionId: string }): number =>
    a.sessionId < b.sessionId ? -1 : 1;
  return { ...rest, seats: [...seats].sort(bySession), former: [...former].sort(bySession) };
}
