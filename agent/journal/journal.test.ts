import * as fs from "node:fs";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { seatRequest } from "../test-node";
import { HEADING, scan } from "./frames";
import { type Journal, JournalUnreadable, JournalWriteError, openJournal } from "./journal";
import type { JournalDisk } from "./journal-disk";
import type { JournalEntry } from "./journal-entry";
import type { JournalPart } from "./rewriting";

const folders: string[] = [];

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "forge-journal-"));
  folders.push(made);
  return made;
}

afterAll(() => {
  for (const one of folders) rmSync(one, { recursive: true, force: true });
});

const file = (where: string): string => join(where, "seats.journal");
const epoch = (number: number): JournalEntry => ({ kind: "epoch", epoch: number });

async function written(where: string, batches: readonly (readonly JournalEntry[])[], disk: JournalDisk = fs) {
  const { journal } = await openJournal(where, disk);
  for (const batch of batches) {
    for (const entry of batch) journal.append(entry);
    journal.commit();
  }
  await journal.close();
  return readFileSync(file(where));
}

/** What an agent that finds these bytes reads. */
async function reopened(where: string, bytes: Buffer): Promise<readonly JournalEntry[]> {
  writeFileSync(file(where), bytes);
  const { journal, entries } = await openJournal(where, fs);
  await journal.close();
  return entries;
}

/** The same, and that a second one then reads no less. */
async function reread(where: string, bytes: Buffer): Promise<readonly JournalEntry[]> {
  const first = { entries: await reopened(where, bytes) };
  const second = await openJournal(where, fs);
  await second.journal.close();
  expect(second.entries).toEqual(first.entries);
  expect(second.tornBytes).toBe(0);
  return first.entries;
}

const entry: fc.Arbitrary<JournalEntry> = fc.oneof(
  fc.nat().map(epoch),
  fc
    .record({ serverId: fc.string({ maxLength: 8 }), allocationId: fc.uuid() })
    .map((of) => ({ kind: "forget", ...of })),
  fc
    .record({ sessionId: fc.string({ unit: "binary", maxLength: 12 }), atMs: fc.nat() })
    .map((joined) => ({ kind: "seats", serverId: "s", allocationId: "a", record: { kind: "joined", ...joined } })),
  fc.string({ maxLength: 8 }).map((id) => ({
    kind: "seats",
    serverId: "s",
    allocationId: "a",
    record: {
      kind: "granted",
      seats: [{ ...seatRequest(id), grantedAtMs: 1, joinedAtMs: undefined, leaseExpiresAtMs: 2 }],
    },
  })),
) as fc.Arbitrary<JournalEntry>;

const entriesOf = (bytes: Buffer): readonly JournalEntry[] =>
  scan(bytes).payloads.map((payload) => JSON.parse(payload.toString("utf8")) as JournalEntry);
const plain = (entries: readonly JournalEntry[]): unknown => JSON.parse(JSON.stringify(entries));

test("what is written is read again, batch by batch", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(entry, { maxLength: 4 }), { maxLength: 6 }), async (batches) => {
      const where = folder();
      const bytes = await written(where, batches);
      expect(await reread(where, bytes)).toEqual(plain(batches.flat()));
    }),
    { numRuns: 30 },
  );
});

test("cut at every byte, it holds the whole records before the cut", async () => {
  const where = folder();
  const entries = fc.sample(entry, { numRuns: 10, seed: 7 });
  const sizes: number[] = [HEADING.length];
  const { journal } = await openJournal(where, fs);
  for (const one of entries) {
    journal.append(one);
    journal.commit();
    sizes.push(statSync(file(where)).size);
  }
  await journal.close();
  const bytes = readFileSync(file(where));
  expect(bytes.length).toBe(sizes.at(-1));

  for (let cut = 0; cut <= bytes.length; cut++) {
    const whole = sizes.filter((size) => size <= cut).length - 1;
    const expected = plain(entries.slice(0, Math.max(0, whole)));
    // As text, because the slow comparison runs some thousand times.
    const read = await reopened(where, bytes.subarray(0, cut));
    if (JSON.stringify(read) !== JSON.stringify(expected)) expect({ cut, read }).toEqual({ cut, read: expected });
    // Written on after the cut, the new record follows the old ones.
    if (cut % 16 === 0) {
      const after = await written(where, [[epoch(99)]]);
      expect(await reread(where, after)).toEqual([...(expected as JournalEntry[]), epoch(99)]);
    }
  }
}, 240_000);

