import { z } from "zod";
import type { EngineServer, ServerExit, ServerLaunch } from "../../engine";
import type { EntryExit, EntryView } from "./root-protocol";

const record = z.object({
  engine: z.literal("embedded"),
  allocationId: z.string(),
  region: z.string(),
  experienceId: z.string(),
  version: z.string(),
  role: z.string(),
  address: z.string(),
  ports: z.record(z.string(), z.number()),
  meta: z.record(z.string(), z.string()),
});

/** What the engine keeps with root about a server: all that a new controller needs to know of it. */
export type ServerRecord = z.infer<typeof record>;

export function writeRecord(
  launch: ServerLaunch,
  placing: Pick<ServerRecord, "allocationId" | "address" | "ports">,
): string {
  const { region, experienceId, version, role, meta } = launch;
  return JSON.stringify({ engine: "embedded", region, experienceId, version, role, meta, ...placing });
}

/** Undefined for what is no game server of the region. */
export function readServer(entry: EntryView, region: string): EngineServer | undefined {
  const found = entry.kind === "server" ? readRecord(entry.record) : undefined;
  if (found?.region !== region) return undefined;
  const { allocationId, experienceId, version, role, address, ports, meta } = found;
  return {
    serverId: entry.id,
    allocationId,
    nodeId: nodeIdOf(region),
    state: stateOf(entry),
    experienceId,
    version,
    role,
    address,
    ports,
    pids: Object.fromEntries(entry.tasks.flatMap(({ name, pid }) => (pid === null ? [] : [[name, pid]]))),
    logFiles: Object.fromEntries(entry.tasks.map(({ name, logFile }) => [name, logFile])),
    meta,
    exit: entry.exit === null ? undefined : readExit(entry.exit),
  };
}

/** A region's one node on the embedded engine: this machine. */
export function nodeIdOf(region: string): string {
  return `${region}-local`;
}

export function readExit({ task, exitCode, signal, oom, requested, atMs }: EntryExit): ServerExit {
  return {
    task,
    exitCode: exitCode ?? undefined,
    signal: signal ?? undefined,
    outOfMemory: oom,
    requested,
    atMs,
  };
}

/** Of a server that is on its way out but has not been told as exited, players may still be on: it runs. */
function stateOf({ state, exit }: EntryView): EngineServer["state"] {
  if (exit !== null || state === "ended") return "exited";
  return state === "pending" ? "pending" : "running";
}

function readRecord(text: string): ServerRecord | undefined {
  try {
    return record.parse(JSON.parse(text));
  } catch {
    return undefined; // written by something else
  }
}
