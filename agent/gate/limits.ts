/** Everything in the gate is bounded. Times in milliseconds, sizes in bytes. */
export interface GateLimits {
  /** Of one SDK call's body. */
  readonly bodyBytes: number;
  /** Of one that saves states: a server's of 256 KiB fits also where JSON makes six bytes of each (`\u0000`). */
  readonly snapshotBytes: number;
  /** Bodies over `bodyBytes` of one server that may be arriving at a time. */
  readonly arrivingSnapshots: number;
  readonly headerBytes: number;
  /** For a request's head, and again for all of it. */
  readonly requestMs: number;
  readonly connectionsPerServer: number;
  /** Of a server's connections, how many may be streams; the rest stays free for calls. */
  readonly streamsPerServer: number;
  /** Calls of one server that wait for an answer, whether the agent is away or slow. */
  readonly heldCalls: number;
  /** Bodies of all waiting calls of all servers. */
  readonly heldBytes: number;
  /** How long a call waits for its answer. */
  readonly answerMs: number;
  /** The same of a call of Agones' SDK that names no end: its clients take a failed call for the server's end. */
  readonly agonesAnswerMs: number;
  /** Calls under way on one gRPC connection; a client queues more by itself. */
  readonly grpcStreamsPerConnection: number;
  /** Calls of one server over gRPC that have begun and whose message is not there yet; each may hold `bodyBytes`. */
  readonly arrivingCalls: number;
  /** Ends a connection of gRPC that has had no call under way for so long; its client connects anew for the next. */
  readonly grpcIdleMs: number;
  readonly heartbeatMs: number;
  /** What may wait in the gate for one stream's reader; more drops the stream. The largest state to be restored fits. */
  readonly streamBacklogBytes: number;
  /** How long a retiring gate waits for an agent that is away, once nothing is connected. */
  readonly forsakenMs: number;
  /** Keeps a caller's idle connection: longer than the pauses between heartbeats of common SDK settings. */
  readonly keepAliveMs: number;
}

export const GATE_LIMITS: GateLimits = {
  bodyBytes: 512 * 1024,
  snapshotBytes: 2 * 1024 * 1024,
  arrivingSnapshots: 4,
  headerBytes: 8 * 1024,
  requestMs: 10_000,
  connectionsPerServer: 64,
  streamsPerServer: 16,
  heldCalls: 256,
  heldBytes: 64 * 1024 * 1024,
  answerMs: 10_000,
  agonesAnswerMs: 60_000,
  grpcStreamsPerConnection: 64,
  arrivingCalls: 64,
  grpcIdleMs: 300_000,
  heartbeatMs: 10_000,
  streamBacklogBytes: 2 * 1024 * 1024,
  forsakenMs: 30_000,
  keepAliveMs: 65_000,
};