test("with any byte wrong it is refused, saying where and what to do", async () => {
  const where = folder();
  const bytes = await written(where, [[epoch(1)], [epoch(2), epoch(3)], [epoch(4)]]);
  for (let at = 0; at < bytes.length; at++) {
    const damaged = Buffer.from(bytes);
    damaged[at] = (damaged[at] ?? 0) ^ 0x55;
    writeFileSync(file(where), damaged);
    await expect(openJournal(where, fs)).rejects.toThrow(JournalUnreadable);
  }
  await expect(openJournal(where, fs)).rejects.toThrow(
    /seats\.journal is damaged at byte \d+ of \d+: .*move the file away/s,
  );
  // Refusing has changed nothing and holds nothing.
  expect(await reread(where, bytes)).toHaveLength(4);
});

test("zeros at the end, as after a power cut, are torn and not damage", async () => {
  const where = folder();
  const bytes = await written(where, [[epoch(1)], [epoch(2)]]);
  const secondAt = HEADING.length + (bytes.length - HEADING.length) / 2;
  for (let from = 0; from <= bytes.length; from++) {
    const zeroed = Buffer.concat([bytes.subarray(0, from), Buffer.alloc(bytes.length - from + 100)]);
    const whole = from < secondAt ? 0 : from < bytes.length ? 1 : 2;
    expect(await reread(where, zeroed)).toHaveLength(whole);
  }
});

test("a disk that takes a few bytes at a time gets the same file", async () => {
  const slow: JournalDisk = {
    ...fs,
    writeSync: ((fd: number, buffer: Buffer, offset: number, length: number, position: number) =>
      fs.writeSync(fd, buffer, offset, Math.min(length, 3), position)) as typeof fs.writeSync,
  };
  const batches = [[epoch(1), epoch(2)], [epoch(3)]];
  expect(await written(folder(), batches, slow)).toEqual(await written(folder(), batches));
});

/** A disk that fails when told, having written some bytes. */
function failingDisk() {
  const state = { after: Infinity, cannotTruncate: false };
  const disk: JournalDisk = {
    ...fs,
    writeSync: ((fd: number, buffer: Buffer, offset: number, length: number, position: number) => {
      if (state.after <= 0) throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
      const some = Math.min(length, state.after);
      state.after -= some;
      return fs.writeSync(fd, buffer, offset, some, position);
    }) as typeof fs.writeSync,
    ftruncateSync: (fd, length) => {
      if (state.cannotTruncate) throw Object.assign(new Error("EIO: i/o error"), { code: "EIO" });
      fs.ftruncateSync(fd, length);
    },
  };
  return { disk, state };
}

test.each([
  ["and the rest can be taken back", false],
  ["and the rest cannot be taken back until later", true],
])("a write that fails in the middle leaves none of its batch, %s", async (_what, cannotTruncate) => {
  const { disk, state } = failingDisk();
  const where = folder();
  const { journal } = await openJournal(where, disk);
  journal.append(epoch(1));
  journal.commit();
  Object.assign(state, { after: 25, cannotTruncate });
  journal.append(epoch(2));
  journal.append(epoch(3));
  expect(() => journal.commit()).toThrow(JournalWriteError);
  if (cannotTruncate) {
    journal.append(epoch(4));
    Object.assign(state, { after: Infinity });
    expect(() => journal.commit()).toThrow(JournalWriteError);
  }
  Object.assign(state, { after: Infinity, cannotTruncate: false });
  journal.append(epoch(5));
  journal.commit();
  await journal.close();
  expect(await reread(where, readFileSync(file(where)))).toEqual([epoch(1), epoch(5)]);
});

const of = (serverId: string) => ({ serverId, allocationId: "a" });
const labels = (serverId: string, number: number): JournalEntry => ({
  kind: "labels",
  ...of(serverId),
  labels: { number: String(number) },
  annotations: {},
});
const forget = (serverId: string): JournalEntry => ({ kind: "forget", ...of(serverId) });

/** What a reader makes of entries: the last of each server, as long as it is not forgotten. */
function told(entries: readonly JournalEntry[]): ReadonlyMap<string, string> {
  const known = new Map<string, string>();
  for (const one of entries) {
    if (one.kind === "epoch") known.set("", String(one.epoch));
    else if (one.kind === "labels") known.set(one.serverId, one.labels.number ?? "");
    else if (one.kind === "forget") known.delete(one.serverId);
  }
  return known;
}

/** A journal whose writer knows what it recorded, and gives a part for each server when it is asked for everything. */
class Writer {
  readonly known = new Map<string, number>();
  epoch = 0;
  private constructor(readonly journal: Journal) {}

