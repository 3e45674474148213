import * as fc from "fast-check";
import { MAX_LIST_BYTES } from "../../config/count-limits";
import type { Counts } from "../../protocol/counts";
import { CountBook } from "./count-book";
import type { CountsRecord } from "./counts-record";

const INITIAL: Counts = {
  counters: { rooms: { count: 1, capacity: 10 } },
  lists: { maps: { capacity: 3, values: ["dust", "ice"] } },
  tracked: { capacity: 2, values: [] },
};

function bookOf(initial: Partial<Counts> = INITIAL) {
  const records: { readonly record: CountsRecord; readonly takeBack: () => void }[] = [];
  let changes = 0;
  const book = new CountBook(
    initial,
    (record, takeBack) => records.push({ record, takeBack }),
    () => changes++,
  );
  return { book, records, changes: () => changes };
}

describe("a counter", () => {
  it.each([
    ["is added to", { diff: 3 }, { count: 4, capacity: 10 }],
    ["is set", { count: 10 }, { count: 10, capacity: 10 }],
    ["gets room first, then its count", { capacity: 20, count: 15 }, { count: 15, capacity: 20 }],
    ["is set, then added to", { count: 2, diff: -2 }, { count: 0, capacity: 10 }],
    ["goes down with its capacity", { capacity: 0 }, { count: 0, capacity: 0 }],
  ])("%s", (_what, change, value) => {
    const { book } = bookOf();
    expect(book.updateCounter("rooms", change)).toEqual({ ok: true, value });
    expect(book.counter("rooms")).toEqual({ ok: true, value });
  });

  it.each([
    ["rooms", { diff: 10 }, "out of range. Count must be within range [0,Capacity]. Found Count: 11, Capacity: 10"],
    ["rooms", { diff: -2 }, "out of range. Count must be within range [0,Capacity]. Found Count: -1, Capacity: 10"],
    ["rooms", { count: 11 }, "out of range. Count must be within range [0,Capacity]. Found Count: 11, Capacity: 10"],
    ["rooms", { capacity: -1 }, "out of range. Capacity must be greater than or equal to 0. Found Capacity: -1"],
    ["rooms", { count: 2 ** 60, capacity: 2 ** 60 }, /out of range/],
    ["doors", { diff: 1 }, "counter not found: doors"],
    ["constructor", { diff: 1 }, "counter not found: constructor"],
  ])("%s %j is refused, and nothing changes", (name, change, detail) => {
    const { book, records } = bookOf();
    const refused = book.updateCounter(name, change);
    expect(refused).toMatchObject({ ok: false });
    if (!refused.ok) expect(refused.detail).toMatch(detail);
    expect(records).toEqual([]);
    expect(book.counts).toEqual(INITIAL);
  });
});

describe("a list", () => {
  it("takes a value once, while there is room", () => {
    const { book } = bookOf();
    expect(book.addValue("maps", "dust")).toMatchObject({
      problem: "alreadyExists",
      detail: "already exists. Value: dust already in List: maps",
    });
    expect(book.addValue("maps", "sand")).toMatchObject({ ok: true, value: { values: ["dust", "ice", "sand"] } });
    expect(book.addValue("maps", "moon")).toMatchObject({
      detail: "out of range. No available capacity. Current Capacity: 3, List Size: 3",
    });
  });

  it("gives a value back", () => {
    const { book } = bookOf();
    expect(book.removeValue("maps", "dust")).toMatchObject({ ok: true, value: { capacity: 3, values: ["ice"] } });
    expect(book.removeValue("maps", "dust")).toMatchObject({ detail: "not found: value dust not in list maps" });
    expect(book.removeValue("mods", "x")).toMatchObject({ detail: "list not found: mods" });
  });

  it("keeps the order of what stays, and is cut at its capacity", () => {
    const { book } = bookOf();
    const values = ["moon", "ice", "sand", "ice"];
    expect(book.updateList("maps", { values })).toMatchObject({ value: { values: ["ice", "moon", "sand"] } });
    expect(book.updateList("maps", { capacity: 1 })).toEqual({ ok: true, value: { capacity: 1, values: ["ice"] } });
    expect(book.updateList("maps", { capacity: 1001 })).toMatchObject({
      detail: "out of range. Capacity must be within range [0,1000]. Found Capacity: 1001",
    });
  });

  it("is bounded in bytes, all lists together", () => {
    const half = "x".repeat(MAX_LIST_BYTES / 2);
    const { book } = bookOf({ lists: { a: { capacity: 9, values: [half] }, b: { capacity: 9, values: [] } } });
    expect(book.addValue("b", half)).toMatchObject({ ok: true });
    expect(book.addValue("b", "y")).toMatchObject({ ok: false, problem: "outOfRange" });
    expect(book.updateList("a", { values: [half, "y"] })).toMatchObject({ ok: false, problem: "outOfRange" });
  });
});

