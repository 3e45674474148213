import { join } from "node:path/posix";
import {
  consulConfig,
  gateFolderOf,
  identitiesOf,
  nodeFolderOf,
  programJob,
  secretsConfig,
  tlsConfig,
  type ProgramJobProps,
} from "./program";
import type { JobSpec } from "./spec";

export interface AgentJobProps extends ProgramJobProps {
  /**
   * `HOST:PORT` of every controller, for a region without Consul.
   * @default those that Consul knows
   */
  readonly controllers?: readonly string[];
}

/**
 * The agent: one on each node that runs games. Its node is known by Nomad's own id, and its journal lies outside the
 * allocation, so the next agent of the node goes on where this one ended. It may end at any moment: servers stay with
 * the gate meanwhile.
 */
export function agentJob(props: AgentJobProps): JobSpec {
  const { region, consul, controllers } = props;
  if (consul === undefined && controllers === undefined) {
    throw new Error(
      `the agent of region ${region.name} would find no controller: name a Consul, or the controllers' addresses`,
    );
  }
  const job = programJob(props, {
    program: "agent",
    type: "system",
    count: 1,
    nodePool: region.pools.games,
    ports: [],
    config: {
      region: region.name,
      nodeId: "${node.unique.id}",
      journalDir: join(nodeFolderOf(props), "journal"),
      controllers: controllers ?? { kind: "consul" },
      gateSocket: { folder: gateFolderOf(props) },
      node: {
        address: "${attr.unique.network.ip-address}",
        cpu: "${attr.cpu.totalcompute}",
        memory: "${attr.memory.totalbytes}B",
        limits: { cpu: true, memory: true, detail: "as the task's driver keeps them" },
      },
      // Nomad tells nobody which processes are whose.
      processes: "find",
      ...consulConfig(props),
      secrets: secretsConfig(props, "agent"),
      ...tlsConfig(props, "agent"),
    },
    identities: identitiesOf(props, true),
    resources: { cpu: 200, cores: undefined, memory: 256 },
    killTimeoutSecs: 5,
  });
  return { ...job, update: ONE_NODE_AFTER_THE_OTHER };
}

/** A version that fails on its first node goes no further. */
const ONE_NODE_AFTER_THE_OTHER = {
  maxParallel: 1,
  canaries: 0,
  autoPromote: false,
  autoRevert: true,
  minHealthySecs: 5,
  healthyDeadlineSecs: 120,
  progressDeadlineSecs: 600,
} as const;
