import * as fc from "fast-check";
import type { SeatRequest } from "../../protocol/messages";
import { seatRequest } from "../test-node";
import { SeatBook, type SeatRules } from "./seat-book";
import type { SeatRecord } from "./seat-record";
import { SeatState } from "./seat-state";

const NOW = 1_000_000;
const LEASE = 30_000;

function book(rules: Partial<SeatRules> = {}) {
  const records: SeatRecord[] = [];
  const one = new SeatBook({ seats: "reported", maxPlayers: 2, ...rules }, (record) => records.push(record));
  return { book: one, records };
}

function readyBook(rules: Partial<SeatRules> = {}) {
  const made = book(rules);
  made.book.ready();
  return made;
}

const claims = (sessionId: string, generation = 1) => ({
  sessionId,
  playerId: `player-${sessionId}`,
  serverId: "s",
  allocationId: "a",
  generation,
  expiresAtMs: NOW + LEASE,
});
const ask = (...ids: string[]) => ids.map((id) => seatRequest(id));

describe("grant", () => {
  test("all or none", () => {
    const { book } = readyBook();
    expect(book.grant(ask("x", "y", "z"), LEASE, NOW)).toMatchObject({ ok: false, code: "full" });
    expect(book.empty).toBe(true);
    expect(book.grant(ask("x", "y"), LEASE, NOW)).toMatchObject({ ok: true });
    expect(book.free).toBe(0);
  });

  test("asked again it gives the same seats, their leases begun anew", () => {
    const { book, records } = readyBook();
    book.grant(ask("x", "y"), LEASE, NOW);
    const again = book.grant(ask("y", "x"), LEASE, NOW + 5);
    expect(again).toMatchObject({
      seats: [
        { sessionId: "y", leaseExpiresAtMs: NOW + 5 + LEASE },
        { sessionId: "x", grantedAtMs: NOW },
      ],
    });
    const written = records.length;
    expect(book.grant(ask("x"), LEASE, NOW + 5)).toMatchObject({ ok: true });
    expect(records).toHaveLength(written);
  });

  test("also of a joined seat, and on an unhealthy server: nothing new is given", () => {
    const { book } = readyBook();
    book.grant(ask("x"), LEASE, NOW);
    book.join(claims("x"), false, NOW);
    book.note({ kind: "health", healthy: false, reason: "hung" });
    expect(book.grant(ask("x"), LEASE, NOW)).toMatchObject({ ok: true, seats: [{ joinedAtMs: NOW }] });
    expect(book.grant(ask("y"), LEASE, NOW)).toMatchObject({ ok: false, code: "unhealthy", detail: "hung" });
  });

  test("a higher generation takes the lower one's seat; a lower one is refused, also after all have left", () => {
    const { book } = readyBook({ maxPlayers: 1 });
    book.grant(ask("x"), LEASE, NOW);
    book.join(claims("x"), false, NOW);
    const second = [seatRequest("x", { generation: 3 })];
    expect(book.grant(second, LEASE, NOW)).toMatchObject({
      ok: true,
      seats: [{ generation: 3, joinedAtMs: undefined }],
    });
    expect(book.grant(ask("x"), LEASE, NOW)).toMatchObject({ ok: false, code: "olderGeneration" });
    book.release([{ sessionId: "x", generation: 3 }]);
    expect(book.grant([seatRequest("x", { generation: 2 })], LEASE, NOW)).toMatchObject({ code: "olderGeneration" });
    expect(book.grant(second, LEASE, NOW)).toMatchObject({ ok: true });
  });

  test("what never was here can still be too old", () => {
    const { book } = readyBook();
    book.release([{ sessionId: "x", generation: 2 }]);
    expect(book.grant(ask("x"), LEASE, NOW)).toMatchObject({ ok: false, code: "olderGeneration" });
  });

  test.each<[string, string, (book: SeatBook) => void]>([
    ["one that is not ready", "notReady", () => undefined],
    ["one that has reserved itself", "notReady", (b) => (b.ready(), b.note({ kind: "reserved", untilMs: undefined }))],
    ["one that is unhealthy", "unhealthy", (b) => (b.ready(), b.note({ kind: "health", healthy: false, reason: "" }))],
    ["one that is closed", "closed", (b) => (b.ready(), b.close(false))],
    ["one that is gone", "gone", (b) => (b.ready(), b.note({ kind: "gone", reason: "killed", atMs: NOW }))],
    ["one that a match has claimed", "claimed", (b) => (b.ready(), b.claim("m", [], LEASE, NOW))],
  ])("%s refuses with %s", (_what, code, prepare) => {
    const { book: one } = book();
    prepare(one);
    expect(one.grant(ask("x"), LEASE, NOW)).toMatchObject({ ok: false, code });
  });

  test.each<[string, SeatRequest[]]>([
    ["one session twice", [seatRequest("x"), seatRequest("x")]],
    ["another player's session", [seatRequest("held", { playerId: "someone" })]],
  ])("%s is malformed", (_what, requests) => {
    const { book } = readyBook();
    book.grant(ask("held"), LEASE, NOW);
    expect(book.grant(requests, LEASE, NOW)).toMatchObject({ ok: false, code: "malformed" });
  });
});

