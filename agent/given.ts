import type { AgentEvent } from "../protocol/messages";
import type { GameServer } from "./game-server";
import type { Seat } from "./seats/seat-record";
import { seatReport } from "./server-values";

/** What the other controllers have to be told of a request that one of them made, and hears of by its answer. */
export type ToOthers = (epoch: number, atMs: number) => readonly AgentEvent[];

/** These seats, or with none of them the whole server, as it is at this moment; told once it is in the journal. */
export function given(server: GameServer, seats: readonly Seat[]): ToOthers {
  const { serverId, allocationId } = server;
  const matchId = server.book.state.claim?.matchId;
  return (epoch, atMs) => [
    { kind: "granted", serverId, allocationId, atMs, epoch, seats: seats.map(seatReport), matchId },
  ];
}

/** The server was settled, and with it the seats that it had when it was lost: their players are elsewhere, or their sessions over. */
export function settled(server: GameServer): ToOthers {
  const { serverId, allocationId } = server;
  const seats = [...server.book.state.seats.values()];
  return (_epoch, atMs) =>
    seats.map(({ sessionId, generation }) => {
      return { kind: "left", serverId, allocationId, atMs, sessionId, generation, reason: "released" };
    });
}