  /** Slices of one part each. */
  static async open(where: string, disk: JournalDisk = fs): Promise<Writer> {
    const limits = { compactAfterBytes: 0, sliceBytes: 1 };
    return new Writer((await openJournal(where, disk, undefined, limits)).journal);
  }

  record(...entries: readonly JournalEntry[]): void {
    for (const one of entries) {
      if (one.kind === "epoch") this.epoch = one.epoch;
      else if (one.kind === "labels") this.known.set(one.serverId, Number(one.labels.number));
      else if (one.kind === "forget") this.known.delete(one.serverId);
      this.journal.append(one);
    }
    this.journal.commit();
  }

  compactSome(): boolean {
    return this.journal.compactSome(() => this.everything());
  }

  private *everything(): Iterable<JournalPart> {
    yield [epoch(this.epoch)];
    for (const [serverId, number] of this.known) yield [labels(serverId, number)];
  }
}

test("compacted, it holds what there was to know, and goes on from there", async () => {
  const where = folder();
  const writer = await Writer.open(where);
  writer.record(epoch(1), labels("s1", 1), labels("s1", 2), labels("s2", 1));
  while (!writer.compactSome());
  writer.record(epoch(4));
  await writer.journal.close();
  expect(readdirSync(where)).toEqual(["seats.journal"]);
  expect(await reread(where, readFileSync(file(where)))).toEqual([
    epoch(1),
    labels("s1", 2),
    labels("s2", 1),
    epoch(4),
  ]);
});

const step = fc.oneof(
  fc.record({ do: fc.constant("label" as const), server: fc.nat(5) }),
  fc.record({ do: fc.constant("forget" as const), server: fc.nat(5) }),
  fc.record({ do: fc.constant("epoch" as const), server: fc.nat(5) }),
  fc.record({ do: fc.constant("compact" as const), server: fc.nat(5) }),
);

test("whatever is recorded between the slices, both files hold it at each moment", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const where = folder();
      const writer = await Writer.open(where);
      const expected = (): unknown =>
        new Map([
          ["", String(writer.epoch)],
          ...[...writer.known].map(([id, number]): [string, string] => [id, String(number)]),
        ]);
      writer.record(epoch(0), labels("s0", 0), labels("s1", 0), labels("s2", 0));
      for (const [n, one] of steps.entries()) {
        if (one.do === "compact") writer.compactSome();
        else if (one.do === "epoch") writer.record(epoch(n));
        else writer.record(one.do === "label" ? labels(`s${one.server}`, n) : forget(`s${one.server}`));
        expect(told(entriesOf(readFileSync(file(where))))).toEqual(expected());
      }
      while (!writer.compactSome());
      expect(told(entriesOf(readFileSync(file(where))))).toEqual(expected());
      await writer.journal.close();
    }),
    { numRuns: 60 },
  );
});

test("a compaction that fails, or is cut short, leaves the old file in use", async () => {
  const { disk, state } = failingDisk();
  const where = folder();
  const writer = await Writer.open(where, disk);
  writer.record(epoch(1), labels("s1", 1));
  expect(writer.compactSome()).toBe(false);
  state.after = 10;
  expect(() => writer.compactSome()).toThrow(JournalWriteError);
  state.after = Infinity;
  expect(readdirSync(where)).toEqual(["seats.journal"]);
  writer.record(epoch(2));
  // One that was begun anew is given up with the journal.
  expect(writer.compactSome()).toBe(false);
  await writer.journal.close();
  expect(readdirSync(where)).toEqual(["seats.journal"]);
  // An agent that is killed while it compacts leaves the new file unfinished beside the old.
  writeFileSync(join(where, "seats.journal.new"), "FORGEJ1\nhalf");
  expect(await reread(where, readFileSync(file(where)))).toEqual([epoch(1), labels("s1", 1), epoch(2)]);
  expect(readdirSync(where)).toEqual(["seats.journal"]);
});

test("what could not be written is not in the new file either", async () => {
  const { disk, state } = failingDisk();
  const where = folder();
  const writer = await Writer.open(where, disk);
  writer.record(epoch(1), labels("s1", 1));
  expect(writer.compactSome()).toBe(false);
  state.after = 10;
  writer.journal.append(epoch(2));
  expect(() => writer.journal.commit()).toThrow(JournalWriteError);
  state.after = Infinity;
  while (!writer.compactSome());
  await writer.journal.close();
  expect(await reread(where, readFileSync(file(where)))).toEqual([epoch(1), labels("s1", 1)]);
});
