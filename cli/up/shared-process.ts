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

interface RegionParts {
  readonly region: PlannedRegion;
  readonly controller: RunningController;
  readonly agent: RunningAgent;
  readonly gate: Gate;
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
      await agent.close();
      await gate.stop();
    }
  };
  try {
    for (const region of plan.regions) started.push(await startRegion(region, plan, secrets, root, surroundings));
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

async function startRegion(
  region: PlannedRegion,
  plan: RunPlan,
  secrets: RunSecrets,
  root: Root,
  { clock, log, env }: Surroundings,
): Promise<RegionParts> {
  const named = (program: string) => log.child({ program, region: region.name });
  const controller = await startController(controllerConfigOf(plan, region, secrets, root, "memory"), {
    clock,
    wallClock,
    log: named("controller"),
    env,
    version: VERSION,
  });
  const gate = new Gate({ clock, log: named("gate"), version: VERSION });
  const agent = await startAgent(agentConfigOf(region, secrets, root.client.welcome.limits), {
    ...nodeWorld(clock, named("agent"), { folder: region.journalDir }),
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
  return { region, controller, agent, gate };
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