describe("join", () => {
  test("once; again only where the server says that the player is back", () => {
    const { book } = readyBook();
    book.grant(ask("x"), LEASE, NOW);
    expect(book.join(claims("x"), false, NOW)).toMatchObject({ ok: true, again: false, seat: { joinedAtMs: NOW } });
    expect(book.join(claims("x"), false, NOW)).toEqual({ ok: false, problem: "ticketReplayed" });
    expect(book.join(claims("x"), true, NOW)).toMatchObject({ ok: true, again: true });
    book.leave("player-x");
    expect(book.join(claims("x"), true, NOW)).toEqual({ ok: false, problem: "seatGone" });
  });

  test("not after the lease, though nobody has swept it yet", () => {
    const { book } = readyBook();
    book.grant(ask("x"), LEASE, NOW);
    expect(book.join(claims("x"), false, NOW + LEASE)).toEqual({ ok: false, problem: "seatGone" });
    expect(book.expire(NOW + LEASE - 1)).toEqual([]);
    expect(book.expire(NOW + LEASE)).toEqual([{ sessionId: "x", generation: 1, playerId: "player-x" }]);
  });

  test("not of another player, nor of an older generation, nor on a server that is gone", () => {
    const { book } = readyBook();
    book.grant([seatRequest("x", { generation: 2 })], LEASE, NOW);
    expect(book.join({ ...claims("x", 2), playerId: "thief" }, false, NOW)).toEqual({
      ok: false,
      problem: "ticketForeign",
    });
    expect(book.join(claims("x", 1), false, NOW)).toEqual({ ok: false, problem: "olderGeneration" });
    expect(book.join(claims("x", 3), false, NOW)).toEqual({ ok: false, problem: "seatGone" });
    book.note({ kind: "gone", reason: "killed", atMs: NOW });
    expect(book.join(claims("x", 2), false, NOW)).toEqual({ ok: false, problem: "seatGone" });
    expect(book.expire(NOW + LEASE)).toEqual([]);
  });
});

