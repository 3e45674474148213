/**
 * A region as large as this machine can pretend: 10,000 virtual servers behind real agents, 100,000 players on them who
 * come and go for ten minutes, and beside it a run of its own with 100 servers that are processes. Controller, API, agents,
 * journals and protocol are real; an engine double says that the virtual servers run, a gate double makes their SDK calls
 * (a heartbeat every two seconds each, joins by ticket, leaves).
 *
 * Printed each minute: sessions, seats given and how long they took, each kind of process's memory, and how late its event
 * loop was. At the end every session is counted by the players, by the controller and by the journals.
 *
 *   npx tsx bench/large-region.ts [--servers 10000] [--nodes 10] [--sessions 100000] [--seconds 600] [--churn 200] [--real 100] [--stall 0]
 *
 * `--stall 8` stops the controller for 8 s after the last minute, and says how it comes back. A run that breaks off still sums
 * up the minutes it had. Linux only; ten minutes and about two more to fill it.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { bundle } from "./bundle";
import { ChildProgram, memoryOf } from "./child-program";
import { EventEar } from "./event-ear";
import { tellFigure } from "./figure";
import { ForgeRun } from "./forge-run";
import { journaledSeats } from "./journal-seats";
import { runInFolder } from "./in-folder";
import { machineLine } from "./machine";
import type { Lag } from "./region-program";
import { HEAD, print, sumUp, worst, type Row } from "./region-table";
import { smallFleetToml } from "./small-fleet";
import { VirtualRegion } from "./virtual-region";
import { Players } from "./region-players";

const { values } = parseArgs({
  options: {
    servers: { type: "string", default: "10000" },
    nodes: { type: "string", default: "10" },
    sessions: { type: "string", default: "100000" },
    seconds: { type: "string", default: "600" },
    churn: { type: "string", default: "200" },
    stall: { type: "string", default: "0" },
    real: { type: "string", default: "100" },
  },
});
const servers = Number(values.servers);
const sessions = Number(values.sessions);
const realServers = Number(values.real);
/** Players who come each second, while as many go. */
const churn = Number(values.churn);

const SEATS_A_SERVER = Math.ceil((1.2 * sessions) / servers);
const READY_WITHIN_MS = 300_000;
/** So many seats are asked for at a time, and joined before their leases end. */
const AT_ONCE = 2000;
const WINDOW_SECS = 10;
const ROW_SECS = 60;

/** One line of a terminal, written over; nothing where the output goes elsewhere. */
function progress(what: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${what}`);
}

async function fill(players: Players): Promise<void> {
  const beginMs = performance.now();
  let seconds = 0;
  while (players.count < sessions) {
    const result = await players.come(Math.min(AT_ONCE, sessions - players.count));
    const refused = result.latency.count - (result.statuses[200] ?? 0);
    if (refused > 0) throw new Error(`${refused} seats were refused: ${JSON.stringify(result.statuses)}`);
    ({ seconds } = { seconds: seconds + result.seconds });
    progress(`${players.count} of ${sessions} sessions`);
  }
  const wall = (performance.now() - beginMs) / 1000;
  console.log(
    `${sessions} sessions at ${(sessions / seconds).toFixed(0)} seats a second, all joined after ${wall.toFixed(0)} s`,
  );
  tellFigure("fill", { perSecond: sessions / seconds });
}

function cpuMs(programs: readonly ChildProgram[]): number {
  return programs.reduce((sum, program) => sum + program.cpuMs(), 0);
}

/** A minute of players who come and go. */
async function minute(
  n: number,
  seconds: number,
  region: VirtualRegion,
  players: Players,
  realPids: () => readonly number[],
): Promise<Row> {
  let [seats, refused, seatP99Ms] = [0, 0, 0];
  const { controller, agents } = region;
  const began = { ms: performance.now(), controller: cpuMs([controller]), agents: cpuMs(agents) };
  for (let secs = 0; secs < seconds; secs += WINDOW_SECS) {
    await players.go(churn * WINDOW_SECS);
    const { latency, statuses } = await players.come(churn * WINDOW_SECS, churn);
    seats += statuses[200] ?? 0;
    refused += latency.count - (statuses[200] ?? 0);
    seatP99Ms = Math.max(seatP99Ms, latency.p99);
    progress(`minute ${n}: ${secs + WINDOW_SECS} s, ${seats} seats, ${refused} refused`);
  }
  progress("");
  const rss = (pids: readonly number[]): number => pids.reduce((sum, pid) => sum + memoryOf(pid).rss, 0);
  const wallMs = performance.now() - began.ms;
  return {
    minute: n,
    sessions: (await region.fleet()).seats.held,
    seats,
    refused,
    seatP99Ms,
    controller: rss([controller.pid]),
    agents: rss(agents.map(({ pid }) => pid)),
    real: rss(realPids()),
    controllerCores: (cpuMs([controller]) - began.controller) / wallMs,
    agentsCores: (cpuMs(agents) - began.agents) / wallMs,
    controllerLag: await controller.ask<Lag>("lag"),
    agentLag: worst(await Promise.all(agents.map((agent) => agent.ask<Lag>("lag")))),
  };
}

/** The controller's process stands still for a while, with everybody on. */
async function stall(seconds: number, region: VirtualRegion, players: Players): Promise<void> {
  const { controller } = region;
  const ear = await EventEar.open(`http://127.0.0.1:${region.port}`, region.token);
  let [connected, suspect] = [0, 0];
  void ear.next(({ type }) => {
    if (type === "node.connected") connected += 1;
    if (type === "server.suspect") suspect += 1;
    return false;
  });
  process.kill(controller.pid, "SIGSTOP");
  try {
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  } finally {
    process.kill(controller.pid, "SIGCONT");
  }
  const beganMs = performance.now();
  await players.come(1);
  const firstMs = performance.now() - beganMs;
  const { latency, statuses } = await players.come(churn * WINDOW_SECS, churn);
  ear.close();
  const figure = { seconds, firstSeatMs: firstMs, seatP99Ms: latency.p99, agentsConnectedAnew: connected, suspect };
  console.log(
    `stopped for ${seconds} s: the first seat after ${firstMs.toFixed(0)} ms, then ${statuses[200] ?? 0} of ${latency.count} at ${churn}/s, p99 ${latency.p99.toFixed(0)} ms; ` +
      `${connected} agents connected anew, ${suspect} servers were suspect`,
  );
  tellFigure("stall", figure);
}

