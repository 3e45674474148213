import { createHash } from "node:crypto";
import { join } from "node:path/posix";
import { GATE_STAYS_SECS, gateJobId, programJobId } from "../config/region-names";
import { gateFolderOf, identitiesOf, programJob, secretsConfig, type ProgramJobProps } from "./program";
import { renderJob } from "./render";
import type { JobSpec } from "./spec";

/**
 * The gate: one on each node that runs games, holding their SDK connections, which must not break.
 *
 * So a version replaces none: each is a job of its own, named by what is in it, and has a socket of its own. The new one
 * starts beside the old, whose job is then ended: it takes no new servers any more and goes with its last. Changing
 * nothing of it changes no name. (docs/decisions/gate-beside-gate.md)
 */
export function gateJob(props: Omit<ProgramJobProps, "consul">): JobSpec {
  const { name } = props.region;
  const content = JSON.stringify(renderJob(jobOf(props, programJobId(name, "gate"))));
  const version = createHash("sha256").update(content).digest("hex").slice(0, 8);
  return jobOf(props, gateJobId(name, version));
}

function jobOf(props: Omit<ProgramJobProps, "consul">, id: string): JobSpec {
  const all = { ...props, consul: undefined };
  return programJob(all, {
    program: "gate",
    id,
    type: "system",
    count: 1,
    nodePool: props.region.pools.games,
    ports: [],
    config: {
      // By allocation: an old version that is deployed again may meet its own last allocation, still there.
      agentSocket: join(gateFolderOf(props), "${NOMAD_SHORT_ALLOC_ID}.sock"),
      secrets: secretsConfig(all, "gate", id),
      onSigterm: "retire",
    },
    identities: identitiesOf(all, false),
    resources: { cpu: 200, cores: undefined, memory: 256 },
    killTimeoutSecs: GATE_STAYS_SECS,
  });
}
