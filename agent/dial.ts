import type { Consul } from "../clients/consul";
import type { LiveCertificate } from "../clients/live-certificate";
import type { LiveSecrets } from "../clients/run-secrets";
import { parseAddress } from "../protocol/address";
import { agentCodec, agentGateCodec } from "../protocol/codec";
import { dialSocket, type Dialling } from "../protocol/socket-dialler";
import type { Clock } from "../protocol/clock";
import type { Agent } from "./agent";
import type { AgentConfig } from "./agent-config";
import type { AgentDeps } from "./agent-deps";
import { followControllers } from "./consul/controller-directory";
import type { ControllerChannel } from "./controller-links";
import { followGateFolder } from "./gate-folder";
import type { GateChannel } from "./gate-links";

/** Where it dials sockets. */
export type DialConfig = Pick<AgentConfig, "region"> & Partial<Pick<AgentConfig, "controllers" | "gateSocket">>;

export interface DialDeps {
  readonly clock: Clock;
  /** 0 to 1, for jitter. */
  readonly random: () => number;
  readonly log: AgentDeps["log"];
  /** Keeps a channel to each controller; over sockets unless told. */
  readonly dialControllers?: (onChannel: (channel: ControllerChannel) => void) => Dialling;
  /** Keeps a channel to the gate; over a socket unless told. */
  readonly dialGate?: (onChannel: (channel: GateChannel) => void) => Dialling;
}

/** Who dials, and by what those who are dialled know it. */
export interface Dialler {
  readonly agent: Agent;
  readonly secrets: Pick<LiveSecrets<"shared" | "ticket">, "now">;
  readonly certificate: LiveCertificate | undefined;
  readonly consul: Consul | undefined;
  readonly onConsulTrouble: (problem: string | undefined) => void;
}

/** Keeps an agent connected to the gate, or the gates, of its node. */
export function dialGates(
  { gateSocket }: DialConfig,
  { clock, random, log, dialGate }: DialDeps,
  { agent, secrets }: Dialler,
): Dialling | undefined {
  if (dialGate) return dialGate((channel) => agent.attachGate(channel));
  if (gateSocket === undefined) return undefined;
  const dial = (socket: string, onFailure: (reason: string) => void = () => undefined): Dialling => {
    const tell = failuresOf(`gate ${socket}`, log);
    const how = {
      secret: () => secrets.now.shared,
      clock,
      random,
      codec: agentGateCodec,
      onFailure: (reason: string) => {
        tell(reason);
        onFailure(reason);
      },
    };
    return dialSocket(parseAddress(socket), how, (channel) => agent.attachGate(channel));
  };
  return typeof gateSocket === "string" ? dial(gateSocket) : followGateFolder({ ...gateSocket, clock, dial });
}

/** Keeps an agent connected to each controller of its region: those it was told, or those that are in Consul at the time. */
export function dialControllers(
  { region, controllers = [] }: DialConfig,
  deps: DialDeps,
  { agent, secrets, certificate, consul, onConsulTrouble }: Dialler,
): readonly Dialling[] {
  const { clock, random, log } = deps;
  if (deps.dialControllers) return [deps.dialControllers((channel) => agent.attachController(channel))];
  const dial = (address: string): Dialling => {
    const how = {
      secret: () => secrets.now.shared,
      clock,
      random,
      codec: agentCodec,
      onFailure: failuresOf(`controller ${address}`, log),
      ...(certificate === undefined ? {} : { tls: () => certificate.now }),
    };
    return dialSocket(parseAddress(address), how, (channel, line) => agent.attachController(channel, line));
  };
  if (Array.isArray(controllers)) return controllers.map(dial);
  if (consul === undefined) return [];
  return [followControllers({ region, dial, consul, clock, random, log, onTrouble: onConsulTrouble })];
}

/** The first of a row of equal reasons, and each hundredth: a controller that is away for an hour fills no log. */
function failuresOf(where: string, log: AgentDeps["log"]): (reason: string) => void {
  let last = "";
  let times = 0;
  return (reason) => {
    times = reason === last ? times + 1 : 0;
    last = reason;
    if (times % 100 === 0) log.warn({ where, reason }, "not connected; trying on");
  };
}
