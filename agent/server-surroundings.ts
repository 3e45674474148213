import type { Clock } from "../protocol/clock";
import type { AgentEvent } from "../protocol/messages";
import type { GameServer } from "./game-server";
import type { AgentLog, Ledger } from "./ledger";

/** What a server needs of the agent around it. */
export interface ServerSurroundings {
  readonly clock: Clock;
  readonly ledger: Ledger;
  readonly log: AgentLog;
  readonly ticketSecrets: () => readonly [string, ...string[]];
  /** Names a process for good; undefined where there is none, or it has ended. */
  readonly processStarted: (pid: number) => string | undefined;
  /** Tells every controller. */
  readonly emit: (event: AgentEvent) => void;
  /** Tells the server itself, over its streams. */
  readonly push: (server: GameServer, event: string, data: unknown) => void;
  /** What the server's streams show of it may be out of date. */
  readonly onChanged: (server: GameServer) => void;
  /** Its processes have been found: the gate can tell its callers from others. */
  readonly onProcesses: (server: GameServer) => void;
  /** The server is gone: its probes and its port are of no more use. */
  readonly onGone: (server: GameServer) => void;
}

type Distribute<Event> = Event extends unknown ? Omit<Event, "serverId" | "allocationId" | "atMs"> : never;

/** What controllers are told of a server, before it is said of which and when. */
export type ServerEvent = Distribute<AgentEvent>;
