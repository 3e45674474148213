import type { Logger } from "pino";
import { Consul } from "../../../clients/consul";
import type { ConsulAccess } from "../../../clients/consul-access";
import { parseAddress } from "../../../protocol/address";
import type { Clock } from "../../../protocol/clock";
import type { Leadership } from "../../leadership";
import { ConsulLeadership } from "./consul-leadership";
import { ConsulLock } from "./consul-lock";
import { ControllerServices } from "./controller-services";
import { followKvConfig } from "./kv-config";
import { KvDocument } from "./kv-document";
import type { SharedDocument } from "../../document";

export interface JoinConsulDeps {
  readonly region: string;
  readonly controllerId: string;
  readonly publicUrl: string;
  /** Where agents dial in; only a TCP address can be told to others. */
  readonly agentListen: string | undefined;
  readonly seenEpoch: () => number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Pick<Logger, "warn" | "info">;
}

/** What a controller does with Consul. None of it keeps a controller from starting: Consul may come later. */
export interface ConsulParts {
  readonly leadership: Leadership;
  /** Shows in Consul who leads. */
  showLeader(leader: boolean): void;
  /** A key of its KV. */
  document<T>(key: string): SharedDocument<T>;
  /** Follows the region's forge.toml in KV. */
  followConfig(onText: (text: string) => void): () => void;
  /** After leadership was closed: takes the services out and ends every call. */
  close(): Promise<void>;
}

export function joinConsul(access: ConsulAccess, deps: JoinConsulDeps): ConsulParts {
  const { region, controllerId, publicUrl, agentListen, seenEpoch, clock, random, log } = deps;
  const consul = new Consul(access, deps);
  const says = (what: string) => (problem: string | undefined) => {
    if (problem === undefined) log.info({ what }, "Consul answers again");
    else log.warn({ what, problem }, "Consul does not answer; trying on");
  };
  const link = agentListen === undefined ? undefined : parseAddress(agentListen);
  const services = new ControllerServices({
    consul,
    region,
    controllerId,
    publicUrl,
    agentLink: typeof link === "string" ? undefined : link,
    clock,
    onTrouble: says("services"),
  });
  const lock = new ConsulLock({
    consul,
    region,
    leader: { controllerId, url: publicUrl },
    checkId: services.checkId,
    register: () => services.register(),
    clock,
    random,
  });
  const leadership = new ConsulLeadership({ controllerId, lock, clock, random, seenEpoch, onTrouble: says("lock") });
  services.start();
  return {
    leadership,
    document: (key) => new KvDocument(consul, key),
    showLeader: (leader) => services.setLeader(leader),
    followConfig: (onText) =>
      followKvConfig(region, onText, { consul, clock, random, onTrouble: says("configuration") }),
    close: async () => {
      await services.close();
      await consul.close();
    },
  };
}
