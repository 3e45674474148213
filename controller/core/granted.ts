import type { AgentEvent, SeatReport } from "../../protocol/messages";
import type { AgentNode } from "./agent-node";
import type { GameServer } from "./game-server";
import { setState } from "./servers";
import type { CoreState } from "./state";
import { takeClaim } from "./told-claim";
import { addSeats } from "./told-seats";
import { noLongerWanted } from "./wanted";

/**
 * Another controller was given seats. One that does not lead keeps them, so that it can move these players should it lead
 * after the server and its node are lost. A leader has asked for its own, and begins with the snapshot that follows its
 * epoch; where the epoch is newer than its own, it had stepped down before it came here.
 */
export function onGranted(
  s: CoreState,
  node: AgentNode,
  server: GameServer,
  { seats, matchId }: Extract<AgentEvent, { kind: "granted" }>,
): void {
  if (!s.leader) learnSeats(s, node, server, seats, matchId);
}

/** These seats are on it, and this match has the whole of it. */
export function learnSeats(
  s: CoreState,
  node: AgentNode,
  server: GameServer,
  seats: readonly SeatReport[],
  matchId: string | undefined,
): void {
  addSeats(s, node, server, seats);
  if (matchId !== undefined) {
    noLongerWanted(s.fleet(server.experienceId), server);
    // Whoever was given it tells its match.
    server.doubt = null;
    takeClaim(s, server, matchId);
    allocated(s, server, `match ${matchId}`);
  }
  s.reindex(server);
}

function allocated(s: CoreState, server: GameServer, reason: string): void {
  if (server.state === "suspect") server.beforeSuspect = "allocated";
  else if (server.state === "ready" || server.state === "reserved") setState(s, server, "allocated", reason);
}
