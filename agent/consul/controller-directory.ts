import * as z from "zod";
import { watchConsul, type ConsulWatchDeps } from "../../clients/consul-watch";
import { agentLinkService } from "../../config/region-names";
import { formatAddress } from "../../protocol/address";
import type { Dialling } from "../../protocol/socket-dialler";

export interface ControllerDirectoryDeps extends ConsulWatchDeps {
  readonly region: string;
  /** Keeps a channel to one controller, `HOST:PORT`. */
  readonly dial: (address: string) => Dialling;
  readonly log: { info(fields: object, message: string): void };
}

const instances = z.array(
  z.object({
    Node: z.object({ Address: z.string() }),
    Service: z.object({ Address: z.string(), Port: z.number() }),
  }),
);

/**
 * Keeps the agent connected to every controller that Consul has in the region: those that are critical too, as a link that
 * stands is a better witness than a check. While Consul is away, and where it has lost all of them, the last known are
 * kept: the links themselves tell who is there.
 */
export function followControllers(deps: ControllerDirectoryDeps): Dialling {
  const { region, dial, log } = deps;
  const dialled = new Map<string, Dialling>();
  const onInstances = (value: unknown): void => {
    const addresses = new Set(
      instances
        .parse(value ?? [])
        .map(({ Node, Service: { Address, Port } }) =>
          formatAddress({ host: Address === "" ? Node.Address : Address, port: Port }),
        ),
    );
    if (addresses.size === 0) return;
    for (const [address, dialling] of dialled) {
      if (addresses.has(address)) continue;
      log.info({ address }, "a controller has left the region");
      dialled.delete(address);
      dialling.close();
    }
    for (const address of addresses) if (!dialled.has(address)) dialled.set(address, dial(address));
  };
  const end = watchConsul(`/v1/health/service/${agentLinkService(region)}`, onInstances, deps);
  return {
    close: () => {
      end();
      for (const dialling of dialled.values()) dialling.close();
    },
  };
}
