import { peekTicket } from "../protocol/ticket";
import { EXPERIENCE } from "./fixed-fleet";
import type { LoadResult } from "./load-program";

/** A seat as its player was told of it. */
export interface ToldSeat {
  readonly sessionId: string;
  readonly serverId: string;
}

/** How seats are asked for: in each body `PLAYER` stands for what is another in each call. */
export interface SeatCall {
  readonly path: string;
  readonly body: string;
  readonly players: number;
  /** @throws {Error} where the answer is not for whom it was asked, or a ticket is missing */
  readonly seats: (answer: LoadResult["answers"][number]) => readonly ToldSeat[];
}

const VERSION = "1.0.0";

/** One player comes and asks for a seat. */
export const ONE_PLAYER: SeatCall = {
  path: "/v1/sessions",
  body: JSON.stringify({
    playerId: "PLAYER",
    experienceId: EXPERIENCE,
    version: VERSION,
    latencies: { bench: 24.5, elsewhere: 98 },
  }),
  players: 1,
  seats: ({ playerId, body }) => {
    const { session, server, ticket } = JSON.parse(body) as {
      session: { id: string; playerId: string };
      server: { id: string };
      ticket: string;
    };
    if (session.playerId !== playerId) throw new Error(`${playerId} was answered with ${session.playerId}'s session`);
    if (ticket === "") throw new Error(`session ${session.id} came without a ticket`);
    return [{ sessionId: session.id, serverId: server.id }];
  },
};

/** A matchmaker asks for a whole server for so many players. */
export function matchCall(players: number): SeatCall {
  const member = (n: number, name: string): string => `${name}-${n}`;
  const names = (name: string): string[] => Array.from({ length: players }, (_, n) => member(n, name));
  return {
    path: "/v1/allocations",
    body: JSON.stringify({
      experienceId: EXPERIENCE,
      matchId: "match-PLAYER",
      version: VERSION,
      players: names("PLAYER").map((playerId) => ({ playerId })),
    }),
    players,
    seats: ({ playerId, body }) => {
      const { server, tickets } = JSON.parse(body) as {
        server: { id: string };
        tickets: Readonly<Record<string, string>>;
      };
      return names(playerId).map((name) => {
        const ticket = peekTicket(tickets[name] ?? "");
        if (ticket?.playerId !== name || ticket.serverId !== server.id)
          throw new Error(`${name} has no ticket for ${server.id}, which the match was given`);
        return { sessionId: ticket.sessionId, serverId: server.id };
      });
    },
  };
}
