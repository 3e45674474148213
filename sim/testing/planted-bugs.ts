import { Agent } from "../../agent/agent";
import { Journal } from "../../agent/journal/journal";
import type { JournalEntry } from "../../agent/journal/journal-entry";
import { Ledger } from "../../agent/ledger";
import { Requests } from "../../agent/requests";
import { SeatBook } from "../../agent/seats/seat-book";
import { Servers } from "../../agent/servers";
import { Core } from "../../controller/core/core";
import type { Decision } from "../../controller/core/decision";
import type { Input } from "../../controller/core/input";
import { CoreState } from "../../controller/core/state";
import type { Request } from "../../protocol/messages";

/** A fault that somebody could make in the real code, made from outside: the code itself knows nothing of it. */
export interface PlantedBug {
  readonly name: string;
  /** A seed that is known to show it, tried first. */
  readonly seed: number;
  /** Which promise and check it breaks. */
  readonly shows: RegExp;
  /** Makes it; the result takes it out again. */
  plant(): () => void;
}

type Method = (this: never, ...args: never[]) => unknown;

/** Puts `changed` in the place of a method of a real class; it is given the real one. */
function replaced<T extends Method>(
  owner: { readonly prototype: object },
  name: string,
  changed: (real: T) => T,
): () => void {
  const methods = owner.prototype as Record<string, T>;
  const real = methods[name];
  if (real === undefined) throw new Error(`there is no method ${name} to plant a bug in`);
  methods[name] = changed(real);
  return () => {
    methods[name] = real;
  };
}

type Sent = Extract<Decision, { type: "send" }>;

/** Releases of what the sessions of a release were granted last, elsewhere. */
function alsoOf(of: Extract<Sent["body"], { kind: "release" }>, last: ReadonlyMap<string, Sent>): Sent[] {
  return of.seats.flatMap(({ sessionId }) => {
    const sent = last.get(sessionId);
    if (!sent || (sent.body.kind !== "grant" && sent.body.kind !== "claim")) return [];
    const { serverId, allocationId, seats } = sent.body;
    const generation = seats.find((seat) => seat.sessionId === sessionId)?.generation ?? 0;
    if (serverId === of.serverId) return [];
    const body = { ...of, serverId, allocationId, seats: [{ sessionId, generation }] };
    return [{ ...sent, id: sent.id + ANOTHER, body }];
  });
}

/** Ids of requests that the core itself has not made. */
const ANOTHER = 1_000_000;

type Handle = (this: Core, input: Input) => readonly Decision[];

export const PLANTED_BUGS: readonly PlantedBug[] = [
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
    seed: 2,
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
    name: "a grant before the new leader has the agent's seats",
    seed: 4,
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
  {
    name: "a stale generation: a move is granted with the generation that the seat before it had",
    seed: 9,
    shows: /^P[125] /,
    plant: () =>
      replaced<Handle>(
        Core,
        "handle",
        (real) =>
          function (input) {
            return real.call(this, input).map((decision): Decision => {
              if (decision.type !== "send" || (decision.body.kind !== "grant" && decision.body.kind !== "claim"))
                return decision;
              const seats = decision.body.seats.map((seat) => ({
                ...seat,
                generation: Math.max(1, seat.generation - 1),
              }));
              return { ...decision, body: { ...decision.body, seats } };
            });
          },
      ),
  },
  {
    name: "a double release: a move gives back the seat that it left and the new one as well",
    seed: 9,
    shows: /^P2 a told seat is there/,
    plant: () => {
      const granted = new WeakMap<Core, Map<string, Sent>>();
      return replaced<Handle>(
        Core,
        "handle",
        (real) =>
          function (input) {
            const last = granted.get(this) ?? new Map<string, Sent>();
            granted.set(this, last);
            return real.call(this, input).flatMap((decision): Decision[] => {
              if (decision.type !== "send") return [decision];
              const { body } = decision;
              if (body.kind === "grant" || body.kind === "claim")
                for (const { sessionId } of body.seats) last.set(sessionId, decision);
              return body.kind === "release" ? [decision, ...alsoOf(body, last)] : [decision];
            });
          },
      );
    },
  },
  {
    name: "a stop without a close",
    seed: 0,
    shows: /^P3 only a closed server is stopped/,
    plant: () =>
      replaced<Handle>(
        Core,
        "handle",
        (real) =>
          function (input) {
            return real.call(this, input).map((decision): Decision => {
              if (decision.type !== "send" || decision.body.kind !== "close") return decision;
              return { type: "stop", serverId: decision.body.serverId, graceSecs: 5, reason: "scaled down" };
            });
          },
      ),
  },
  {
    name: "a decision that hangs on more than its inputs",
    seed: 5,
    shows: /^P9 a decision can be replayed/,
    plant: () => {
      let handled = 0;
      return replaced<Handle>(
        Core,
        "handle",
        (real) =>
          function (input) {
            const decisions = real.call(this, input);
            return ++handled % 401 === 0 ? decisions.filter(({ type }) => type !== "event") : decisions;
          },
      );
    },
  },
];
