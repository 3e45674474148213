import { ONE_NODE_AFTER_THE_OTHER } from "./agent";
import { gateSocketOf, identitiesOf, programJob, secretsConfig, type ProgramJobProps } from "./program";
import type { JobSpec } from "./spec";

/**
 * The gate: one on each node that runs games, holding their SDK connections.
 *
 * A new version replaces the old one on a node after the other: servers on Forge's SDK connect anew and notice nothing
 * more, one whose SDK gives up when its connection breaks has failed. Another way is open and not built: a job of its own
 * for each version, with a socket of its own (`nodeFolder`), beside the old one until that has no server left.
 */
export function gateJob(props: Omit<ProgramJobProps, "consul">): JobSpec {
  const all = { ...props, consul: undefined };
  const job = programJob(all, {
    program: "gate",
    type: "system",
    count: 1,
    nodePool: props.region.pools.games,
    ports: [],
    config: { agentSocket: gateSocketOf(props), secrets: secretsConfig(all, "gate") },
    identities: identitiesOf(all, false),
    resources: { cpu: 200, cores: undefined, memory: 256 },
    // Short: until the next one is there, no server of the node can say anything.
    killTimeoutSecs: 5,
  });
  return { ...job, update: ONE_NODE_AFTER_THE_OTHER };
}
