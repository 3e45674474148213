import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import type { Clock } from "../protocol/clock";
import type { AgentDeps } from "./agent";
import type { AgentLog } from "./ledger";
import { startProbes } from "./probes/start-probes";
import { AllocationProcesses } from "./stats/allocation-processes";
import { PidusageTable } from "./stats/pidusage-table";
import { ProcTable } from "./stats/proc-table";
import { UsageSampler } from "./stats/usage-sampler";

/** The machine as an agent meets it: disk, processes, probes. */
export type NodeWorld = Pick<AgentDeps, "bootId" | "disk" | "clock" | "startProbes" | "processStarted" | "log"> & {
  readonly random: () => number;
  readonly env: Readonly<Record<string, string | undefined>>;
};

export interface NodeWorldOptions {
  /** Servers' processes are found by their Nomad allocation, as their engine cannot tell them. */
  readonly findProcesses?: boolean;
  /** What one core is worth, MHz. */
  readonly mhzPerCore?: number;
  readonly platform?: NodeJS.Platform;
}

/** The same for an agent that is a program of its own and for one that shares a process. */
export function nodeWorld(clock: Clock, log: AgentLog, options: NodeWorldOptions = {}): NodeWorld {
  const { findProcesses = false, mhzPerCore, platform = process.platform } = options;
  const processes = platform === "linux" ? new ProcTable() : new PidusageTable();
  const found = findProcesses ? { allocations: new AllocationProcesses({ clock }) } : {};
  const usage = new UsageSampler({ clock, processes, ...found, ...(mhzPerCore === undefined ? {} : { mhzPerCore }) });
  const random = Math.random;
  return {
    bootId: randomUUID(),
    disk: fs,
    clock,
    random,
    env: process.env,
    startProbes: startProbes({ clock, random, processes, usage, ...found, warn: (message) => log.warn({}, message) }),
    processStarted: (pid) => processes.started(pid),
    log,
  };
}
