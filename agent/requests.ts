import type { Clock } from "../protocol/clock";
import type { CountTable } from "../protocol/count-rules";
import type { Ack, GrantedSeat, NackCode, RegionDrain, Request, RequestBody } from "../protocol/messages";
import { sealTicket } from "../protocol/ticket";
import { allocate, type Allocated } from "./allocate";
import { broughtAlong } from "./carried-states";
import type { Handshakes } from "./probes/handshakes";
import type { Requester } from "./controller-links";
import type { GameServer } from "./game-server";
import type { JournalEntry } from "./journal/journal-entry";
import { given, settled, type ToOthers } from "./given";
import type { AgentLog, Ledger } from "./ledger";
import { refuse, type Refusal } from "./seats/refusal";
import type { Granted } from "./seats/seat-book";
import type { Seat } from "./seats/seat-record";
import type { Servers } from "./servers";

export interface RequestsDeps {
  readonly clock: Clock;
  readonly ledger: Ledger;
  readonly servers: Servers;
  /** Without it this agent tries to reach no other node's servers. */
  readonly handshakes?: Handshakes | undefined;
  readonly log: AgentLog;
}

/** What a request gives back beside "done". */
type Outcome =
  | Refusal
  | {
      readonly ok: true;
      readonly seats?: () => readonly GrantedSeat[];
      readonly free?: number;
      readonly counts?: () => CountTable;
      readonly toOthers?: ToOthers;
    };

type ReachBody = Extract<RequestBody, { kind: "reach" }>;

const DONE: Outcome = { ok: true };
/** A ticket ends so long before its lease, or a tenth of it where that is less. */
const TICKET_MARGIN_MS = 1000;

/**
 * Carries out what leaders ask for. A lower epoch than the highest one seen is refused, so that a leader who has been
 * replaced and does not know it cannot change anything. Every request can be repeated: the second time changes nothing.
 */
export class Requests {
  /** The highest epoch that is in the journal or about to be. */
  epoch = 0;
  /** Whether the region is being drained, as the newest leader said: kept here so that the next one goes on with it. */
  drain: RegionDrain | undefined;

  constructor(private readonly deps: RequestsDeps) {}

  handle(request: Request, from: Requester): void {
    const { id, epoch, body } = request;
    if (epoch < this.epoch) {
      const detail = `this agent has followed epoch ${this.epoch}, the request is of ${epoch}`;
      return this.answer(from, this.nack(id, "staleEpoch", detail));
    }
    const isNewLeader = epoch > this.epoch;
    if (isNewLeader) this.raise(epoch);
    if (body.kind === "reach") return void this.reach(id, body, from);
    let outcome: Outcome;
    try {
      outcome = this.run(body);
    } catch (error) {
      // One request that this agent cannot carry out must not end the seats of all the others.
      this.deps.log.error({ request: body.kind, error: String((error as Error).stack) }, "a request failed");
      return this.answer(from, this.nack(id, "malformed", String(error)));
    }
    // A leader starts from what this agent has, not from what it heard as one of several.
    if (body.kind === "epoch" && body.drain === undefined) this.deps.ledger.then(() => from.sendSnapshot());
    // Whoever led until now may have been given seats whose answers came after it had stepped down.
    if (body.kind === "epoch" && isNewLeader) this.deps.ledger.then(() => from.sendOthersSnapshot());
    // Before the answer: who is told of a seat has one that the next leader knows as well.
    if (outcome.ok && outcome.toOthers) this.tellOthers(outcome.toOthers, epoch, from);
    this.answer(from, () => this.ack(id, outcome), id);
  }

  private tellOthers(events: ToOthers, epoch: number, from: Requester): void {
    const { ledger, clock } = this.deps;
    ledger.then(() => from.tellOthers(() => events(epoch, clock.now())));
  }

  /** Answered whenever it is known, beside the order of all other answers: nothing of this agent's own has to do with it. */
  private async reach(id: number, body: ReachBody, from: Requester): Promise<void> {
    const failure = (await this.deps.handshakes?.reach(body)) ?? null;
    from.answer(failure === null ? this.ack(id, DONE) : this.nack(id, failure.code, failure.detail));
  }

  private raise(epoch: number): void {
    const before = this.epoch;
    this.epoch = epoch;
    this.deps.ledger.recordOr(this.epochEntry(), () => (this.epoch = before));
  }

  /** What the journal keeps of the leaders it has followed. */
  epochEntry(): Extract<JournalEntry, { kind: "epoch" }> {
    return { kind: "epoch", epoch: this.epoch, ...(this.drain && { drain: this.drain }) };
  }

  replay({ epoch, drain }: Extract<JournalEntry, { kind: "epoch" }>): void {
    this.epoch = Math.max(this.epoch, epoch);
    this.drain = newerDrain(this.drain, drain);
  }

