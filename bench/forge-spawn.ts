/**
 * From `POST /v1/servers?wait=ready` to its answer, by a whole run of Forge: API, core, engine, root, process, gate,
 * agent and back. Beside each, the same program started by nothing but `child_process.spawn`: for the one with the SDK,
 * until it has said that it is ready (to a double of the gate); for the shell, until it runs.
 *
 *   npx tsx bench/forge-spawn.ts [--count 20] [--parallel 20] [--rounds 2] [--ways apart,together]
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { GateDouble } from "../sdk/testing/gate-double";
import { bundle } from "./bundle";
import { distribution } from "./distribution";
import { tellFigure } from "./figure";
import { ForgeRun } from "./forge-run";
import { runInFolder } from "./in-folder";
import { machineLine } from "./machine";

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "20" },
    parallel: { type: "string", default: "20" },
    rounds: { type: "string", default: "2" },
    ways: { type: "string", default: "apart,together" },
  },
});
const RUN_SECS = 180;
/** Root lets so many start at once, and as many a second after that; between two series it must have them again. */
const REST_MS = 1500;

interface Program {
  readonly experience: string;
  readonly what: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly sdk: "forge" | "none";
}

/** Starts one server, resolves when it is ready, and gives what ends it. */
type Start = (program: Program) => Promise<() => Promise<void>>;

function bare({ command, args, sdk }: Program): ReturnType<Start> {
  return sdk === "forge" ? bareWithSdk(command, args) : bareAlone(command, args);
}

async function bareAlone(command: string, args: readonly string[]): Promise<() => Promise<void>> {
  const child = spawn(command, args, { stdio: "ignore" });
  await once(child, "spawn");
  return () => kill(child);
}

async function bareWithSdk(command: string, args: readonly string[]): Promise<() => Promise<void>> {
  const gate = await GateDouble.start();
  const ready = gate.until(() => gate.calls.some(({ path }) => path === "/v1/ready"));
  const child = spawn(command, args, { stdio: "ignore", env: { ...process.env, ...gate.env() } });
  await ready;
  return async () => {
    await kill(child);
    await gate.close();
  };
}

async function kill(child: ReturnType<typeof spawn>): Promise<void> {
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

function throughForge(run: ForgeRun): Start {
  return async ({ experience }) => {
    const { id, state } = await run.call<{ id: string; state: string }>("POST", "/v1/servers?wait=ready", {
      experienceId: experience,
      region: "here",
    });
    if (state !== "ready") throw new Error(`server ${id} was answered as ${state}`);
    return async () => void (await run.call("DELETE", `/v1/servers/${id}?drain=0`));
  };
}

/** Milliseconds of each start. */
async function measure(start: Start, program: Program, count: number, atOnce: number): Promise<number[]> {
  const taken: number[] = [];
  const ends: (() => Promise<void>)[] = [];
  for (let from = 0; from < count; from += atOnce) {
    const one = async (): Promise<void> => {
      const begin = performance.now();
      const end = await start(program);
      taken.push(performance.now() - begin);
      ends.push(end);
    };
    await Promise.all(Array.from({ length: Math.min(atOnce, count - from) }, one));
  }
  await Promise.all(ends.map((end) => end()));
  await new Promise((resolve) => setTimeout(resolve, REST_MS));
  return taken;
}

async function compare(name: string, run: ForgeRun, programs: readonly Program[]): Promise<void> {
  const series = [
    { how: "one after the other", count: Number(values.count), atOnce: 1 },
    { how: `${values.parallel} at once`, count: Number(values.parallel), atOnce: Number(values.parallel) },
  ];
  for (const program of programs) {
    for (const { how, count, atOnce } of series) {
      const plain: number[] = [];
      const ours: number[] = [];
      // In turns, so that a busy machine hurts both alike.
      for (let round = 0; round < Number(values.rounds); round += 1) {
        plain.push(...(await measure(bare, program, count, atOnce)));
        ours.push(...(await measure(throughForge(run), program, count, atOnce)));
      }
      const [a, b] = [distribution(plain), distribution(ours)];
      const cells = [a.p50, a.p99, b.p50, b.p99, b.p50 - a.p50].map((ms) => ms.toFixed(1).padStart(9));
      console.log(
        `${`${program.what}, ${how}`.padEnd(44)}${cells.join("")}${(b.p50 / a.p50).toFixed(2).padStart(8)}  ${name}`,
      );
      if (atOnce === 1) tellFigure(`${program.experience} ${name}`, { p50Ms: b.p50, p99Ms: b.p99, bareP50Ms: a.p50 });
    }
  }
}

function forgeToml(programs: readonly Program[]): string {
  const experiences = programs.map(
    ({ experience, command, args, sdk }) => `
[experiences.${experience}]
command = ${JSON.stringify(command)}
args = ${JSON.stringify(args)}
version = "1"
max_players = 16
sdk = "${sdk}"
${sdk === "none" ? 'health = { process = true }\nseats = "match"' : ""}
cpu = 50
memory = 128
ports = { game = "tcp" }
[experiences.${experience}.scaling]
min_servers = 0
max_servers = 200
`,
  );
  return `
[scaling]
min_servers_per_region = 0
max_servers_per_region = 400
[[regions]]
name = "here"
engine = "embedded"
${experiences.join("")}`;
}

runInFolder(async (folder) => {
  console.log(machineLine());
  const { server } = await bundle(folder, { server: "bench/small-server.ts" });
  const programs: Program[] = [
    { experience: "small", what: "Node with the SDK", command: process.execPath, args: [server], sdk: "forge" },
    { experience: "shell", what: "sleep, no SDK", command: "/bin/sleep", args: ["600"], sdk: "none" },
  ];
  console.log(`${"milliseconds to ready".padEnd(44)} bare p50      p99 forge p50    p99    more p50   ratio`);
  for (const way of values.ways.split(",")) {
    const run = await ForgeRun.start({
      folder: join(folder, way),
      forgeToml: forgeToml(programs),
      processes: way === "apart",
      forSecs: RUN_SECS,
    });
    try {
      await compare(way === "apart" ? "processes apart" : "one process", run, programs);
    } finally {
      await run.stop();
    }
  }
});
