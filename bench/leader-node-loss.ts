/**
 * The node with a region's leader on it is lost, again and again, with players on: every process of it, which is Nomad's
 * client, controller, agent, gate and game servers, gets SIGKILL in one moment. Everything is real: Nomad, Consul, a standby
 * on the other node, players of the sample game. Nodes are network, process and mount namespaces of this machine, as in
 * `npm run chaos:nodes`, whose trial it is; Nomad gives a node up after its heartbeat, with 5 s of grace. Until a player
 * has a seat who asks one controller after the other; until the last of those who sat there is told by the controller of
 * the other node where they are now; how many were told nothing, how many looked for 30 s in vain, and how many were in two seats.
 *
 *   npx tsx bench/leader-node-loss.ts [--rounds 3]
 *
 * Needs root, and nomad and consul on PATH or in Forge's cache.
 */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { isInside, runInside, wayInside } from "../chaos/inside";
import { onNodes } from "../chaos/nodes/on-nodes";
import type { SeenTrial } from "../chaos/nodes/run";
import { TRIALS } from "../chaos/nodes/trials";
import { distribution } from "./distribution";
import { tellFigure } from "./figure";
import { runInFolder } from "./in-folder";
import { machineLine } from "./machine";

const { values } = parseArgs({ options: { rounds: { type: "string", default: "3" } } });
const rounds = Number(values.rounds);
const REPOSITORY = join(__dirname, "..");
const FOLDER = "FORGE_BENCH_FOLDER";
const NAME = "kill leader's node";

async function inside(folder: string): Promise<void> {
  const trial = TRIALS.find(({ name }) => name === NAME);
  if (trial === undefined) throw new Error(`no trial is called ${NAME}`);
  const say = (line: string): void => console.log(`  ${line}`);
  const { trials, players } = await onNodes(Array<typeof trial>(rounds).fill(trial), { folder, say });
  console.log("players on it   next seat ms   given up ms   all told ms   moved   lost");
  for (const { sessions, nextSeatMs, downMs, toldMs, players: of } of trials) {
    const cells = [sessions, nextSeatMs ?? "never", downMs ?? "never", toldMs ?? "never", of.moved, of.lost];
    console.log(cells.map((cell) => String(cell).padStart(13)).join(""));
  }
  if (trials.length < rounds) throw new Error("after the last round leader, Nomad and journals never agreed");
  const seat = distribution(times(trials, "nextSeatMs"));
  const told = distribution(times(trials, "toldMs"));
  const lost = sum(trials, "lost");
  const untold = sum(trials, "untold");
  console.log(
    `next seat after p50 ${seat.p50.toFixed(0)} ms, at most ${seat.max.toFixed(0)}; ` +
      `all told after p50 ${told.p50.toFixed(0)} ms, at most ${told.max.toFixed(0)}; ` +
      `untold ${untold}, lost ${lost}, doubled ${players.doubled}`,
  );
  tellFigure("leaderNodeLost", {
    seatP50Ms: seat.p50,
    seatMaxMs: seat.max,
    toldP50Ms: told.p50,
    toldMaxMs: told.max,
    untold,
    lost,
    doubled: players.doubled,
  });
}

/** Of the rounds in which it came: who sat there may all have left by themselves. @throws {Error} where it never did */
function times(trials: readonly SeenTrial[], field: "nextSeatMs" | "toldMs"): readonly number[] {
  const all = trials.flatMap((trial) => trial[field] ?? []);
  if (all.length === 0) throw new Error(`no round has ${field}`);
  return all;
}

function sum(trials: readonly SeenTrial[], field: "lost" | "untold"): number {
  return trials.reduce((all, { players }) => all + players[field], 0);
}

if (isInside()) {
  inside(process.env[FOLDER] ?? "").catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
} else
  runInFolder(async (folder) => {
    const way = wayInside();
    if (typeof way === "string") throw new Error(`no namespaces of its own: ${way}`);
    execFileSync(process.execPath, [join(REPOSITORY, "scripts/build.mjs")], { stdio: "inherit" });
    console.log(machineLine());
    process.exitCode = await runInside(way, { [FOLDER]: folder });
  });
