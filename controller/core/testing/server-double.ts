import type { ExpectedServer, SeatReport, SeatRequest, ServerReport } from "../../../protocol/messages";

export interface DoubleSeat {
  readonly sessionId: string;
  readonly playerId: string;
  generation: number;
  joined: boolean;
  readonly grantedAtMs: number;
  joinedAtMs: number | undefined;
  leaseExpiresAtMs: number | undefined;
  readonly carry: SeatReport["carry"];
  readonly restore: SeatRequest["restore"];
}

export interface DoubleServer {
  expect: ExpectedServer;
  ready: boolean;
  reserved: boolean;
  selfAllocated: boolean;
  closed: boolean;
  claim: string | undefined;
  gone: { reason: string; atMs: number } | undefined;
  walkIns: number;
  healthy: boolean;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  readonly seats: Map<string, DoubleSeat>;
  /** The highest generation of sessions that were here. */
  readonly former: Map<string, number>;
}

/** What an agent that was told to expect it has of a server at first. */
export function newDoubleServer(expect: ExpectedServer): DoubleServer {
  return {
    expect,
    ready: false,
    selfAllocated: false,
    reserved: false,
    closed: false,
    claim: undefined,
    gone: undefined,
    walkIns: 0,
    healthy: true,
    labels: { ...expect.labels },
    annotations: { ...expect.annotations },
    seats: new Map(),
    former: new Map(),
  };
}

/** As a snapshot has it. */
export function reportOf(server: DoubleServer): ServerReport {
  const { expect, ready, reserved, selfAllocated, closed, claim, gone, walkIns, healthy, labels, annotations, seats } =
    server;
  return {
    serverId: expect.serverId,
    allocationId: expect.allocationId,
    expect,
    ready,
    reserved,
    ...(selfAllocated ? { selfAllocated } : {}),
    healthy,
    closed,
    claim: claim === undefined ? undefined : { matchId: claim, sessionIds: [...seats.keys()] },
    seats: [...seats.values()].map(({ restore: _, ...seat }) => seat),
    walkIns,
    gone,
    stats: undefined,
    labels,
    annotations,
    ...(expect.counters ? { counters: expect.counters } : {}),
    ...(expect.lists ? { lists: expect.lists } : {}),
    tracked: expect.tracked,
  };
}
