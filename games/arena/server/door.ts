import { readTicket, type Admission, type TicketCheck } from "eustress-forge-sdk/server";
import { TICK_HZ } from "../rules";
import { CLOSE } from "../wire";
import type { Match } from "./match";
import type { PlayerConnection } from "./player-connection";
import { readSavedPlayer } from "./saved";

/** A client that lost its connection without leaving has so long to come back to its seat. */
const ABSENCE_MS = 5_000;

/** What the door needs of Forge. */
export interface Seating {
  checkTicket(ticket: string): TicketCheck;
  playerJoined(ticket: string): Promise<Admission>;
  playerLeft(playerId: string): Promise<void>;
}

export interface Seat {
  readonly playerId: string;
  readonly sessionId: string;
  readonly generation: number;
  readonly entity: number;
  /** Undefined while the player is absent. */
  connection: PlayerConnection | undefined;
  cancelAbsence: () => void;
}

/** Who sits here: lets players in by ticket, one connection each, and keeps a seat warm for a moment. */
export class Door {
  private readonly seats = new Map<string, Seat>();

  constructor(
    private readonly forge: Seating,
    private readonly match: Match,
    private readonly after: (ms: number, run: () => void) => () => void,
    private readonly log: (line: string) => void,
  ) {}

  seatOf(playerId: string): Seat | undefined {
    return this.seats.get(playerId);
  }

  all(): IterableIterator<Seat> {
    return this.seats.values();
  }

  /** Admits by ticket, or tells the client why not. Gives the seat where the client has it. */
  async join(connection: PlayerConnection, ticket: string): Promise<Seat | undefined> {
    const check = this.forge.checkTicket(ticket);
    // Whoever was admitted stays so: a ticket that has run out meanwhile still says who comes back.
    if (check.ok || check.problem === "expired") {
      const seat = this.comeBack(connection, ticket);
      if (seat) return seat;
    }
    if (!check.ok) {
      connection.refuse(TICKET_CODES[check.problem], `the ticket is refused: ${check.problem}`);
      return undefined;
    }
    let admission: Admission;
    try {
      admission = await this.forge.playerJoined(ticket);
    } catch (error) {
      connection.refuse("unavailable", `Forge does not answer: ${(error as Error).message}`);
      return undefined;
    }
    if (!admission.admitted) {
      connection.refuse(admission.code, admission.detail);
      return undefined;
    }
    return this.sit(connection, admission);
  }

  /** The connection is gone: for good where the player said so, else the seat waits a moment. */
  gone(connection: PlayerConnection, seat: Seat, forGood: boolean): void {
    if (seat.connection !== connection) return;
    seat.connection = undefined;
    if (forGood) this.free(seat);
    else seat.cancelAbsence = this.after(ABSENCE_MS, () => this.free(seat));
  }

  /** These players sit elsewhere now. Forge knows: nothing is to be reported. */
  moved(playerIds: readonly string[], reason: string): void {
    for (const playerId of playerIds) {
      const seat = this.seats.get(playerId);
      if (seat === undefined) continue;
      const connection = this.remove(seat);
      connection?.send({ type: "moved", final: true, reason });
      connection?.close(CLOSE.moved, "moved");
    }
  }

  private comeBack(connection: PlayerConnection, ticket: string): Seat | undefined {
    const claims = readTicket(ticket);
    const seat = claims && this.seats.get(claims.playerId);
    if (!seat || seat.connection || seat.sessionId !== claims.sessionId || seat.generation !== claims.generation)
      return undefined;
    seat.cancelAbsence();
    seat.connection = connection;
    this.welcome(seat, connection, null);
    return seat;
  }

  private sit(connection: PlayerConnection, admission: Extract<Admission, { admitted: true }>): Seat {
    const { playerId, sessionId, generation, restore } = admission;
    const before = this.seats.get(playerId);
    // The same person with a newer seat: what stands here is fresher than anything saved.
    const carried = before && this.match.savedPlayer(before.entity);
    if (before) this.remove(before)?.close(CLOSE.replaced, "a newer connection of this player");
    const saved = carried ?? (restore ? readSavedPlayer(restore.data) : undefined);
    if (restore && !saved) this.log(`the saved state of ${playerId} is not readable and left out`);
    const entity = this.match.enter(playerId, saved);
    const seat: Seat = { playerId, sessionId, generation, entity, connection, cancelAbsence: () => undefined };
    this.seats.set(playerId, seat);
    this.welcome(seat, connection, carried || !saved || !restore ? null : restore.ageMs);
    // It may have gone while Forge was asked.
    if (!connection.open) this.gone(connection, seat, false);
    return seat;
  }

  private welcome(seat: Seat, connection: PlayerConnection, restoredAgeMs: number | null): void {
    const { score = 0, inputs = 0 } = this.match.savedPlayer(seat.entity) ?? {};
    connection.welcome({
      type: "welcome",
      playerId: seat.playerId,
      you: seat.entity,
      tickHz: TICK_HZ,
      score,
      inputs,
      restoredAgeMs,
    });
  }

  /** Takes the seat away; gives back its connection, whose end is then no absence any more. */
  private remove(seat: Seat): PlayerConnection | undefined {
    const { connection } = seat;
    seat.connection = undefined;
    seat.cancelAbsence();
    this.seats.delete(seat.playerId);
    this.match.leave(seat.entity);
    return connection;
  }

  private free(seat: Seat): void {
    this.remove(seat);
    this.forge.playerLeft(seat.playerId).catch((error: unknown) => {
      this.log(`Forge was not told that ${seat.playerId} left: ${(error as Error).message}`);
    });
  }
}

const TICKET_CODES = {
  malformed: "ticketMalformed",
  signature: "ticketSignature",
  expired: "ticketExpired",
  foreign: "ticketForeign",
} as const;
