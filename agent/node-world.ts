import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import type { Clock } from "../protocol/clock";
import type { AgentDeps } from "./agent-deps";
import type { AgentLog } from "./ledger";
import { Handshakes } from "./probes/handshakes";
import { startProbes } from "./probes/start-probes";
import { AllocationProcesses } from "./stats/allocation-processes";
import { CpuThrottling } from "./stats/cpu-throttling";
import { DiskSampler } from "./stats/disk-sampler";
import { PidusageTable } from "./stats/pidusage-table";
import { ProcTable } from "./stats/proc-table";
import { UsageSampler } from "./stats/usage-sampler";

/** The machine as an agent meets it: disk, processes, probes. */
export type NodeWorld = Pick<
  AgentDeps,
  "bootId" | "disk" | "clock" | "startProbes" | "handshakes" | "processStarted" | "log"
> & {
  readonly random: () => number;
  readonly env: Readonly<Record<string, string | undefined>>;
};

export interface NodeWorldOptions {
  /** Servers' processes are found by their Nomad allocation, as their engine cannot tell them. */
  readonly findProcesses?: boolean;
  /** What one core is worth, MHz. */
  readonly mhzPerCore?: number;
  /** The agent's own, whose disk is the node's. */
  readonly folder?: string | undefined;
  readonly platform?: NodeJS.Platform;
}

/** The same for an agent that is a program of its own and for one that shares a process. */
export function nodeWorld(clock: Clock, log: AgentLog, options: NodeWorldOptions = {}): NodeWorld {
  const { findProcesses = false, mhzPerCore, folder, platform = process.platform } = options;
  const processes = platform === "linux" ? new ProcTable() : new PidusageTable();
  const found = findProcesses ? { allocations: new AllocationProcesses({ clock }) } : {};
  const worth = mhzPerCore === undefined ? {} : { mhzPerCore };
  const usage = new UsageSampler({ clock, processes, throttling: new CpuThrottling(), ...found, ...worth });
  const disk = new DiskSampler({ clock, folder });
  const warn = (message: string): void => log.warn({}, message);
  const random = Math.random;
  return {
    bootId: randomUUID(),
    disk: fs,
    clock,
    random,
    env: process.env,
    startProbes: startProbes({ clock, random, processes, usage, disk, ...found, warn }),
    handshakes: new Handshakes({ clock }),
    processStarted: (pid) => processes.started(pid),
    log,
  };
}
