import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { frame, HEADING } from "../agent/journal/frames";
import type { JournalEntry } from "../agent/journal/journal-entry";
import type { Seat, SeatRecord } from "../agent/seats/seat-record";
import { expectedServer } from "../agent/test-node";
import { JournalWatch, SeatedTwice } from "./journal-watch";
import { Promises } from "./promises";

let folder: string;
let file: string;
let promises: Promises;
let watch: JournalWatch;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "forge-chaos-"));
  file = join(folder, "seats.journal");
  writeFileSync(file, HEADING);
  promises = new Promises(
    () => 0,
    () => undefined,
  );
  watch = new JournalWatch("east", folder, promises);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const server = expectedServer({ maxPlayers: 2 });
const bytes = (...entries: readonly JournalEntry[]): Buffer =>
  Buffer.concat(entries.map((entry) => frame(JSON.stringify(entry))));
const write = (...entries: readonly JournalEntry[]): void => appendFileSync(file, bytes(...entries));
const expected: JournalEntry = { kind: "expect", atMs: 0, server, started: {} };
const on = (record: SeatRecord, { serverId, allocationId } = server): JournalEntry => ({
  kind: "seats",
  serverId,
  allocationId,
  record,
});
const seat = (playerId: string, more: Partial<Seat> = {}): Seat => ({
  sessionId: `ses-${playerId}`,
  playerId,
  generation: 1,
  grantedAtMs: 0,
  joinedAtMs: undefined,
  leaseExpiresAtMs: undefined,
  carry: {} as Seat["carry"],
  restore: undefined,
  ...more,
});
const granted = (...seats: readonly Seat[]): JournalEntry => on({ kind: "granted", seats });
const broken = (): string[] => promises.broken.map(({ promise, check }) => `${promise} ${check}`);

it("says nothing of a server that is full", () => {
  write(expected, granted(seat("ann"), seat("bob")));
  watch.look(0, true);
  expect(broken()).toEqual([]);
  expect(watch.live().map(({ seats }) => seats.size)).toEqual([2]);
});

it("finds a server over its limit, also where it was so for one record only", () => {
  write(expected, granted(seat("ann"), seat("bob")), granted(seat("cid")));
  write(on({ kind: "dropped", seats: [{ sessionId: "ses-cid", generation: 1 }] }));
  watch.look(0, true);
  expect(broken()).toEqual(["P1 no server over its limit"]);
  expect(watch.mostOver).toBe(1);
});

it("finds a seat of a lower generation than the session has had", () => {
  write(expected, granted(seat("ann", { generation: 2 })), granted(seat("ann")));
  watch.look(0, true);
  expect(broken()).toEqual(["P1 the higher generation wins"]);
});

it("finds a lease that does not end, of an agent that could end it", () => {
  write(expected, granted(seat("ann", { leaseExpiresAtMs: 1 })));
  for (const atMs of [0, 6_000]) watch.look(atMs, false);
  expect(broken()).toEqual([]);
  for (const atMs of [7_000, 13_000]) watch.look(atMs, true);
  expect(broken()).toEqual(["P4 a lease ends"]);
});

it("reads a journal that was written anew, and finds an epoch that it forgot", () => {
  write({ kind: "epoch", epoch: 3 }, expected);
  watch.look(0, true);
  const fresh = `${file}.new`;
  writeFileSync(fresh, Buffer.concat([HEADING, bytes({ kind: "epoch", epoch: 2 }, expected, granted(seat("ann")))]));
  renameSync(fresh, file);
  watch.look(0, true);
  expect(watch.live()[0]?.seats.size).toBe(1);
  expect(broken()).toEqual(["P1 an agent remembers its epoch"]);
});

it("finds a player who sits on two servers for longer than it takes to tell", () => {
  const other = expectedServer({ serverId: "other", allocationId: "other" });
  const joined = on({ kind: "joined", sessionId: "ses-ann", atMs: 1 });
  write(expected, granted(seat("ann")), joined);
  write({ ...expected, server: other }, on({ kind: "granted", seats: [seat("ann")] }, other));
  write({ ...joined, serverId: "other", allocationId: "other" } as JournalEntry);
  const twice = new SeatedTwice(promises);
  watch.look(0, true);
  for (const atMs of [0, 10_000]) twice.look([watch], atMs);
  expect(broken()).toEqual([]);
  twice.look([watch], 21_000);
  expect(broken()).toEqual(["P1 one player in one seat"]);
  expect([...twice.players]).toEqual(["ann"]);
});
