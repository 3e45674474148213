import { HttpStatusError, HttpUnreachable } from "../../clients/http-json";
import { InfraError } from "../failure";
import { CA_FILE } from "../tls/certificates";
import { runningAgent, stopAgent } from "./agent-process";
import { AGENT_NAMES, agentArguments, agentCgroup, type LocalRegion } from "./agent-plan";
import { endStrays, removeControlGroups, unmountAll } from "./leftovers";
import type { LocalHost } from "./local-host";
import { EMPTIED, quietNomad } from "./quiet-nomad";
import { regionClients } from "./region-clients";
import { readIfThere, writeWhole } from "./region-folder";
import { tokenOf } from "./token-files";

export interface DownResult {
  /** Agents and other programs that this call ended. */
  readonly stopped: readonly string[];
  /** Processes that were there without an agent that knew them, and were ended. */
  readonly strays: number;
  readonly purged: boolean;
}

/** A leader hands over, a store is closed: seconds at most. */
const GRACE_MS = 20_000;
/** Last what others need: the client first, then who schedules it, then what both ask. */
const ORDER = [...AGENT_NAMES].reverse();

/**
 * Ends all of a region on this machine: its tasks, then its agents, then whatever of it is left, and the mounts below its
 * folder. The data stays for the next `up`, unless `purge` takes the folder away. Idempotent. The region must be locked.
 *
 * @throws {InfraError} `leftovers` where a mount or a process could not be taken away
 */
export async function bringDown(
  region: LocalRegion,
  host: LocalHost,
  { purge, others }: { readonly purge: boolean; readonly others: readonly string[] },
): Promise<DownResult> {
  const { folder } = region;
  await endTasks(region, host, purge);
  const stopped: string[] = [];
  for (const name of [...ORDER, ...others]) {
    const spec = { pidFile: folder.run(`${name}.json`), args: agentArguments(folder, name) };
    if ((await stopAgent(spec, GRACE_MS)) === "absent") continue;
    stopped.push(name);
    host.note(`${region.name}: ${name} stopped`);
  }
  const strays = await endStrays(folder.path);
  const mounted = await unmountAll(folder.path);
  if (mounted.length > 0) {
    const fix = `end what uses ${mounted.length === 1 ? "it" : "them"} (\`fuser -vm PATH\`), then run the same again`;
    throw new InfraError("leftovers", `still mounted: ${mounted.join(", ")}`, fix);
  }
  removeControlGroups(agentCgroup(region.name));
  // Not before its mounts are gone: what is removed below one would be somebody else's.
  if (purge) folder.remove();
  return { stopped, strays, purged: purge };
}

/** By Nomad, as long as it answers; what it cannot end is ended as strays later. */
async function endTasks(region: LocalRegion, host: LocalHost, purge: boolean): Promise<void> {
  const { folder, ports } = region;
  const runs = (name: string): boolean =>
    runningAgent({ pidFile: folder.run(`${name}.json`), args: agentArguments(folder, name) }) !== undefined;
  // Before the bootstrap nobody has a token, and so nothing runs.
  if (tokenOf(folder, "nomad") === undefined || !runs("nomad-server") || !runs("nomad-client")) return;
  const clients = regionClients(ports, readIfThere(folder.tls(CA_FILE)) ?? "", {
    nomad: () => tokenOf(folder, "nomad"),
  });
  try {
    writeWhole(folder.run(EMPTIED), "");
    const quiet = await quietNomad(clients.nomad, host, purge);
    if (!quiet) host.note(`${region.name}: some tasks did not end in time and are killed`);
  } catch (error) {
    if (!(error instanceof HttpStatusError || error instanceof HttpUnreachable)) throw error;
    host.note(`${region.name}: Nomad could not end its tasks (${error.message}); they are ended directly`);
  } finally {
    await clients.close();
  }
}
