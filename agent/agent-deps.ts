import type { Clock } from "../protocol/clock";
import type { NodeFacts } from "../protocol/messages";
import type { StartProbes } from "./finding";
import type { GameServer } from "./game-server";
import type { lockFolder } from "./journal/folder-lock";
import type { JournalLimits } from "./journal/journal";
import type { JournalDisk } from "./journal/journal-disk";
import type { AgentLog } from "./ledger";
import type { Handshakes } from "./probes/handshakes";

/** Whoever wants to know which servers there are and how they are; it must not take long. */
export interface ServerObserver {
  /** It is there, or something of it may have changed. */
  changed(server: GameServer): void;
  /** It has ended, or was forgotten. */
  gone(serverId: string): void;
}

export interface AgentDeps {
  readonly nodeId: string;
  readonly region: string;
  /** New at every start. */
  readonly bootId: string;
  readonly agentVersion: string;
  readonly node: NodeFacts;
  /** A folder outside any server's own, for this agent alone. */
  readonly journalDir: string;
  readonly disk: JournalDisk;
  readonly clock: Clock;
  /** The region run's; every server's ticket key is derived from it. Asked again where it may change: the one in use first. */
  readonly ticketSecret: string | (() => readonly [string, ...string[]]);
  readonly startProbes: StartProbes;
  /** Tries to reach servers of other nodes; without it the agent says that it cannot. */
  readonly handshakes?: Handshakes | undefined;
  /** Names a process for good, as pids are used again; undefined where there is none, or it has ended. */
  readonly processStarted: (pid: number) => string | undefined;
  readonly log: AgentLog;
  readonly observer?: ServerObserver | undefined;
  /** Holds the journal's folder; the machine's own way unless told. */
  readonly lockFolder?: typeof lockFolder;
  /** When the journal is written anew, and how much of it at once; its own unless told. */
  readonly journalLimits?: JournalLimits;
  /** Calls back once the present turn's messages have all been handled; `setImmediate` unless told. */
  readonly soon?: (run: () => void) => void;
}