describe("claim", () => {
  test("takes the whole of an empty server, until it is ready again", () => {
    const { book } = readyBook({ maxPlayers: 4 });
    expect(book.claim("m", ask("x"), LEASE, NOW)).toMatchObject({ ok: true });
    expect(book.claim("m", ask("x"), LEASE, NOW)).toMatchObject({ ok: true });
    expect(book.claim("n", ask("y"), LEASE, NOW)).toMatchObject({ ok: false, code: "claimed" });
    expect(book.grant(ask("y"), LEASE, NOW)).toMatchObject({ ok: false, code: "claimed" });
    expect(book.grant([seatRequest("z", {}, { matchId: "m" })], LEASE, NOW)).toMatchObject({ ok: true });
    expect(book.close(true)).toMatchObject({ ok: false, code: "notEmpty" });
    expect(book.ready()).toMatchObject({ matchId: "m", dropped: [{ sessionId: "x" }, { sessionId: "z" }] });
    expect(book.empty).toBe(true);
  });

  test.each([
    ["it was over before they came", (b: SeatBook) => void b.ready()],
    ["nobody of it had come", (b: SeatBook) => (b.expire(NOW + LEASE), b.lapse())],
    ["others are on the server by now", (b: SeatBook) => (b.ready(), b.grant(ask("z"), LEASE, NOW))],
  ])("of a match that goes on gives seats beside the others, and none once %s", (_when, end) => {
    const { book } = readyBook({ maxPlayers: 4 });
    book.claim("m", ask("x"), LEASE, NOW);
    expect(book.claim("m", ask("y"), LEASE, NOW, true)).toMatchObject({ ok: true });
    end(book);
    const before = book.state.toData();
    expect(book.claim("m", ask("w"), LEASE, NOW, true)).toMatchObject({ ok: false, code: "matchOver" });
    expect(book.state.toData()).toEqual(before);
    expect(book.state.claim).toBeUndefined();
  });

  test("a repeated call of ready is not a second one", () => {
    const { book } = readyBook();
    book.claim("m", ask("x"), LEASE, NOW);
    expect(book.ready(true)).toEqual({ first: false, matchId: undefined, dropped: [] });
    expect(book.state.claim?.matchId).toBe("m");
  });

  test("needs an empty server, and one that is large enough", () => {
    const { book } = readyBook({ maxPlayers: 2 });
    expect(book.claim("m", ask("x", "y", "z"), LEASE, NOW)).toMatchObject({ ok: false, code: "full" });
    book.grant(ask("x"), LEASE, NOW);
    expect(book.claim("m", ask("y"), LEASE, NOW)).toMatchObject({ ok: false, code: "notEmpty" });
  });

  test("that nobody comes to lapses with its leases; not once somebody has come", () => {
    const { book } = readyBook();
    book.claim("m", ask("x"), LEASE, NOW);
    book.expire(NOW + LEASE);
    expect(book.lapse()).toEqual({ matchId: "m" });
    book.claim("n", ask("y"), LEASE, NOW);
    book.join(claims("y"), false, NOW);
    book.leave("player-y");
    expect(book.lapse()).toBeUndefined();
  });

  test("of a server that reports no joins has no leases", () => {
    const { book } = readyBook({ seats: "match" });
    book.claim("m", ask("x"), LEASE, NOW);
    expect(book.expire(NOW + 10 * LEASE)).toEqual([]);
    expect(book.ready().dropped).toHaveLength(1);
    book.grant(ask("y"), LEASE, NOW);
    expect(book.ready()).toMatchObject({ matchId: undefined, dropped: [{ sessionId: "y" }] });
  });
});

describe("close", () => {
  test("only if empty: not with a lease, not with a walk-in; once closed for good", () => {
    const { book } = readyBook({ seats: "observed" });
    book.grant(ask("x"), LEASE, NOW);
    expect(book.close(true)).toMatchObject({ ok: false, code: "notEmpty" });
    book.release([{ sessionId: "x", generation: 1 }]);
    book.observe({ count: 1 }, NOW);
    expect(book.close(true)).toMatchObject({ ok: false, code: "notEmpty" });
    book.observe({ count: 0 }, NOW);
    expect(book.close(true)).toEqual({ ok: true });
    expect(book.close(true)).toEqual({ ok: true });
    book.ready();
    expect(book.grant(ask("y"), LEASE, NOW)).toMatchObject({ code: "closed" });
  });

  test("with players on leaves them their seats", () => {
    const { book } = readyBook();
    book.grant(ask("x"), LEASE, NOW);
    expect(book.close(false)).toEqual({ ok: true });
    expect(book.grant(ask("x"), LEASE, NOW)).toMatchObject({ ok: true, seats: [{ sessionId: "x" }] });
    expect(book.grant(ask("x", "y"), LEASE, NOW)).toMatchObject({ code: "closed" });
    expect(book.join(claims("x"), false, NOW)).toMatchObject({ ok: true });
  });
});

