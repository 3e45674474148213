import { Gate } from "../../agent/gate/gate";
import { nodeWorld } from "../../agent/node-world";
import { startAgent, type RunningAgent } from "../../agent/start-agent";
import type { RootClient } from "../../controller/adapters/embedded/root-client";
import { startController, type RunningController } from "../../controller/start-controller";
import { VERSION } from "../../controller/version";
import { wallClock, type Clock } from "../../protocol/clock";
import { agentControllerPair, gateAgentPair } from "../../protocol/memory-channel";
import type { Logger } from "pino";
import { agentConfigOf, controllerConfigOf, type RootAccess } from "./program-configs";
import type { RunParts } from "./run-parts";
import type { PlannedRegion, RunPlan } from "./run-plan";
import type { RunSecrets } from "./run-secrets";

/** What has been started of a region. */
interface RegionParts {
  readonly controller: RunningController;
  gate?: Gate;
  agent?: RunningAgent;
}

const REDIAL_MS = 20;

type Root = RootAccess & { readonly client: RootClient };

interface Surroundings {
  readonly clock: Clock;
  readonly log: Logger;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Controller, agent and gate of every region in this process, over pipes that carry the very messages of sockets. */
export async function startSharedProcess(
  plan: RunPlan,
  secrets: RunSecrets,
  root: Root,
  surroundings: Surroundings,
): Promise<RunParts> {
  const started: RegionParts[] = [];
  const stopDeciding = async (): Promise<void> => {
    await Promise.all(started.map(({ controller }) => controller.close()));
  };
  const close = async (): Promise<void> => {
    for (const { agent, gate } of started) {
      await agent?.close();
      await gate?.stop();
    }
  };
  try {
    for (const region of plan.regions) {
      const controller = await startControllerOf(region, plan, secrets, root, surroundings);
      const parts: RegionParts = { controller };
      started.push(parts);
      parts.gate = gateOf(region, surroundings);
      parts.agent = await startAgentOf(region, secrets, root, surroundings, { controller, gate: parts.gate });
    }
  } catch (error) {
    await stopDeciding();
    await close();
    throw error;
  }
  const pids = Object.fromEntries(
    plan.regions.flatMap(({ name }) =>
      ["controller", "agent", "gate"].map((program) => [`${program}.${name}`, process.pid]),
    ),
  );
  return { pids: () => Promise.resolve(pids), stopDeciding, close };
}

function startControllerOf(
  region: PlannedRegion,
  plan: RunPlan,
  secrets: RunSecrets,
  root: Root,
  { clock, log, env }: Surroundings,
): Promise<RunningController> {
  return startController(controllerConfigOf(plan, region, secrets, root, "memory"), {
    clock,
    wallClock,
    log: logOf(log, "controller", region),
    env,
    version: VERSION,
  });
}

function gateOf(region: PlannedRegion, { clock, log }: Surroundings): Gate {
  return new Gate({ clock, log: logOf(log, "gate", region), version: VERSION });
}

function startAgentOf(
  region: PlannedRegion,
  secrets: RunSecrets,
  root: Root,
  { clock, log }: Surroundings,
  { controller, gate }: { readonly controller: RunningController; readonly gate: Gate },
): Promise<RunningAgent> {
  return startAgent(agentConfigOf(region, secrets, root.client.welcome.limits), {
    ...nodeWorld(clock, logOf(log, "agent", region), { folder: region.journalDir }),
    agentVersion: VERSION,
    dialGate: (onChannel) => {
      const pipe = gateAgentPair();
      gate.attachAgent(pipe.gate);
      onChannel(pipe.agent);
      return { close: () => pipe.agent.close() };
    },
    dialControllers: (onChannel) =>
      redial(clock, () => {
        const pipe = agentControllerPair();
        controller.acceptAgent(pipe.controller);
        onChannel(pipe.agent);
        return pipe.agent;
      }),
  });
}

function logOf(log: Logger, program: string, { name }: PlannedRegion): Logger {
  return log.child({ program, region: name });
}

/** A pipe can be closed by the other end too, which then expects to be dialled again, as over a socket. */
function redial(clock: Clock, dial: () => { onClose(listener: () => void): void; close(): void }): { close(): void } {
  let ended = false;
  let current: { close(): void } | undefined;
  const next = (): void => {
    if (ended) return;
    const channel = dial();
    current = channel;
    channel.onClose(() => clock.after(REDIAL_MS, next));
  };
  next();
  return {
    close: () => {
      ended = true;
      current?.close();
    },
  };
}
