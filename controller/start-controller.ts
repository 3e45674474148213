import type { AgentChannel } from "./agent-links";
import { assemble, type AssembleDeps } from "./assemble";
import type { Controller } from "./controller";
import type { ControllerConfig } from "./controller-config";
import { followForge } from "./forge-file";
import { listen, type ListenDeps, type Listening } from "./listen";

export type StartControllerDeps = AssembleDeps & ListenDeps;

export interface RunningController {
  readonly controller: Controller;
  /** Takes an agent of the same process on. */
  acceptAgent(channel: AgentChannel): void;
  /** Resolves when it holds no socket and no timer any more; servers and agents go on. */
  close(): Promise<void>;
}

/**
 * Starts a region's controller: put together, reachable, and only then one that leads.
 * @throws {Error} where its port is taken, root is not there, or forge.toml is wrong
 */
export async function startController(config: ControllerConfig, deps: StartControllerDeps): Promise<RunningController> {
  const parts = await assemble(config, deps);
  const { controller, leadership, events, consul } = parts;
  let listening: Listening | undefined;
  try {
    listening = await listen(config, parts, deps);
    await controller.start(
      (seenEpoch) => leadership.outrun(seenEpoch),
      () => leadership.certainUntilMs(),
    );
  } catch (error) {
    await Promise.allSettled([listening?.close(), parts.leave(), parts.close()]);
    throw error;
  }
  await leadership.start(({ leader, epoch, ...more }) => {
    events.setEpoch(epoch);
    controller.setLeadership(leader, epoch, more);
    consul?.showLeader(leader);
  });
  parts.shift.start();
  const endWatch = followForge(config, consul, parts, deps);
  const ports = listening;
  return {
    controller,
    acceptAgent: (channel) => parts.links.accept(channel),
    close: async () => {
      endWatch();
      await parts.leave();
      await ports.close();
      await parts.close();
    },
  };
}
