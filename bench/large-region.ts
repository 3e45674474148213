/**
 * A region as large as this machine can pretend: 10,000 virtual servers behind real agents, 100,000 players on them who
 * come and go for ten minutes, and beside it a run of its own with 100 servers that are processes. Controller, API, agents,
 * journals and protocol are real; an engine double says that the virtual servers run, a gate double makes their SDK calls
 * (a heartbeat every two seconds each, joins by ticket, leaves).
 *
 * Printed each minute: sessions, seats given and how long they took, each kind of process's memory, and how late its event
 * loop was. At the end every session is counted by the players, by the controller and by the journals.
 *
 *   npx tsx bench/large-region.ts [--servers 10000] [--nodes 10] [--sessions 100000] [--seconds 600] [--churn 200] [--real 100]
 *
 * Linux only; ten minutes and about two more to fill it.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { bundle } from "./bundle";
import { ChildProgram, memoryOf } from "./child-program";
import { tellFigure } from "./figure";
import { EXPERIENCE } from "./fixed-fleet";
import { ForgeRun } from "./forge-run";
import { journaledSeats } from "./journal-seats";
import type { LoadResult } from "./load-program";
import { machineLine } from "./machine";
import type { Lag } from "./region-program";
import { smallFleetToml } from "./small-fleet";
import { VirtualRegion } from "./virtual-region";
import type { Entry } from "./virtual-sdk";

const { values } = parseArgs({
  options: {
    servers: { type: "string", default: "10000" },
    nodes: { type: "string", default: "10" },
    sessions: { type: "string", default: "100000" },
    seconds: { type: "string", default: "600" },
    churn: { type: "string", default: "200" },
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
const CONNECTIONS = 32;

interface Row {
  readonly minute: number;
  readonly sessions: number;
  readonly seats: number;
  readonly refused: number;
  readonly seatP99Ms: number;
  /** MiB. */
  readonly controller: number;
  readonly agents: number;
  readonly real: number;
  readonly controllerLag: Lag;
  readonly agentLag: Lag;
}

/** Who plays, oldest first, and the programs that make them. */
class Players {
  private readonly entries: Entry[] = [];
  private came = 0;
  /** Who came with a ticket and was not let in. */
  late = 0;

  constructor(
    private readonly region: VirtualRegion,
    private readonly generator: ChildProgram,
  ) {}

  get count(): number {
    return this.entries.length;
  }

  get agents(): readonly ChildProgram[] {
    return this.region.programs.slice(1).map(({ child }) => child as ChildProgram);
  }

  /** @param rate a second; as fast as answers come where not given */
  async come(count: number, rate?: number): Promise<LoadResult> {
    const { port, token } = this.region;
    const result = await this.generator.ask<LoadResult>("load", {
      port,
      tokens: [token],
      players: `${(this.came += 1)}-`,
      count,
      path: "/v1/sessions",
      body: JSON.stringify({ playerId: "PLAYER", experienceId: EXPERIENCE, latencies: { bench: 24.5 } }),
      connections: CONNECTIONS,
      maxSeconds: 2 * WINDOW_SECS,
      keep: true,
      ...(rate === undefined ? {} : { rate }),
    });
    const seated = result.answers.flatMap(({ status, body, playerId }) => {
      if (status !== 200) return [];
      const { server, ticket } = JSON.parse(body) as { server: { id: string }; ticket: string };
      return [{ serverId: server.id, ticket, playerId }];
    });
    const admitted = await Promise.all(this.agents.map((agent) => agent.ask<number>("join", seated)));
    // On a machine that has no time for it a lease may end before its ticket is shown.
    this.late += seated.length - admitted.reduce((sum, each) => sum + each, 0);
    this.entries.push(...seated);
    return result;
  }

  async go(count: number): Promise<void> {
    const leaving = this.entries.splice(0, count);
    await Promise.all(this.agents.map((agent) => agent.ask("leave", leaving)));
  }
}

