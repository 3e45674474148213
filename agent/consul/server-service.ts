import { gameServerService } from "../../config/region-names";
import type { ExpectedServer } from "../../protocol/messages";
import { SDK_PORT } from "../gate-links";

/** What Consul is told of one server. */
export interface ServiceDefinition {
  readonly ID: string;
  readonly Name: string;
  readonly Address: string;
  readonly Port: number;
  readonly Tags: readonly string[];
  readonly Meta: Readonly<Record<string, string>>;
  readonly Check: Readonly<Record<string, string>>;
}

/** How healthy a server is by its agent's own judgement. */
export interface ServerHealth {
  readonly status: "passing" | "critical";
  readonly output: string;
}

/** Fed three times in its life; what is not fed any more was left by an agent that is gone. */
export const TTL_MS = 90_000;
/** The net under `deregister`: Consul forgets what was critical for so long. */
const FORGET_AFTER = "10m";
/** As the source document has them. */
const HTTP_CHECK = { Interval: "10s", Timeout: "3s" };
/** Marks what is this agent's to look after. */
export const NODE_META = "forge-node";

/** Undefined for a server without a port to be found at. */
export function serverService(expect: ExpectedServer, nodeId: string): ServiceDefinition | undefined {
  const { serverId, allocationId, region, experienceId, version, role, address, ports } = expect;
  const port = Object.entries(ports).find(([name]) => name !== SDK_PORT)?.[1];
  if (port === undefined) return undefined;
  const id = gameServerService(serverId);
  return {
    ID: id,
    Name: id,
    Address: address,
    Port: port,
    Tags: ["gameserver", region, experienceId, `version-${version}`, ...(role === "server" ? [] : [role])],
    Meta: { [NODE_META]: nodeId, serverId, allocationId, experience: experienceId, version, role },
    Check: { CheckID: checkId(serverId), DeregisterCriticalServiceAfter: FORGET_AFTER, ...checkOf(expect) },
  };
}

export function checkId(serverId: string): string {
  return `${gameServerService(serverId)}:health`;
}

/** Whether the agent itself has to tell Consul how the server is. */
export function isToldByAgent(definition: ServiceDefinition): boolean {
  return "TTL" in definition.Check;
}

/** HTTP and TCP Consul asks itself; everything else only the agent can judge. */
function checkOf({ health: { check }, address, ports }: ExpectedServer): Readonly<Record<string, string>> {
  const port = "port" in check ? ports[check.port] : undefined;
  const host = address.includes(":") ? `[${address}]` : address;
  if (check.kind === "http" && port !== undefined)
    return { Name: `HTTP ${check.path}`, HTTP: `http://${host}:${String(port)}${check.path}`, ...HTTP_CHECK };
  if (check.kind === "tcp" && port !== undefined) return { Name: "TCP", TCP: `${host}:${String(port)}`, ...HTTP_CHECK };
  return { Name: `${check.kind}, as its agent sees it`, TTL: `${String(TTL_MS / 1000)}s` };
}
