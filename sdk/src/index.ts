/**
 * Everything of the SDK for Node. Browsers import `eustress-forge-sdk/player`, which needs nothing but `fetch`.
 * By name, because Node finds no names behind `export *` where an ES module imports this one.
 */
export { ForgeController } from "./controller/forge-controller";
export { ForgeApiError, ForgeUnreachableError, ForgeUsageError } from "./errors";
export { PlayerClient } from "./player/player-client";
export { forgePort } from "./server/environment";
export { GameServer } from "./server/game-server";
export { MAX_PLAYER_STATE_BYTES, MAX_SERVER_STATE_BYTES } from "./server/snapshots";
export { checkTicket, readTicket } from "./server/ticket";
export { realTiming } from "./timing";
export { verifyWebhook, type WebhookCheck, type WebhookRequest } from "./webhook";
export type * from "./controller";
export type * from "./player";
export type * from "./server";
