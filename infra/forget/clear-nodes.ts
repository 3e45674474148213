import { z } from "zod";
import type { HttpJson } from "../../clients/http-json";
import type { RegionConfig } from "../../config/config";
import { nodeFolder, PROGRAM_TASK, systemNamespace } from "../../config/region-names";

export interface ClearNodesWorld {
  /** Milliseconds. */
  readonly now: () => number;
  readonly pause: (ms: number) => Promise<unknown>;
}

const allocations = z.array(z.object({ ClientStatus: z.string() }));

/** A node that is away does not answer at all: what lies there stays. */
const DEADLINE_MS = 60_000;
const ASK_EVERY_MS = 500;
const OVER = new Set(["complete", "failed", "lost"]);

/** What Forge's programs keep there, by name: the folder may be one that somebody else uses too. */
const SCRIPT =
  'cd "$0" 2>/dev/null || exit 0; rm -rf journal controller gates ./*-secrets.json ./*-certificate.json; cd / && rmdir "$0"; exit 0';

/** Removes what a region's programs keep on its nodes, by a job that runs once on each of them. */
export async function clearNodes(region: RegionConfig, nomad: HttpJson, world: ClearNodesWorld): Promise<void> {
  const { games, control } = region.pools;
  for (const pool of new Set([games, control])) await clearPool(region, pool, nomad, world);
}

async function clearPool(
  region: RegionConfig,
  pool: string,
  nomad: HttpJson,
  { now, pause }: ClearNodesWorld,
): Promise<void> {
  const job = jobOf(region, pool);
  const query = { namespace: job.Namespace };
  const path = `/v1/job/${job.ID}`;
  await nomad.json("PUT", "/v1/jobs", { query, body: { Job: job } });
  const deadlineMs = now() + DEADLINE_MS;
  let open = true;
  while (open && now() < deadlineMs) {
    await pause(ASK_EVERY_MS);
    const found = allocations.parse(await nomad.json("GET", `${path}/allocations`, { query }));
    open = found.length === 0 || found.some(({ ClientStatus }) => !OVER.has(ClientStatus));
  }
  await nomad.json("DELETE", path, { query: { ...query, purge: true } });
}

function jobOf(region: RegionConfig, pool: string) {
  const id = `forge-${region.name}-forget-${pool}`;
  const equal = (property: string, value: string) => ({ LTarget: `\${${property}}`, Operand: "=", RTarget: value });
  return {
    ID: id,
    Name: id,
    Type: "sysbatch",
    Namespace: systemNamespace(region),
    NodePool: pool,
    Datacenters: region.datacenters,
    Constraints: [
      equal("attr.kernel.name", "linux"),
      ...Object.entries(region.constraints).map(([property, value]) => equal(property, value)),
    ],
    TaskGroups: [
      {
        Name: PROGRAM_TASK,
        Tasks: [
          {
            Name: PROGRAM_TASK,
            Driver: "raw_exec",
            Config: { command: "/bin/sh", args: ["-c", SCRIPT, nodeFolder(region)] },
            Resources: { CPU: 50, MemoryMB: 32 },
          },
        ],
      },
    ],
  };
}
