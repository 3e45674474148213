import type { Clock } from "../protocol/clock";
import type { AgentEvent, SeatRequest } from "../protocol/messages";
import type { Observed } from "./seats/observed-players";
import type { Refusal } from "./seats/refusal";
import type { Granted, SeatBook } from "./seats/seat-book";
import type { SeatKey } from "./seats/seat-record";
import type { ServerEvent } from "./server-surroundings";

/** Why a session is no longer here. */
type LeftReason = Extract<AgentEvent, { kind: "left" }>["reason"];

export interface SeatHandlers {
  /** Tells controllers once what was recorded before is in the journal. */
  tell(event: ServerEvent): void;
  /** Something was asked of the seats, and may have changed them. */
  onChanged(): void;
  /** A match has the whole server. */
  onClaimed(): void;
  onPlayerLeft(playerId: string): void;
}

/** A server's seats over time: its book decides, and what follows from that is told. */
export class ServerSeats {
  constructor(
    private readonly book: SeatBook,
    private readonly clock: Clock,
    private readonly handlers: SeatHandlers,
  ) {}

  grant(seats: readonly SeatRequest[], leaseMs: number): Granted {
    const now = this.clock.now();
    const granted = this.book.grant(seats, leaseMs, now);
    this.handlers.onChanged();
    // Leases that are over but not yet swept must not make a server full.
    return granted.ok || granted.code !== "full" || !this.expire() ? granted : this.book.grant(seats, leaseMs, now);
  }

  claim(matchId: string, seats: readonly SeatRequest[], leaseMs: number, ongoing = false): Granted {
    this.expire();
    this.handlers.onChanged();
    const known = this.book.state.claim?.matchId === matchId;
    const granted = this.book.claim(matchId, seats, leaseMs, this.clock.now(), ongoing);
    if (granted.ok && !known) this.handlers.onClaimed();
    return granted;
  }

  release(seats: readonly SeatKey[]): void {
    this.left(this.book.release(seats), "released");
    this.lapse();
  }

  close(onlyIfEmpty: boolean): { readonly ok: true } | Refusal {
    if (onlyIfEmpty) this.expire();
    this.handlers.onChanged();
    return this.book.close(onlyIfEmpty);
  }

  joined({ sessionId, generation }: SeatKey): void {
    this.handlers.tell({ kind: "joined", sessionId, generation });
  }

  leave(playerId: string): void {
    this.left(this.book.leave(playerId), "left");
  }

  observed({ joined, dropped, walkIns }: Observed): void {
    for (const seat of joined) this.joined(seat);
    this.left(dropped, "left");
    if (walkIns !== undefined) this.handlers.tell({ kind: "walkIns", count: walkIns });
  }

  /**
   * Players can come; said again by the server it ends the match.
   * @returns whether it is news
   */
  ready(repeated: boolean): boolean {
    const { first, matchId, dropped } = this.book.ready(repeated);
    if (first) this.handlers.tell({ kind: "ready" });
    this.matchEnded(matchId, dropped);
    return first;
  }

  /** Gives back the seats whose leases are over. Returns whether there were any. */
  expire(): boolean {
    const dropped = this.book.expire(this.clock.now());
    if (dropped.length === 0) return false;
    this.left(dropped, "leaseExpired");
    this.lapse();
    return true;
  }

  private lapse(): void {
    const lapsed = this.book.lapse();
    if (lapsed) this.matchEnded(lapsed.matchId, []);
  }

  private matchEnded(matchId: string | undefined, dropped: readonly SeatKey[]): void {
    this.left(dropped, "matchEnded");
    if (matchId !== undefined) this.handlers.tell({ kind: "matchEnded", matchId });
  }

  private left(dropped: readonly (SeatKey & { readonly playerId?: string })[], reason: LeftReason): void {
    for (const { sessionId, generation, playerId } of dropped) {
      this.handlers.tell({ kind: "left", sessionId, generation, reason });
      if (playerId !== undefined) this.handlers.onPlayerLeft(playerId);
    }
  }
}
