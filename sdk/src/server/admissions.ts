import { ForgeApiError } from "../errors";
import type { Call } from "./gate-connection";
import { readRestore, type Restore } from "./notices";
import { readTicket } from "./ticket";

/** The agent's answer to a player at the door. */
export type Admission =
  | {
      readonly admitted: true;
      readonly playerId: string;
      readonly sessionId: string;
      readonly generation: number;
      /** What another server saved of this player, for one who was moved here. */
      readonly restore: Restore | null;
    }
  | { readonly admitted: false; readonly code: string; readonly detail: string };

/** The one call of the gate connection that is needed here. */
export interface Caller {
  call(call: Call, prepare?: (attempt: number) => unknown): Promise<Record<string, unknown>>;
}

/**
 * Who is in, as this process knows it. A ticket is good for one join: the agent holds that, except that a join whose
 * answer got lost has to be repeated as a rejoin. So that a repeated call never lets a copied ticket in, a ticket of a
 * player who is in, or on the way in, is refused here before anyone is asked.
 */
export class Admissions {
  private readonly inside = new Map<string, { readonly sessionId: string; readonly generation: number }>();
  private readonly entering = new Set<string>();

  constructor(private readonly gate: Caller) {}

  playerIds(): IterableIterator<string> {
    return this.inside.keys();
  }

  forget(playerId: string): void {
    this.inside.delete(playerId);
  }

  /** @param ticket as a client sent it: what is no text is refused like any other text that is no ticket */
  async join(ticket: unknown, rejoin: boolean): Promise<Admission> {
    const claims = readTicket(ticket);
    if (claims === undefined || typeof ticket !== "string")
      return { admitted: false, code: "ticketMalformed", detail: "this is no ticket of Forge" };
    const there = this.inside.get(claims.playerId);
    const used = there?.sessionId === claims.sessionId && there.generation === claims.generation && !rejoin;
    if (used || this.entering.has(ticket)) {
      return {
        admitted: false,
        code: "ticketReplayed",
        detail: `player "${claims.playerId}" has used this ticket and is still here`,
      };
    }
    this.entering.add(ticket);
    try {
      return this.admit(
        await this.gate.call({ method: "POST", path: "/v1/players/join" }, (attempt) => {
          return rejoin || attempt > 0 ? { ticket, rejoin: true } : { ticket };
        }),
      );
    } catch (error) {
      if (error instanceof ForgeApiError && !error.passing && error.status < 500 && error.status !== 401) {
        return { admitted: false, code: error.code, detail: error.detail };
      }
      throw error;
    } finally {
      this.entering.delete(ticket);
    }
  }

  async leave(playerId: string): Promise<void> {
    this.inside.delete(playerId);
    try {
      await this.gate.call({ method: "POST", path: "/v1/players/leave", body: { playerId } });
    } catch (error) {
      // Gone already: moved, released, or the first of two answers was lost.
      if (!(error instanceof ForgeApiError) || error.status !== 404) throw error;
    }
  }

  private admit(answer: Record<string, unknown>): Admission {
    const { playerId, sessionId, generation, restore } = answer as Record<string, string> & { generation: number };
    if (!playerId || !sessionId) throw new ForgeApiError("badAnswer", 200, "the answer to a join names no player");
    this.inside.set(playerId, { sessionId, generation });
    return { admitted: true, playerId, sessionId, generation, restore: readRestore(restore) };
  }
}
