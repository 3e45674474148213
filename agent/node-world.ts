import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import type { Clock } from "../protocol/clock";
import type { AgentDeps } from "./agent";
import type { AgentLog } from "./ledger";
import { startProbes } from "./probes/start-probes";
import { PidusageTable } from "./stats/pidusage-table";
import { ProcTable } from "./stats/proc-table";
import { UsageSampler } from "./stats/usage-sampler";

/** The machine as an agent meets it: disk, processes, probes. */
export type NodeWorld = Pick<AgentDeps, "bootId" | "disk" | "clock" | "startProbes" | "processStarted" | "log"> & {
  readonly random: () => number;
  readonly env: Readonly<Record<string, string | undefined>>;
};

/** The same for an agent that is a program of its own and for one that shares a process. */
export function nodeWorld(clock: Clock, log: AgentLog, platform: NodeJS.Platform = process.platform): NodeWorld {
  const processes = platform === "linux" ? new ProcTable() : new PidusageTable();
  const usage = new UsageSampler({ clock, processes });
  const random = Math.random;
  return {
    bootId: randomUUID(),
    disk: fs,
    clock,
    random,
    env: process.env,
    startProbes: startProbes({ clock, random, processes, usage, warn: (message) => log.warn({}, message) }),
    processStarted: (pid) => processes.started(pid),
    log,
  };
}
