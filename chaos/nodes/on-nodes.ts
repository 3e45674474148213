import { cpSync, lstatSync } from "node:fs";
import { join } from "node:path";
import { removeControlGroups } from "../../infra/local/leftovers";
import { findPart } from "../../test/cluster/real-parts";
import { cgroupParent, NodeCluster } from "./cluster";
import { NodesRun, type NodesResult } from "./run";
import type { Trial } from "./trials";

export interface OnNodesOptions {
  readonly folder: string;
  readonly say: (line: string) => void;
  /** Where logs and journals are left. */
  readonly keep?: string | undefined;
}

const HOME = join(__dirname, "..", "..");
const NODES = 2;
/** Of a Unix socket's path. */
const SOCKET_MOST = 107;
/** By which a task asks its Nomad for its secrets; where it is too long, Nomad goes on without. */
const TASK_SOCKET = `/node-${String(NODES)}/nomad/alloc/${"-".repeat(36)}/forge/secrets/api.sock`;

/**
 * Runs trials, inside namespaces of their own (`runInside`), on a cluster that goes with them.
 * @throws {Error} where nomad or consul is missing or does not come up, and where the folder's path is too long
 */
export async function onNodes(trials: readonly Trial[], { folder, say, keep }: OnNodesOptions): Promise<NodesResult> {
  const most = SOCKET_MOST - TASK_SOCKET.length;
  if (folder.length > most)
    throw new Error(`${folder} is too long for Nomad's sockets: ${String(most)} characters at most`);
  const [nomad, consul] = [findPart("nomad"), findPart("consul")];
  if (nomad === undefined || consul === undefined)
    throw new Error("nomad and consul have to be on PATH, or in Forge's cache");
  let run: NodesRun | undefined;
  const onDeath = (machine: string, how: string): void => run?.onDeath(machine, how);
  const cluster = await NodeCluster.start({ folder, home: HOME, nomad, consul, nodes: NODES, onDeath });
  try {
    run = new NodesRun(cluster, say);
    return await run.run(trials);
  } finally {
    await cluster.stop();
    // Before the small disks go with their space.
    if (keep !== undefined) cpSync(folder, keep, { recursive: true, filter: isPlain });
    removeControlGroups(cgroupParent());
    if (process.connected) process.disconnect();
  }
}

/** Neither a socket nor a pipe, of which Nomad has some. */
function isPlain(path: string): boolean {
  const stats = lstatSync(path);
  return stats.isFile() || stats.isDirectory();
}