  private keepDrain(told: RegionDrain | undefined): void {
    const before = this.drain;
    this.drain = newerDrain(before, told);
    if (this.drain !== before) this.deps.ledger.recordOr(this.epochEntry(), () => (this.drain = before));
  }

  private run(body: Exclude<RequestBody, ReachBody>): Outcome {
    const { servers } = this.deps;
    if (body.kind === "epoch") {
      this.keepDrain(body.drain);
      return DONE;
    }
    if (body.kind === "expect") {
      servers.expect(body.server);
      const server = servers.find(body.server.serverId, body.server.allocationId);
      if (server) for (const state of broughtAlong(server, [])) server.tellState(state);
      return DONE;
    }
    const server = servers.find(body.serverId, body.allocationId);
    if (body.kind === "forget") {
      if (!server) return DONE;
      servers.forget(server);
      return { ok: true, toOthers: settled(server) };
    }
    if (server) return this.runOn(server, body);
    const other = servers.current(body.serverId);
    return other
      ? refuse(
          "otherAllocation",
          `server ${body.serverId} is in allocation ${other.allocationId}, not ${body.allocationId}`,
        )
      : refuse(
          "unknownServer",
          `nothing was said to expect server ${body.serverId} in allocation ${body.allocationId}`,
        );
  }

  private runOn(
    server: GameServer,
    body: Exclude<RequestBody, { kind: "epoch" | "expect" | "forget" | "reach" }>,
  ): Outcome {
    switch (body.kind) {
      case "grant":
        return this.granted(server, server.seats.grant(body.seats, body.leaseMs), body.leaseMs);
      case "claim":
        return this.granted(
          server,
          server.seats.claim(body.matchId, body.seats, body.leaseMs, body.ongoing),
          body.leaseMs,
        );
      case "allocate":
        return this.allocated(server, allocate(server, body.order));
      case "release":
        server.seats.release(body.seats);
        return { ok: true, free: server.book.free };
      case "close":
        return server.seats.close(body.onlyIfEmpty);
      case "notice":
        server.notice(body.notice);
        return DONE;
      case "labels":
        server.relabel(body.labels, body.annotations);
        return DONE;
      case "ended":
        server.end(body.reason);
        return DONE;
    }
  }

  private granted(server: GameServer, granted: Granted, leaseMs: number): Outcome {
    if (!granted.ok) return granted;
    for (const state of broughtAlong(server, granted.seats)) server.tellState(state);
    const untilMs = this.deps.clock.now() + leaseMs;
    // Sealed after the write: a ticket for a seat that is not in the journal never exists.
    return {
      ok: true,
      seats: () => granted.seats.map((seat) => seal(server, seat, untilMs, leaseMs)),
      free: server.book.free,
      toOthers: given(server, granted.seats),
    };
  }

  private allocated(server: GameServer, allocated: Allocated): Outcome {
    return allocated.ok ? { ...allocated, toOthers: given(server, []) } : allocated;
  }

  private ack(id: number, outcome: Outcome): Ack {
    if (!outcome.ok) return this.nack(id, outcome.code, outcome.detail);
    const { seats, free, counts } = outcome;
    return {
      type: "ack",
      id,
      ok: true,
      epoch: this.epoch,
      ...(seats ? { seats: seats() } : {}),
      ...(free === undefined ? {} : { free }),
      ...(counts ? { counts: counts() } : {}),
    };
  }

  private nack(id: number, code: NackCode, detail: string): Ack {
    return { type: "ack", id, ok: false, epoch: this.epoch, code, detail };
  }

  /** Answers in the order of the requests, each after its own records are in the journal. */
  private answer(from: Requester, ack: Ack | (() => Ack), id = 0): void {
    this.deps.ledger.then(
      () => from.answer(typeof ack === "function" ? ack() : ack),
      (error) => from.answer(typeof ack === "function" ? this.nack(id, "journal", error.message) : ack),
    );
  }
}

function newerDrain(one: RegionDrain | undefined, other: RegionDrain | undefined): RegionDrain | undefined {
  if (!one || !other) return one ?? other;
  return other.epoch > one.epoch || (other.epoch === one.epoch && other.atMs > one.atMs) ? other : one;
}

/** @param untilMs the ticket's end where the seat has no lease: it is joined, or its server reports no joins */
function seal(server: GameServer, seat: Seat, untilMs: number, leaseMs: number): GrantedSeat {
  const { sessionId, playerId, generation } = seat;
  const leaseExpiresAtMs = seat.leaseExpiresAtMs ?? untilMs;
  const { serverId, allocationId } = server;
  const expiresAtMs = Math.max(0, Math.floor(leaseExpiresAtMs - Math.min(TICKET_MARGIN_MS, leaseMs / 10)));
  const ticket = sealTicket(server.ticketKeys[0], {
    sessionId,
    playerId,
    serverId,
    allocationId,
    generation,
    expiresAtMs,
  });
  return { sessionId, playerId, generation, ticket, leaseExpiresAtMs };
}
