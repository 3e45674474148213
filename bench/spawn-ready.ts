/**
 * How long from asking the embedded engine for a server to that server's first line, beside a bare child_process.spawn
 * of the same program in the same run; one after the other and all at once. Then what the root process needs with many
 * servers under it.
 *
 *   npx tsx bench/spawn-ready.ts [--count 50] [--servers 100]
 */
import { execFileSync, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { constants, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { EmbeddedEngine } from "../controller/adapters/embedded/embedded-engine";
import { lineSplitter } from "../controller/adapters/embedded/root-protocol";
import { startRoot, type RootHandle } from "../controller/adapters/embedded/start-root";
import type { ServerLaunch } from "../controller/engine";

const REPOSITORY = dirname(__dirname);
/** Root lets so many start at once, and as many a second after that; between two series it must have them again. */
const REFILL_MS = 1_200;
const WATCH_SECS = 10;

interface Program {
  readonly name: string;
  readonly command: string;
  /** `FIFO` and `ID` are replaced. */
  readonly args: readonly string[];
}

const PROGRAMS: readonly Program[] = [
  {
    name: "shell script",
    command: "/bin/sh",
    args: ["-c", "echo ID > FIFO; exec sleep 600"],
  },
  {
    name: "node -e",
    command: process.execPath,
    args: ["-e", 'require("node:fs").writeFileSync("FIFO", "ID\\n"); setInterval(() => {}, 1 << 30)'],
  },
];

/** Starts one process that will say `id`; the result ends it. */
type Start = (program: Program, id: string) => Promise<() => Promise<void>>;

/** Hears the first lines of all processes through one named pipe. */
class Ear {
  private readonly waiting = new Map<string, (atMs: number) => void>();

  constructor(readonly path: string) {
    execFileSync("mkfifo", [path]);
  }

  async listen(): Promise<{ close(): void }> {
    // Open for writing as well: it does not end when the last writer does.
    const handle = await open(this.path, constants.O_RDWR);
    const stream = handle.createReadStream();
    stream.on(
      "data",
      lineSplitter(
        (id) => this.waiting.get(id)?.(performance.now()),
        () => {},
      ) as (chunk: string | Buffer) => void,
    );
    const close = () => {
      stream.destroy();
      // The read that is under way only ends when something comes, and until then nor does this program.
      writeFileSync(this.path, "end\n");
    };
    return { close };
  }

  line(id: string): Promise<number> {
    return new Promise((resolve) => this.waiting.set(id, resolve));
  }
}

async function measure(ear: Ear, start: Start, program: Program, count: number, parallel: boolean): Promise<number[]> {
  const one = async () => {
    const id = randomUUID();
    const heard = ear.line(id);
    const from = performance.now();
    const end = await start(program, id);
    return { tookMs: (await heard) - from, end };
  };
  const runs: { tookMs: number; end: () => Promise<void> }[] = [];
  if (parallel) runs.push(...(await Promise.all(Array.from({ length: count }, one))));
  else for (let i = 0; i < count; i += 1) runs.push(await one());
  await Promise.all(runs.map(({ end }) => end()));
  await sleep(REFILL_MS);
  return runs.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
}

function filled({ args }: Program, fifo: string, id: string): string[] {
  return args.map((arg) => arg.replace("FIFO", fifo).replace("ID", id));
}

function bare(fifo: string): Start {
  return async (program, id) => {
    const child = spawn(program.command, filled(program, fifo, id), { stdio: "ignore", detached: true });
    const exited = new Promise((resolve) => child.once("exit", resolve));
    return async () => {
      child.kill("SIGKILL");
      await exited;
    };
  };
}

function throughEngine(engine: EmbeddedEngine, fifo: string): Start {
  return async (program, id) => {
    const ended = new Promise<void>((resolve) => {
      const leave = engine.subscribe((event) => {
        if (event.type !== "exited" || event.server.serverId !== id) return;
        leave();
        resolve();
      });
    });
    await engine.start(launchOf(program.command, filled(program, fifo, id), id));
    return async () => {
      await engine.stop(id, { reason: "measured", graceSecs: 0 });
      await ended;
      await engine.forget(id);
    };
  };
}

function launchOf(command: string, args: readonly string[], serverId: string): ServerLaunch {
  const task = { name: "primary", command, image: undefined, driver: "raw_exec" as const, args, env: {} };
  return {
    serverId,
    region: "here",
    experienceId: "bench",
    version: "1",
    role: "server",
    tasks: [{ ...task, cpu: 100, memory: 64 }],
    ports: [
      { name: "game", protocol: "udp", static: undefined },
      { name: "sdk", protocol: "tcp", static: undefined },
    ],
    volumes: {},
    stop: { command: undefined, signal: "SIGTERM", graceSecs: 5 },
    avoidNodes: [],
    meta: { sdkToken: randomUUID() },
  };
}

const at = (sorted: readonly number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
const shown = (ms: number) => ms.toFixed(1).padStart(8);

async function compare(ear: Ear, engine: EmbeddedEngine, count: number): Promise<void> {
  console.log(`first line after start, ms, ${count} each          p50      p99   ratio of p50`);
  for (const program of PROGRAMS) {
    for (const parallel of [false, true]) {
      const how = parallel ? "all at once" : "in turn";
      const plain = await measure(ear, bare(ear.path), program, count, parallel);
      const ours = await measure(ear, throughEngine(engine, ear.path), program, count, parallel);
      const name = `${program.name}, ${how}`.padEnd(26);
      console.log(`${name} bare spawn    ${shown(at(plain, 0.5))} ${shown(at(plain, 0.99))}`);
      const ratio = (at(ours, 0.5) / at(plain, 0.5)).toFixed(2);
      console.log(`${name} engine        ${shown(at(ours, 0.5))} ${shown(at(ours, 0.99))}   ${ratio}`);
    }
  }
}

async function weigh(root: RootHandle, engine: EmbeddedEngine, servers: number): Promise<void> {
  const alone = memoryOf(root.pid);
  for (let i = 0; i < servers; i += 1) await engine.start(launchOf("/bin/sleep", ["600"], `idle-${i}`));
  const before = cpuMsOf(root.pid);
  await sleep(WATCH_SECS * 1000);
  const cpu = (cpuMsOf(root.pid) - before) / (WATCH_SECS * 10);
  console.log(`root alone: RSS ${alone.rss} MB, PSS ${alone.pss} MB`);
  const { rss, pss } = memoryOf(root.pid);
  console.log(`root with ${servers} servers: RSS ${rss} MB, PSS ${pss} MB, ${cpu.toFixed(2)} % of a core`);
}

function memoryOf(pid: number): { rss: number; pss: number } {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const mb = (name: string) => Math.round(Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(rollup)?.[1]) / 1024);
  return { rss: mb("Rss"), pss: mb("Pss") };
}

function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticksPerSecond = 100;
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond;
}

async function main(): Promise<void> {
  const options = { count: { type: "string", default: "50" }, servers: { type: "string", default: "100" } } as const;
  const { values } = parseArgs({ options });
  execFileSync(process.execPath, [join(REPOSITORY, "scripts/build.mjs")], { stdio: "inherit" });
  const folder = mkdtempSync(join(tmpdir(), "forge-bench-"));
  const runDir = join(folder, "run");
  const root = await startRoot({ runDir, script: join(REPOSITORY, "dist/root.js") });
  try {
    const engine = await EmbeddedEngine.connect({
      region: "here",
      root,
      runDir,
      dataDir: join(folder, "data"),
      home: REPOSITORY,
      baseDir: REPOSITORY,
      ports: { first: 20_000, last: 29_999 },
      env: process.env,
      warn: (message) => console.error(message),
    });
    const ear = new Ear(join(folder, "ear"));
    const listening = await ear.listen();
    console.log(engine.limits.detail);
    await compare(ear, engine, Number(values.count));
    await weigh(root, engine, Number(values.servers));
    listening.close();
    await engine.close();
  } finally {
    await root.close(0);
    rmSync(folder, { recursive: true, force: true });
  }
  process.exit(0);
}

void main();