async function startReal(folder: string): Promise<ForgeRun | undefined> {
  if (realServers === 0) return undefined;
  const { server } = await bundle(folder, { server: "bench/small-server.ts" });
  const run = await ForgeRun.start({
    folder: join(folder, "real"),
    forgeToml: smallFleetToml(realServers, server),
    processes: true,
    // A run that is left alone ends by itself.
    forSecs: Number(values.seconds) + 900,
  });
  await run.untilReady(realServers, READY_WITHIN_MS);
  console.log(`${realServers} real servers are ready`);
  return run;
}

async function run(folder: string): Promise<void> {
  const scripts = await bundle(folder, { region: "bench/region-program.ts", load: "bench/load-program.ts" });
  const real = await startReal(folder);
  const generator = ChildProgram.start(scripts.load);
  const region = await VirtualRegion.start({
    folder: join(folder, "virtual"),
    program: scripts.region,
    servers,
    seats: SEATS_A_SERVER,
    nodes: Number(values.nodes),
    apart: true,
  });
  try {
    await region.untilReady(servers, READY_WITHIN_MS);
    console.log(`${servers} virtual servers are ready on ${values.nodes} nodes`);
    const players = new Players(region, generator);
    await fill(players);
    const realPids = (): readonly number[] => (real ? [real.rootPid(), ...Object.values(real.programs)] : []);
    // What lagged while it was filled is not asked for.
    await Promise.all([region.controller, ...region.agents].map((child) => child.ask("lag")));
    console.log(HEAD);
    const rows: Row[] = [];
    try {
      for (let left = Number(values.seconds); left > 0; left -= ROW_SECS) {
        rows.push(await minute(rows.length + 1, Math.min(ROW_SECS, left), region, players, realPids));
        print(rows.at(-1) as Row);
      }
      if (Number(values.stall) > 0) await stall(Number(values.stall), region, players);
    } finally {
      sumUp(rows, players.late);
    }
    const byController = (await region.fleet()).seats.held;
    if (real) await real.untilReady(realServers, 1000);
    await region.stop();
    const { held, maxOver } = await journaledSeats(region.journalDirs);
    const byJournals = [...held.values()].reduce((sum, ids) => sum + ids.length, 0);
    if (maxOver > 0) throw new Error(`a server had ${maxOver} players more than seats`);
    if (players.late > 0) {
      console.log(`  ${players.late} players were let in too late or not at all: sessions were not counted`);
      return;
    }
    if (byController !== players.count || byJournals !== players.count)
      throw new Error(`players: ${players.count}, by the controller: ${byController}, by journals: ${byJournals}`);
    console.log(`  ${players.count} play, as many at the controller and in the journals; 0 doubled, 0 over`);
  } finally {
    await Promise.all([generator.stop(), region.stop(), real?.stop()]);
  }
}

runInFolder(async (folder) => {
  console.log(machineLine());
  await run(folder);
});
