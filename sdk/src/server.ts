export { GameServer, type ConnectOptions, type SeatedPlayer } from "./server/game-server";
export type { Admission } from "./server/admissions";
export type { GameServerEvents, GameServerInfo, Restore } from "./server/notices";
export { forgePort, type Environment } from "./server/environment";
export { checkTicket, readTicket, type TicketCheck, type TicketClaims, type TicketProblem } from "./server/ticket";
export { MAX_PLAYER_STATE_BYTES, MAX_SERVER_STATE_BYTES, type Savers, type Snapshot } from "./server/snapshots";
export { ForgeApiError, ForgeUnreachableError, ForgeUsageError } from "./errors";
export { realTiming, type Timing } from "./timing";
