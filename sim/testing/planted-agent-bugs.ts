import { Agent } from "../../agent/agent";
import { ControllerLinks } from "../../agent/controller-links";
import { Journal } from "../../agent/journal/journal";
import type { JournalEntry } from "../../agent/journal/journal-entry";
import { Rewriting } from "../../agent/journal/rewriting";
import { Ledger } from "../../agent/ledger";
import { Requests } from "../../agent/requests";
import { SeatBook } from "../../agent/seats/seat-book";
import { Servers } from "../../agent/servers";
import { CoreState } from "../../controller/core/state";
import type { Request } from "../../protocol/messages";
import { replaced, type PlantedBug } from "./planting";

/** In what an agent keeps and grants, and in who may ask it. */
export const AGENT_BUGS: readonly PlantedBug[] = [
  {
    name: "no epoch check: an agent does what a leader of the past asks",
    seed: 14,
    shows: /^P1 a stale epoch is refused/,
    plant: () =>
      replaced<(this: Requests, request: Request, ...rest: never[]) => void>(
        Requests,
        "handle",
        (real) =>
          function (request, ...rest) {
            real.call(this, { ...request, epoch: Math.max(request.epoch, this.epoch) }, ...rest);
          },
      ),
  },
  {
    name: "close not atomic with grant: it says closed first, and closes when asked again",
    seed: 0,
    shows: /^P3 closed is journaled/,
    plant: () => {
      const asked = new WeakSet<SeatBook>();
      return replaced<SeatBook["close"]>(
        SeatBook,
        "close",
        (real) =>
          function (this: SeatBook, onlyIfEmpty) {
            if (asked.has(this)) return real.call(this, onlyIfEmpty);
            asked.add(this);
            return { ok: true };
          },
      );
    },
  },
  {
    name: "a lease outlives its ticket",
    seed: 5,
    shows: /^P4 a lease ends/,
    plant: () =>
      replaced<SeatBook["expire"]>(
        SeatBook,
        "expire",
        (real) =>
          function (this: SeatBook, nowMs) {
            return real.call(this, nowMs - 20_000);
          },
      ),
  },
  {
    name: "a journal record is skipped: each seventh grant",
    seed: 0,
    shows: /^P2 a grant is journaled/,
    plant: () => {
      let grants = 0;
      return replaced<Journal["append"]>(
        Journal,
        "append",
        (real) =>
          function (this: Journal, entry) {
            if (entry.kind === "seats" && entry.record.kind === "granted" && ++grants % 7 === 0) return;
            real.call(this, entry);
          },
      );
    },
  },
  {
    name: "what is granted while the journal is written anew is not in the new one",
    seed: 10,
    shows: /^P2 a journal written anew holds the same/,
    plant: () => replaced<Rewriting["follow"]>(Rewriting, "follow", () => () => undefined),
  },
  {
    name: "acknowledged before it is journaled",
    seed: 0,
    shows: /^P[123] (a grant|an epoch|a join|closed) is journaled/,
    plant: () =>
      replaced<Ledger["then"]>(
        Ledger,
        "then",
        () =>
          function (this: Ledger, done) {
            done();
          },
      ),
  },
  {
    name: "a ticket outlives its lease",
    seed: 0,
    shows: /^P2 a ticket ends before its lease/,
    plant: () =>
      replaced<(this: Requests, server: unknown, granted: unknown, leaseMs: number) => unknown>(
        Requests,
        "granted",
        (real) =>
          function (server, granted, leaseMs) {
            return real.call(this, server, granted, -20 * leaseMs);
          },
      ),
  },
  {
    name: "a replay skips a kind of record: who has joined",
    seed: 9,
    shows: /^P2 a snapshot is what was promised/,
    plant: () =>
      replaced<(this: Servers, entry: Exclude<JournalEntry, { kind: "epoch" }>) => void>(
        Servers,
        "replay",
        (real) =>
          function (entry) {
            if (entry.kind === "seats" && entry.record.kind === "joined") return;
            real.call(this, entry);
          },
      ),
  },
  {
    name: "a replay forgets the epoch",
    seed: 0,
    shows: /^P1 an agent remembers its epoch/,
    plant: () =>
      replaced<(this: Agent, entry: JournalEntry) => void>(
        Agent,
        "replay",
        (real) =>
          function (entry) {
            if (entry.kind !== "epoch") real.call(this, entry);
          },
      ),
  },
  {
    name: "a grant is told to its leader alone, and to no standby",
    seed: 10,
    shows: /^P5 standbys know the seats/,
    plant: () =>
      replaced<ControllerLinks["emit"]>(
        ControllerLinks,
        "emit",
        (real) =>
          function (this: ControllerLinks, event, except) {
            if (event.kind !== "granted") real.call(this, event, except);
          },
      ),
  },
  {
    name: "a grant before the new leader has the agent's seats",
    seed: 7,
    shows: /^P1 seats are known before any is granted/,
    plant: () =>
      replaced<CoreState["usable"]>(
        CoreState,
        "usable",
        () =>
          function (this: CoreState, nodeId) {
            return this.leader && nodeId !== null && this.nodes.get(nodeId)?.connected === true;
          },
      ),
  },
];
