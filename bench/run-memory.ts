/**
 * What Forge's own programs need, RSS and PSS each, and all of it for each server.
 *
 * `real`: `forge up --processes` with game servers that are processes: small Node programs on Forge's SDK, with stream
 * and heartbeat through the gate. `virtual`: servers that exist on paper only, behind real agents and gates, one pair a
 * node; for each a real SDK client (in one process for all) holds a stream, beats, and admits its players by their
 * tickets. Numbers are taken after a while of nothing but heartbeats. Linux only.
 *
 *   npx tsx bench/run-memory.ts [--what real,virtual] [--real 100] [--virtual 1000] [--nodes 10] [--sessions 10000]
 *                               [--watch 10]
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { bundle } from "./bundle";
import { ChildProgram, cpuMsOf, memoryOf } from "./child-program";
import { tellFigure } from "./figure";
import { ForgeRun } from "./forge-run";
import type { LoadResult } from "./load-program";
import { runInFolder } from "./in-folder";
import { machineLine } from "./machine";
import type { Entry } from "./sdk-clients-program";
import { EXPERIENCE } from "./fixed-fleet";
import { smallFleetToml } from "./small-fleet";
import { VirtualRegion } from "./virtual-region";

const { values } = parseArgs({
  options: {
    what: { type: "string", default: "real,virtual" },
    real: { type: "string", default: "100" },
    virtual: { type: "string", default: "1000" },
    nodes: { type: "string", default: "10" },
    sessions: { type: "string", default: "10000" },
    watch: { type: "string", default: "10" },
  },
});
const READY_WITHIN_MS = 60_000;
/** A run that is left alone ends by itself. */
const RUN_SECS = 180;
/** So many seats are asked for at a time, and joined before their leases end. */
const SESSIONS_AT_ONCE = 2000;

interface Part {
  readonly name: string;
  readonly pids: readonly number[];
}

/** Rests, then prints each part's memory and CPU, and what Forge's own come to for each server. */
async function weigh(what: string, servers: number, forge: readonly Part[], others: readonly Part[]): Promise<void> {
  const all = [...forge, ...others];
  const before = all.map(({ pids }) => sum(pids.map(cpuMsOf)));
  const watchMs = Number(values.watch) * 1000;
  await new Promise((resolve) => setTimeout(resolve, watchMs));
  console.log(`\n${what}\n                                RSS MiB   PSS MiB   % of a core`);
  const total = { rss: 0, pss: 0 };
  const figure: Record<string, number> = {};
  for (const [n, { name, pids }] of all.entries()) {
    const memory = pids.map(memoryOf);
    const [rss, pss] = [sum(memory.map((each) => each.rss)), sum(memory.map((each) => each.pss))];
    const core = ((sum(pids.map(cpuMsOf)) - (before[n] ?? NaN)) / watchMs) * 100;
    print(pids.length === 1 ? name : `${name} (${pids.length})`, rss, pss, core.toFixed(1));
    if (n >= forge.length) continue;
    figure[name] = rss;
    total.rss += rss;
    total.pss += pss;
  }
  print("Forge's own, together", total.rss, total.pss, "");
  print("Forge's own, a server", total.rss / servers, total.pss / servers, "");
  const { agent = NaN, gate = NaN } = figure;
  tellFigure(what, { ...figure, agentAndGate: agent + gate, aServer: total.rss / servers });
}

function print(name: string, rss: number, pss: number, core: string): void {
  const text = (mib: number): string => mib.toFixed(mib < 100 ? 2 : 0).padStart(10);
  console.log(`${name.padEnd(29)}${text(rss)}${text(pss)}${core.padStart(14)}`);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

async function real(folder: string, servers: number): Promise<void> {
  const { server } = await bundle(folder, { server: "bench/small-server.ts" });
  const run = await ForgeRun.start({
    folder: join(folder, "real"),
    forgeToml: smallFleetToml(servers, server),
    processes: true,
    forSecs: RUN_SECS,
  });
  try {
    const begin = performance.now();
    await run.untilReady(servers, READY_WITHIN_MS);
    console.log(`\n${servers} real servers ready after ${((performance.now() - begin) / 1000).toFixed(1)} s`);
    const programs = Object.entries(run.programs).map(([name, pid]) => ({
      name: name.split(".")[0] ?? "",
      pids: [pid],
    }));
    await weigh(
      `${servers} real servers`,
      servers,
      [{ name: "root", pids: [run.rootPid()] }, ...programs],
      [{ name: "game servers", pids: run.serverPids() }],
    );
  } finally {
    await run.stop();
  }
}

async function virtual(folder: string, servers: number, nodes: number, sessions: number): Promise<void> {
  const scripts = await bundle(folder, {
    region: "bench/region-program.ts",
    agent: "agent/main.ts",
    gate: "agent/gate/main.ts",
    clients: "bench/sdk-clients-program.ts",
    load: "bench/load-program.ts",
  });
  const region = await VirtualRegion.start({
    folder: join(folder, "virtual"),
    program: scripts.region,
    servers,
    seats: Math.ceil(sessions / servers),
    nodes,
    apart: true,
    real: scripts,
  });
  const clients = ChildProgram.start(scripts.clients);
  const generator = ChildProgram.start(scripts.load);
  try {
    await clients.ask("connect", await region.untilPlaced(servers));
    await region.untilReady(servers);
    const parts = ["controller", "agent", "gate"].map((name) => ({
      name,
      pids: region.programs.filter((program) => program.name === name).map(({ child }) => child.pid),
    }));
    const players = { name: "SDK clients of all servers", pids: [clients.pid] };
    const where = `${servers} virtual servers on ${nodes} nodes`;
    await weigh(`${where}, nobody on them`, servers, parts, [players]);
    for (let from = 0; from < sessions; from += SESSIONS_AT_ONCE) {
      const count = Math.min(SESSIONS_AT_ONCE, sessions - from);
      await clients.ask("join", await seats(generator, region, `player-${from}-`, count));
    }
    await weigh(`${where}, ${sessions} sessions`, servers, parts, [players]);
  } finally {
    await Promise.all([generator.stop(), clients.stop()]);
    await region.stop();
  }
}

/** As a matchmaker gets them. @throws {Error} where one was refused */
async function seats(
  generator: ChildProgram,
  { port, token }: VirtualRegion,
  players: string,
  count: number,
): Promise<Entry[]> {
  const { answers } = await generator.ask<LoadResult>("load", {
    port,
    tokens: [token],
    players,
    count,
    path: "/v1/sessions",
    body: JSON.stringify({ playerId: "PLAYER", experienceId: EXPERIENCE, latencies: { bench: 24.5 } }),
    connections: 16,
    maxSeconds: 20,
    keep: true,
  });
  return answers.map(({ status, body }) => {
    if (status !== 200) throw new Error(`a seat was refused with ${status}: ${body}`);
    const { server, ticket } = JSON.parse(body) as { server: { id: string }; ticket: string };
    return { serverId: server.id, ticket };
  });
}

runInFolder(async (folder) => {
  console.log(machineLine());
  const what = values.what.split(",");
  if (what.includes("real")) await real(folder, Number(values.real));
  if (what.includes("virtual"))
    await virtual(folder, Number(values.virtual), Number(values.nodes), Number(values.sessions));
});
