export { PlayerClient, type ConnectRequest, type PlayerClientOptions } from "./player/player-client";
export type { FollowOptions, FollowOutcome, Place } from "./player/follow";
export type { Endpoint, Follow, Placement, Queued, Session, SessionAsk, SessionState } from "./resources";
export { ForgeApiError, ForgeUnreachableError, ForgeUsageError } from "./errors";
export { realTiming, type Timing } from "./timing";
export type { TokenSource } from "./token-source";
