export { ForgeController, type ForgeControllerOptions } from "./controller/forge-controller";
export type { ApiEvents, ControllerEvents } from "./controller/events";
export type * from "./resources";
export { ForgeApiError, ForgeUnreachableError, ForgeUsageError } from "./errors";
export { realTiming, type Timing } from "./timing";
export type { TokenSource } from "./token-source";
