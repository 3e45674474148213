import { existsSync, mkdirSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { unseal } from "../bootstrap/vault-unseal";
import { InfraError } from "../failure";
import { requireProgram } from "../programs";
import { CA_FILE, ensureCertificates } from "../tls/certificates";
import { runningAgent, startAgent } from "./agent-process";
import {
  AGENT_NAMES,
  planAgents,
  type AgentName,
  type LocalPrograms,
  type LocalRegion,
  type PlannedAgent,
} from "./agent-plan";
import { gossipKeys } from "./gossip-keys";
import type { LocalHost } from "./local-host";
import { requireFreePorts } from "./port-check";
import { EMPTIED, wakeNomad } from "./quiet-nomad";
import { untilReady } from "./readiness";
import { regionClients } from "./region-clients";
import { readIfThere, writeWhole } from "./region-folder";
import { tokenOf } from "./token-files";

export interface UpResult {
  /** Agents that this call started. */
  readonly started: readonly AgentName[];
  /** Agents that ran already. */
  readonly kept: readonly AgentName[];
  /** Of those kept: whose configuration has changed since they were started. */
  readonly outdated: readonly AgentName[];
}

/** What a region's agents need at first, and room to write: 256 MiB. */
const LEAST_FREE_BYTES = 256 * 1024 ** 2;

/**
 * Brings the agents of a region on this machine up: what runs stays, what is not there is started with the data it had.
 * Returns once each does its work. The region must be locked by the caller.
 *
 * @throws {InfraError} naming cause and next step
 */
export async function bringUp(region: LocalRegion, host: LocalHost): Promise<UpResult> {
  const { folder } = region;
  folder.make();
  requireRoom(folder.path);
  const programs = await localPrograms(host);
  await ensureCertificates({ nomad: programs.nomad, folder: folder.tls(""), region: region.name, nowMs: host.now() });
  const plan = planAgents(region, programs, gossipKeys(folder, host), host.env);
  const agents = AGENT_NAMES.map((name) => ({ name, agent: plan[name], running: runningAgent(plan[name].spec) }));
  const missing = agents.filter(({ running }) => running === undefined);
  await requireFreePorts(missing.flatMap(({ agent }) => agent.ports));
  for (const { agent } of agents) writeFiles(agent);
  for (const { name, agent } of missing) {
    mkdirSync(folder.data(name), { recursive: true, mode: 0o700 });
    await startAgent(agent.spec);
    host.note(`${region.name}: ${name} started`);
  }
  await allReady(region, plan, host);
  return {
    started: missing.map(({ name }) => name),
    kept: agents.filter(({ running }) => running !== undefined).map(({ name }) => name),
    outdated: agents
      .filter(({ running, agent }) => running !== undefined && running.revision !== agent.spec.revision)
      .map(({ name }) => name),
  };
}

/** @throws {InfraError} where one is missing or too old */
export async function localPrograms({ places, dist }: LocalHost): Promise<LocalPrograms> {
  const [nomad, consul, vault] = await Promise.all([
    requireProgram("nomad", places),
    requireProgram("consul", places),
    requireProgram("vault", places),
  ]);
  requireBuilt(dist);
  return {
    node: process.execPath,
    dist,
    nomad: nomad.file,
    consul: consul.file,
    vault: vault.file,
    vaultKind: vault.kind === "bao" ? "bao" : "vault",
  };
}

function requireBuilt(dist: string): void {
  if (existsSync(join(dist, "infra.js"))) return;
  const fix = "run `npm run build` in that checkout, or install the package again";
  throw new InfraError("programMissing", `${join(dist, "infra.js")} is missing`, fix);
}

async function allReady(
  { folder, ports }: LocalRegion,
  plan: Readonly<Record<AgentName, PlannedAgent>>,
  host: LocalHost,
): Promise<void> {
  const clients = regionClients(ports, readIfThere(folder.tls(CA_FILE)) ?? "", {
    nomad: () => tokenOf(folder, "nomad"),
  });
  try {
    await Promise.all(AGENT_NAMES.map((name) => untilReady(name, plan[name], clients, host)));
    await unseal(clients.vault, folder, host);
    // What `down` emptied takes work again; what an operator drains stays drained.
    if (readIfThere(folder.run(EMPTIED)) === undefined || tokenOf(folder, "nomad") === undefined) return;
    await wakeNomad(clients.nomad);
    rmSync(folder.run(EMPTIED));
  } finally {
    await clients.close();
  }
}

function writeFiles({ files }: PlannedAgent): void {
  for (const { path, text } of files) {
    if (readIfThere(path) !== text) writeWhole(path, text);
  }
}

function requireRoom(path: string): void {
  const { bavail, bsize } = statfsSync(path);
  const free = bavail * bsize;
  if (free >= LEAST_FREE_BYTES) return;
  const mib = (bytes: number): string => `${String(Math.floor(bytes / 1024 ** 2))} MiB`;
  const message = `${join(path)} has ${mib(free)} of disk left, and a region needs ${mib(LEAST_FREE_BYTES)}`;
  throw new InfraError("diskFull", message, "free some space, then run the same again");
}
