/** `npm run chaos:nodes`: real Nomad nodes that are cut off, slowed, filled and killed. See docs/chaos.md. */
import { cpSync, lstatSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { removeControlGroups } from "../../infra/local/leftovers";
import { findPart } from "../../test/cluster/real-parts";
import { isInside, runInside, wayInside } from "../inside";
import { cgroupParent, NodeCluster } from "./cluster";
import { NodesRun } from "./run";
import { TRIALS } from "./trials";

const HOME = join(__dirname, "..", "..");
const FOLDER = "FORGE_CHAOS_FOLDER";
const NODES = 2;

async function main(): Promise<number> {
  const text = { type: "string" as const };
  const { values } = parseArgs({ options: { only: text, keep: text, json: { type: "boolean" } } });
  const only = (values.only ?? "").split(",").filter((name) => name !== "");
  const trials = TRIALS.filter(({ name }) => only.length === 0 || only.some((begin) => name.startsWith(begin)));
  if (trials.length === 0) throw new Error(`there are only ${TRIALS.map(({ name }) => name).join(", ")}`);
  if (isInside()) return await inside(process.env[FOLDER] ?? "", trials, values);
  const way = wayInside();
  if (typeof way === "string") throw new Error(`no namespaces of its own: ${way}`);
  const folder = mkdtempSync(join(tmpdir(), "forge-nodes-"));
  try {
    return await runInside(way, { [FOLDER]: folder });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function inside(
  folder: string,
  trials: typeof TRIALS,
  { json, keep }: { readonly json?: boolean; readonly keep?: string },
): Promise<number> {
  const [nomad, consul] = [findPart("nomad"), findPart("consul")];
  if (nomad === undefined || consul === undefined)
    throw new Error("nomad and consul have to be on PATH, or in Forge's cache");
  const say = (line: string): void =>
    void (json === true ? undefined : console.log(`${new Date().toISOString().slice(11, 23)} ${line}`));
  let run: NodesRun | undefined;
  const onDeath = (machine: string, how: string): void => run?.onDeath(machine, how);
  const cluster = await NodeCluster.start({ folder, home: HOME, nomad, consul, nodes: NODES, onDeath });
  try {
    run = new NodesRun(cluster, say);
    const result = await run.run(trials);
    if (json === true) console.log(JSON.stringify(result));
    else console.log(JSON.stringify(result.players));
    return result.broken.length === 0 ? 0 : 1;
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

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(`chaos: ${(error as Error).message}`);
    process.exit(1);
  },
);