async function fill(players: Players): Promise<void> {
  const beginMs = performance.now();
  let seconds = 0;
  while (players.count < sessions) {
    const result = await players.come(Math.min(AT_ONCE, sessions - players.count));
    const refused = result.latency.count - (result.statuses[200] ?? 0);
    if (refused > 0) throw new Error(`${refused} seats were refused: ${JSON.stringify(result.statuses)}`);
    ({ seconds } = { seconds: seconds + result.seconds });
  }
  const wall = (performance.now() - beginMs) / 1000;
  console.log(
    `${sessions} sessions at ${(sessions / seconds).toFixed(0)} seats a second, all joined after ${wall.toFixed(0)} s`,
  );
  tellFigure("fill", { perSecond: sessions / seconds });
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
  for (let secs = 0; secs < seconds; secs += WINDOW_SECS) {
    await players.go(churn * WINDOW_SECS);
    const { latency, statuses } = await players.come(churn * WINDOW_SECS, churn);
    seats += statuses[200] ?? 0;
    refused += latency.count - (statuses[200] ?? 0);
    seatP99Ms = Math.max(seatP99Ms, latency.p99);
  }
  const rss = (pids: readonly number[]): number => pids.reduce((sum, pid) => sum + memoryOf(pid).rss, 0);
  const [controller, ...agents] = region.programs.map(({ child }) => child as ChildProgram);
  if (!controller) throw new Error("the region has ended");
  return {
    minute: n,
    sessions: (await region.fleet()).seats.held,
    seats,
    refused,
    seatP99Ms,
    controller: rss([controller.pid]),
    agents: rss(agents.map(({ pid }) => pid)),
    real: rss(realPids()),
    controllerLag: await controller.ask<Lag>("lag"),
    agentLag: worst(await Promise.all(agents.map((agent) => agent.ask<Lag>("lag")))),
  };
}

function worst(lags: readonly Lag[]): Lag {
  return {
    p99Ms: Math.max(...lags.map(({ p99Ms }) => p99Ms)),
    maxMs: Math.max(...lags.map(({ maxMs }) => maxMs)),
  };
}

const HEAD =
  "minute  sessions  seats  refused  seat p99 ms   controller MiB  agents MiB  real run MiB   lag p99/max ms: controller      agents";

function print(row: Row): void {
  const lag = ({ p99Ms, maxMs }: Lag): string => `${p99Ms.toFixed(0)}/${maxMs.toFixed(0)}`.padStart(12);
  const cells = [
    String(row.minute).padStart(6),
    String(row.sessions).padStart(10),
    String(row.seats).padStart(7),
    String(row.refused).padStart(9),
    row.seatP99Ms.toFixed(0).padStart(13),
    row.controller.toFixed(0).padStart(17),
    row.agents.toFixed(0).padStart(12),
    row.real.toFixed(0).padStart(14),
    lag(row.controllerLag).padStart(29),
    lag(row.agentLag),
  ];
  console.log(cells.join(""));
}

/** What the second half has more than the first, by its mean: MiB, where memory is flat about nothing. */
function growth(rows: readonly Row[], of: (row: Row) => number): number {
  const half = Math.ceil(rows.length / 2);
  const mean = (part: readonly Row[]): number => part.reduce((sum, row) => sum + of(row), 0) / part.length;
  return rows.length < 2 ? NaN : mean(rows.slice(half)) - mean(rows.slice(0, half));
}

function sumUp(rows: readonly Row[], late: number): void {
  const most = (of: (row: Row) => number): number => Math.max(...rows.map(of));
  const grown = { controller: growth(rows, (row) => row.controller), agents: growth(rows, (row) => row.agents) };
  console.log(
    `second half over first: controller ${grown.controller.toFixed(1)} MiB, agents ${grown.agents.toFixed(1)} MiB, real run ${growth(rows, (row) => row.real).toFixed(1)} MiB`,
  );
  tellFigure("largeRegion", {
    controllerMiB: most((row) => row.controller),
    agentsMiB: most((row) => row.agents),
    controllerGrownMiB: grown.controller,
    agentsGrownMiB: grown.agents,
    lagP99Ms: most((row) => row.controllerLag.p99Ms),
    seatP99Ms: most((row) => row.seatP99Ms),
    refused: rows.reduce((sum, row) => sum + row.refused, late),
  });
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
    await Promise.all(region.programs.map(({ child }) => (child as ChildProgram).ask("lag")));
    console.log(HEAD);
    const rows: Row[] = [];
    for (let left = Number(values.seconds); left > 0; left -= ROW_SECS) {
      rows.push(await minute(rows.length + 1, Math.min(ROW_SECS, left), region, players, realPids));
      print(rows.at(-1) as Row);
    }
    sumUp(rows, players.late);
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

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "forge-bench-"));
  console.log(machineLine());
  try {
    await run(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
