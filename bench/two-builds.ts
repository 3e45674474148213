/**
 * What a seat costs the controller in this build and in another, in turn: both regions stand at once, and a slice of the
 * players comes to the one, the next to the other. How fast a shared machine is changes within seconds, so two runs
 * after each other say little; neighbouring slices had the same machine. Of each build the lower quartile of its slices
 * counts, and as two processes of one build differ by 6 %, several rounds are needed, an even number of them.
 *
 *   npx tsx bench/two-builds.ts --before CHECKOUT [--rounds 6] [--slices 20] [--slice 1000] [--ways apart|together]
 *
 * CHECKOUT is another folder of this repository, with its node_modules.
 */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { bundle } from "./bundle";
import { ChildProgram } from "./child-program";
import { median } from "./distribution";
import { runInFolder } from "./in-folder";
import type { Load, LoadResult } from "./load-program";
import { machineLine } from "./machine";
import { ONE_PLAYER } from "./seat-call";
import { VirtualRegion } from "./virtual-region";

const { values } = parseArgs({
  options: {
    before: { type: "string" },
    rounds: { type: "string", default: "6" },
    slices: { type: "string", default: "20" },
    slice: { type: "string", default: "1000" },
    ways: { type: "string", default: "apart" },
  },
});
const [rounds, slices, slice] = [values.rounds, values.slices, values.slice].map(Number) as [number, number, number];
const SERVERS = 300;
/** Seats before any is measured, for V8's compilers. */
const WARM_UP = 15_000;
const CONNECTIONS = 32;

interface Build {
  readonly name: string;
  readonly region: VirtualRegion;
  /** Microseconds of the controller's main thread a seat, by slice. */
  readonly costs: number[];
}

async function open(folder: string, name: string, program: string): Promise<Build> {
  const region = await VirtualRegion.start({
    folder: join(folder, name),
    program,
    servers: SERVERS,
    seats: Math.ceil((1.05 * (WARM_UP + slices * slice)) / SERVERS),
    nodes: 1,
    apart: values.ways === "apart",
  });
  return { name, region, costs: [] };
}

async function place(generator: ChildProgram, { region }: Build, players: string, count: number): Promise<void> {
  const { statuses } = await generator.ask<LoadResult>("load", {
    port: region.port,
    tokens: [region.token],
    path: ONE_PLAYER.path,
    body: ONE_PLAYER.body,
    players,
    count,
    connections: CONNECTIONS,
    maxSeconds: 60,
    keep: false,
  } satisfies Load);
  if (statuses[200] !== count) throw new Error(`not all were placed: ${JSON.stringify(statuses)}`);
}

/** Finer than what `/proc/PID/stat` counts in. */
function mainThreadUs({ region }: Build): number {
  return Number(readFileSync(`/proc/${region.controller.pid}/schedstat`, "utf8").split(" ")[0]) / 1000;
}

async function round(
  folder: string,
  load: string,
  programs: readonly (readonly [name: string, program: string])[],
): Promise<ReadonlyMap<string, readonly number[]>> {
  const generator = ChildProgram.start(load);
  const builds: Build[] = [];
  try {
    for (const [name, program] of programs) builds.push(await open(folder, name, program));
    for (const build of builds) await build.region.untilReady(SERVERS);
    for (const build of builds) await place(generator, build, "warm-", WARM_UP);
    for (let n = 0; n < slices; n += 1) {
      for (const build of n % 2 === 0 ? builds : [...builds].reverse()) {
        const beganUs = mainThreadUs(build);
        await place(generator, build, `slice-${n}-`, slice);
        build.costs.push((mainThreadUs(build) - beganUs) / slice);
      }
    }
    return new Map(builds.map(({ name, costs }) => [name, costs]));
  } finally {
    await generator.stop();
    for (const { region } of builds) await region.stop();
  }
}

function lowerQuartile(costs: readonly number[] = []): number {
  return [...costs].sort((a, b) => a - b)[Math.floor((costs.length - 1) / 4)] ?? NaN;
}

async function main(folder: string): Promise<void> {
  if (values.before === undefined) throw new Error("--before names the checkout to compare with");
  console.log(machineLine());
  const source = { region: "bench/region-program.ts" };
  const before = await bundle(join(folder, "b"), source, resolve(values.before));
  const now = await bundle(join(folder, "n"), { ...source, load: "bench/load-program.ts" });
  const programs = [
    ["before", before.region],
    ["now", now.region],
  ] as const;
  const ratios: number[] = [];
  for (let n = 0; n < rounds; n += 1) {
    // Each is opened first as often as the other.
    const costs = await round(join(folder, String(n)), now.load, n % 2 === 0 ? programs : [...programs].reverse());
    const [was, is] = [lowerQuartile(costs.get("before")), lowerQuartile(costs.get("now"))];
    ratios.push(is / was);
    console.log(`controller: ${was.toFixed(1)} µs a seat before, ${is.toFixed(1)} now: ${(is / was).toFixed(3)}`);
  }
  console.log(`median of ${rounds} rounds: ${median(ratios).toFixed(3)}`);
}

runInFolder(main);