describe("observed", () => {
  const observed = () => readyBook({ seats: "observed", maxPlayers: 4 }).book;

  test("names: seats are matched, the others are walk-ins and take up seats", () => {
    const book = observed();
    book.grant(ask("x", "y"), LEASE, NOW);
    const names = ["player-x", "stranger", "stranger"];
    expect(book.observe({ names }, NOW)).toEqual({
      joined: [expect.objectContaining({ sessionId: "x" })],
      dropped: [],
      walkIns: 2,
    });
    expect(book.free).toBe(0);
    expect(book.observe({ names }, NOW)).toEqual({ joined: [], dropped: [], walkIns: undefined });
    expect(book.observe({ names: ["stranger"] }, NOW)).toEqual({
      joined: [],
      dropped: [{ sessionId: "x", generation: 1 }],
      walkIns: 1,
    });
    expect(book.free).toBe(2);
  });

  test("a number: it is count plus open leases that take up seats", () => {
    const book = observed();
    book.grant(ask("x", "y"), LEASE, NOW);
    expect(book.observe({ count: 1 }, NOW)).toMatchObject({ joined: [{ sessionId: "x" }], walkIns: undefined });
    expect(book.free).toBe(2);
    expect(book.observe({ count: 3 }, NOW)).toMatchObject({ joined: [{ sessionId: "y" }], walkIns: 1 });
    expect(book.free).toBe(1);
    expect(book.observe({ count: 1 }, NOW)).toMatchObject({ dropped: [{ sessionId: "x" }], walkIns: 0 });
    expect(book.free).toBe(3);
  });

  test("log lines: joined and left, each once", () => {
    const book = observed();
    book.grant(ask("x"), LEASE, NOW);
    expect(book.observeLine("joined", "player-x", NOW).joined).toHaveLength(1);
    expect(book.observeLine("joined", "player-x", NOW)).toEqual({ joined: [], dropped: [], walkIns: undefined });
    expect(book.observeLine("joined", "stranger", NOW).walkIns).toBe(1);
    expect(book.observeLine("joined", "stranger", NOW).walkIns).toBeUndefined();
    expect(book.observeLine("left", "nobody", NOW).walkIns).toBeUndefined();
    expect(book.observeLine("left", "stranger", NOW).walkIns).toBe(0);
    expect(book.observeLine("left", "player-x", NOW).dropped).toHaveLength(1);
    expect(book.empty).toBe(true);
  });

  test("says nothing on servers that report joins themselves", () => {
    const { book } = readyBook();
    expect(book.observe({ count: 2 }, NOW)).toEqual({ joined: [], dropped: [], walkIns: undefined });
  });
});

test("a replay of the records is the state, also over JSON", () => {
  const { book, records } = readyBook();
  book.claim("m", ask("x"), LEASE, NOW);
  book.join(claims("x"), false, NOW);
  const replayed = new SeatState();
  for (const record of JSON.parse(JSON.stringify(records)) as SeatRecord[]) replayed.apply(record);
  expect(replayed.toData()).toEqual(book.state.toData());
});

test("what is remembered of those who were here is bounded", () => {
  const { book } = readyBook();
  fc.assert(
    fc.property(fc.array(fc.uuid(), { minLength: 400 }), (ids) => {
      for (const sessionId of ids) book.release([{ sessionId, generation: 1 }]);
      expect(book.state.former.size).toBeLessThanOrEqual(512);
    }),
    { numRuns: 3 },
  );
});