describe("tracked players", () => {
  it("come once, go once, and not above the capacity", () => {
    const { book } = bookOf();
    expect(book.playerConnect("ann")).toEqual({ ok: true, value: true });
    expect(book.playerConnect("ann")).toEqual({ ok: true, value: false });
    expect(book.playerConnect("bob")).toEqual({ ok: true, value: true });
    expect(book.playerConnect("cid")).toMatchObject({ detail: "players are already at capacity" });
    expect(book.playerDisconnect("ann")).toBe(true);
    expect(book.playerDisconnect("ann")).toBe(false);
    expect(book.setPlayerCapacity(0)).toMatchObject({ ok: true });
    expect(book.players).toEqual({ capacity: 0, values: ["bob"] });
  });

  it("are none where nothing was said of them", () => {
    const { book } = bookOf({});
    expect(book.playerConnect("ann")).toMatchObject({ ok: false });
    expect(book.players).toEqual({ capacity: 0, values: [] });
  });
});

it("says once what has changed", () => {
  const { book, changes } = bookOf();
  expect(book.takeChanged()).toBeUndefined();
  book.updateCounter("rooms", { diff: 1 });
  book.updateCounter("rooms", { diff: 1 });
  book.playerConnect("ann");
  expect(book.hasChanged).toBe(true);
  expect(book.takeChanged()).toEqual({
    counters: { rooms: { count: 3, capacity: 10 } },
    lists: {},
    tracked: { capacity: 2, values: ["ann"] },
  });
  expect([book.takeChanged(), book.hasChanged, changes()]).toEqual([undefined, false, 3]);
});

const name = fc.constantFrom("rooms", "maps", "nothing");
const value = fc.constantFrom("dust", "ice", "sand", "moon");
const number = fc.integer({ min: -3, max: 12 });
const operation = fc.oneof(
  fc
    .record({
      count: fc.option(number, { nil: undefined }),
      capacity: fc.option(number, { nil: undefined }),
      diff: number,
    })
    .map((change) => (book: CountBook) => void book.updateCounter("rooms", change)),
  fc.tuple(name, value).map(
    ([of, one]) =>
      (book: CountBook) =>
        void book.addValue(of, one),
  ),
  fc.tuple(name, value).map(
    ([of, one]) =>
      (book: CountBook) =>
        void book.removeValue(of, one),
  ),
  fc.tuple(name, fc.array(value), fc.option(number, { nil: undefined })).map(
    ([of, values, capacity]) =>
      (book: CountBook) =>
        void book.updateList(of, { values, capacity }),
  ),
  value.map((one) => (book: CountBook) => void book.playerConnect(one)),
  value.map((one) => (book: CountBook) => void book.playerDisconnect(one)),
  number.map((capacity) => (book: CountBook) => void book.setPlayerCapacity(capacity)),
);

it("stays within its bounds, is told again by its records, and can be taken back", () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 30 }), (operations) => {
      const { book, records } = bookOf();
      for (const run of operations) run(book);
      const { counters, lists } = book.counts;
      for (const { count, capacity } of Object.values(counters)) {
        expect(count).toBeGreaterThanOrEqual(0);
        expect(count).toBeLessThanOrEqual(capacity);
      }
      for (const { capacity, values } of Object.values(lists)) {
        expect(values.length).toBeLessThanOrEqual(capacity);
        expect(new Set(values).size).toBe(values.length);
      }
      const replayed = bookOf().book;
      for (const { record } of records) replayed.replay(record);
      expect(replayed.counts).toEqual(book.counts);
      for (const { takeBack } of [...records].reverse()) takeBack();
      expect(book.counts).toEqual(INITIAL);
    }),
  );
});

describe("a call that comes again", () => {
  it("changes a counter once, whatever came between, and also after all of it was written anew", () => {
    const { book } = bookOf();
    expect(book.updateCounter("rooms", { diff: 2 }, "gate-1")).toMatchObject({ value: { count: 3 } });
    book.updateCounter("rooms", { count: 1 }, "gate-2");
    expect(book.updateCounter("rooms", { diff: 2 }, "gate-1")).toMatchObject({ ok: true, value: { count: 1 } });
    const { book: next } = bookOf();
    next.replay(JSON.parse(JSON.stringify(book.all)) as CountsRecord);
    expect(next.updateCounter("rooms", { diff: 2 }, "gate-1")).toMatchObject({ ok: true, value: { count: 1 } });
    expect(next.updateCounter("rooms", { diff: 2 }, "gate-3")).toMatchObject({ ok: true, value: { count: 3 } });
  });

  it("is carried out where it was refused or could not be written before", () => {
    const { book, records } = bookOf();
    expect(book.updateCounter("rooms", { diff: 20 }, "gate-1")).toMatchObject({ ok: false });
    book.updateCounter("rooms", { capacity: 50 }, "gate-2");
    expect(book.updateCounter("rooms", { diff: 20 }, "gate-1")).toMatchObject({ value: { count: 21 } });
    records.at(-1)?.takeBack();
    expect(book.updateCounter("rooms", { diff: 20 }, "gate-1")).toMatchObject({ value: { count: 21 } });
  });

  it("is remembered among the last 256 alone", () => {
    const { book } = bookOf();
    for (let i = 0; i < 300; i++) book.updateCounter("rooms", { count: i % 10 }, `gate-${i}`);
    const { calls } = book.all as Extract<CountsRecord, { kind: "all" }>;
    expect([calls?.length, calls?.[0], calls?.at(-1)]).toEqual([256, "gate-44", "gate-299"]);
  });
});
