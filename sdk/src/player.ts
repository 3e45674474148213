export {
  PlayerClient,
  type ConnectRequest,
  type FollowOptions,
  type FollowOutcome,
  type Place,
  type PlayerClientOptions,
} from "./player/player-client";
export type { Endpoint, Follow, Placement, Queued, Session, SessionAsk, SessionState } from "./resources";
export { ForgeApiError, ForgeUnreachableError, ForgeUsageError } from "./errors";
export { realTiming, type Timing } from "./timing";
