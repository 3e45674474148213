import type { Clock } from "../../protocol/clock";
import type { ExpectedServer } from "../../protocol/messages";
import type { Finding, KnownHealth, RunningProbes, StartProbes } from "../finding";
import type { AllocationProcesses } from "../stats/allocation-processes";
import type { DiskSampler } from "../stats/disk-sampler";
import type { ProcessTable } from "../stats/process-table";
import type { UsageSampler } from "../stats/usage-sampler";
import { HttpProbe } from "./http-probe";
import { LogProbe } from "./log-probe";
import { portOf, ProbeLoop, type Probe } from "./probe-loop";
import { ProcessWatch } from "./process-watch";
import { loadQueries, QueryProbe, type LoadQueries } from "./query-probe";
import { TcpProbe } from "./tcp-probe";

export interface ProbeDeps {
  readonly clock: Clock;
  /** 0 to 1: spreads probes of servers that start together. */
  readonly random: () => number;
  readonly processes: ProcessTable;
  /** CPU and memory of all servers of this node; without it nothing is told of them. */
  readonly usage?: UsageSampler;
  /** How full their disks are; without it nothing is told of them. */
  readonly disk?: DiskSampler;
  /** Finds the processes of servers whose ids nobody told. */
  readonly allocations?: AllocationProcesses;
  /** The query library; in tests another. */
  readonly loadQueries?: LoadQueries;
  readonly warn?: (message: string) => void;
}

/**
 * Makes the function that starts a server's probes: its health check, the log that counts its players, a watch over its
 * processes and the measuring of what they use.
 *
 * Whether a probe's `ready` means something is for the agent to decide: a server with an SDK says so itself.
 */
export function startProbes(deps: ProbeDeps): StartProbes {
  const watch = new ProcessWatch(deps);
  return (server, report, known) => {
    const { allocations } = deps;
    const untold = allocations !== undefined && Object.keys(server.pids).length === 0;
    const running = [...healthCheck(server, deps, report, known)];
    if (!untold) running.push(...logProbe(server, deps, report));
    const found = untold
      ? watchFound(server, { ...deps, allocations, watch }, report, (probe) => void running.push(probe))
      : watchProcesses(server, watch, deps.clock, report);
    const stops = [found, deps.usage?.watch(server, report), diskOf(server, deps, firstPid(server), report)];
    return {
      stop: async () => {
        for (const stop of stops) stop?.();
        await Promise.all(running.map((probe) => probe.stop()));
      },
    };
  };
}

/** @throws {Error} where the check names a port that the server does not have */
function healthCheck(
  server: ExpectedServer,
  deps: ProbeDeps,
  report: (finding: Finding) => void,
  known: KnownHealth | undefined,
): RunningProbes[] {
  const probe = probeFor(server, deps);
  return probe === undefined ? [] : [new ProbeLoop(probe, server, deps, report, known)];
}

function probeFor(server: ExpectedServer, { clock, ...deps }: ProbeDeps): Probe | undefined {
  const { check, timeoutMs } = server.health;
  switch (check.kind) {
    case "http":
      return new HttpProbe({ ...check, port: portOf(server, check.port), timeoutMs }, clock);
    case "tcp":
      return new TcpProbe(portOf(server, check.port));
    case "query": {
      const query = { protocol: check.protocol, port: portOf(server, check.port), timeoutMs };
      return new QueryProbe(query, deps.loadQueries ?? loadQueries, clock);
    }
    // The SDK's heartbeats are calls, the log speaks for itself, and processes are watched in any case.
    case "sdk":
    case "log":
    case "process":
      return undefined;
  }
}

/**
 * Watches processes that have to be found: each task's from when its first is there. What needs them begins then: the
 * server's log, and that a server is ready because it runs.
 */
function watchFound(
  server: ExpectedServer,
  deps: ProbeDeps & { readonly allocations: AllocationProcesses; readonly watch: ProcessWatch },
  report: (finding: Finding) => void,
  add: (probe: RunningProbes) => void,
): () => void {
  const pids: Record<string, number> = {};
  const stops: (() => void)[] = [];
  const stopLooking = deps.allocations.watch(server.allocationId, (found) => {
    const { task, pid } = found;
    pids[task] = pid;
    stops.push(deps.watch.watch({ [task]: pid }, (reason) => report({ kind: "exited", reason })));
    report({ kind: "processes", pids: { ...pids } });
    if (task !== server.role) return;
    const stopDisk = diskOf(server, deps, pid, report);
    if (stopDisk) stops.push(stopDisk);
    if (server.health.check.kind === "process" && server.sdk === "none") report({ kind: "ready" });
    try {
      for (const probe of logProbe({ ...server, logFile: deps.allocations.logFile(found) }, deps, report)) add(probe);
    } catch (error) {
      report({ kind: "unhealthy", reason: (error as Error).message });
    }
  });
  return () => {
    stopLooking();
    for (const stop of stops) stop();
  };
}

function diskOf(
  { volumes = [] }: ExpectedServer,
  { disk }: ProbeDeps,
  pid: number | undefined,
  report: (finding: Finding) => void,
): (() => void) | undefined {
  return pid === undefined ? undefined : disk?.watch({ pid, volumes }, report);
}

function firstPid({ pids, role }: ExpectedServer): number | undefined {
  return [pids[role], ...Object.values(pids)].find((pid) => pid !== undefined && pid > 0);
}

function logProbe(server: ExpectedServer, deps: ProbeDeps, report: (finding: Finding) => void): RunningProbes[] {
  const { health, log, logFile, serverId } = server;
  if (health.check.kind !== "log" && log === undefined) return [];
  if (logFile === undefined) {
    throw new Error(`health.log: the output of server ${serverId} is in no file that the agent can read`);
  }
  const warn = deps.warn ?? (() => undefined);
  return [new LogProbe({ serverId, health, log, logFile }, { ...deps, warn }, report)];
}

/** A server without SDK whose only check is its process is ready as soon as that is there. */
function watchProcesses(server: ExpectedServer, watch: ProcessWatch, clock: Clock, report: (finding: Finding) => void) {
  if (Object.keys(server.pids).length === 0) return undefined;
  const stopWatching = watch.watch(server.pids, (reason) => report({ kind: "exited", reason }));
  const isAll = server.health.check.kind === "process" && server.sdk === "none";
  const cancelReady = isAll ? clock.after(0, () => report({ kind: "ready" })) : () => undefined;
  return () => {
    cancelReady();
    stopWatching();
  };
}
