import type { NomadAllocation, NomadJob } from "../../../clients/nomad-answers";
import type { EngineServer } from "../../engine";
import { exitOf, hasEnded } from "./exit";

/** What controllers have been told of a server so far. */
export type Told = "nothing" | "placed" | "running" | "ended";

/** One game server as Nomad has it: a dispatched job and, once there was room, its allocation. */
export interface ServerRecord {
  readonly serverId: string;
  job: NomadJob;
  allocation: NomadAllocation | undefined;
  told: Told;
  /** Why it could not be started, where that was told instead of an exit. */
  failure: string | undefined;
  /** What was last told of its wait for a place, so that it is not told again and again. */
  blocked: string | undefined;
  /** Milliseconds; undefined while it runs or waits. */
  endedAtMs: number | undefined;
  /** Dropped by `forget`: it is listed no more, whether or not Nomad has purged it yet. */
  forgotten: boolean;
  /** Counts up over all records: tells those that changed during a list from those that the list should have had. */
  touched: number;
}

/** Meta of the job itself, not of the launch. */
const JOB_META = "region";

/** Undefined where neither its job was read as it was deployed, nor it has an allocation. */
export function taskNamesOf({ job, allocation }: ServerRecord): readonly string[] | undefined {
  const names = new Set([...job.tasks.map(({ name }) => name), ...(allocation?.taskNames ?? [])]);
  return names.size === 0 ? undefined : [...names];
}

/** A server as the port tells it; undefined while it waits for a place. */
export function engineServer(record: ServerRecord, addressOf: (allocation: NomadAllocation) => string): EngineServer {
  const { serverId, job, allocation } = record;
  const { meta } = job;
  const ended = record.endedAtMs !== undefined;
  return {
    serverId,
    allocationId: allocation?.id ?? "",
    nodeId: allocation?.nodeId ?? "",
    state: ended ? "exited" : record.told === "running" ? "running" : "pending",
    experienceId: meta["experienceId"] ?? "",
    version: meta["version"] ?? "",
    role: meta["role"] ?? "server",
    address: allocation === undefined ? "" : addressOf(allocation),
    ports: Object.fromEntries((allocation?.ports ?? []).map(({ label, value }) => [label, value])),
    // Processes and output are the node's: its agent finds them.
    pids: {},
    logFiles: {},
    meta: Object.fromEntries(Object.entries(meta).filter(([key, value]) => key !== JOB_META && value !== "")),
    exit: ended && allocation !== undefined && hasEnded(allocation) ? exitOf(allocation) : undefined,
  };
}
