import { HttpStatusError, HttpUnreachable } from "../../clients/http-json";
import { InfraError } from "../failure";
import { endedError, runningAgent } from "./agent-process";
import type { AgentName, PlannedAgent } from "./agent-plan";
import type { LocalHost } from "./local-host";
import type { RegionClients } from "./region-clients";

/** A busy machine with a slow disk still elects a leader within this. */
const READY_WITHIN_MS = 120_000;
const ASK_EVERY_MS = 150;

/**
 * Returns once the agent does its work: a server has a leader, the client is known to its server, Vault tells its state.
 *
 * @throws {InfraError} `agentEnded` and its kin where the process is gone, `noLeader` or `agentSilent` after two minutes
 */
export async function untilReady(
  name: AgentName,
  { spec }: PlannedAgent,
  clients: RegionClients,
  host: LocalHost,
): Promise<void> {
  const deadlineMs = host.now() + READY_WITHIN_MS;
  for (;;) {
    const state = await askReady(name, clients);
    if (state === "ready") return;
    if (runningAgent(spec) === undefined) throw endedError(spec);
    if (host.now() > deadlineMs) throw lateError(name, state, spec.logFile);
    await host.pause(ASK_EVERY_MS);
  }
}

/** What an agent says of itself just now. */
export type Readiness = "ready" | "leaderless" | "silent";

export async function askReady(name: AgentName, clients: RegionClients): Promise<Readiness> {
  try {
    return await ASK[name](clients);
  } catch (error) {
    if (error instanceof HttpUnreachable) return "silent";
    // Consul and Nomad answer 500 without a leader.
    if (error instanceof HttpStatusError) return "leaderless";
    throw error;
  }
}

const QUICK = { timeoutMs: 3000 };
/** So that each of Vault's states (uninitialised, sealed, standby) is a plain answer. */
const ANY_STATE = { uninitcode: 200, sealedcode: 200, standbycode: 200, perfstandbycode: 200 };

const ASK: Readonly<Record<AgentName, (clients: RegionClients) => Promise<Readiness>>> = {
  artifacts: async ({ artifacts }) => {
    await artifacts.json("GET", "/health", QUICK);
    return "ready";
  },
  consul: async ({ consul }) => leader(await consul.json<unknown>("GET", "/v1/status/leader", QUICK)),
  "nomad-server": async ({ nomad }) => leader(await nomad.json<unknown>("GET", "/v1/status/leader", QUICK)),
  "nomad-client": async ({ nomadClient }) => {
    const health = { ...QUICK, query: { type: "client" } };
    const { client } = await nomadClient.json<{ readonly client?: { readonly ok?: boolean } }>(
      "GET",
      "/v1/agent/health",
      health,
    );
    return client?.ok === true ? "ready" : "leaderless";
  },
  vault: async ({ vault }) => {
    await vault.json("GET", "/v1/sys/health", { ...QUICK, query: ANY_STATE });
    return "ready";
  },
};

function leader(address: unknown): Readiness {
  return typeof address === "string" && address !== "" ? "ready" : "leaderless";
}

function lateError(name: AgentName, state: Readiness, logFile: string): InfraError {
  const seconds = String(READY_WITHIN_MS / 1000);
  if (state === "leaderless") {
    const message = `${name} runs, and after ${seconds} s has no leader to follow`;
    return new InfraError("noLeader", message, `read ${logFile}; then run the same again`);
  }
  const message = `${name} runs, and after ${seconds} s does not answer`;
  return new InfraError("agentSilent", message, `read ${logFile}; then run the same again`);
}
