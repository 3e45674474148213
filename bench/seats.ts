/**
 * Seats a second from a warm fleet, from HTTP request to HTTP answer: `POST /v1/sessions` for one player after another
 * with one allocator's token, or with a token of each player; with `--players-a-call 10` `POST /v1/allocations`, which
 * gives a whole server to a match of ten. Controller, API, agents, journals and protocol are the real ones; the servers are virtual:
 * an engine double says that they run, a gate double makes their SDK calls. First with controller and agent in one
 * process, then apart over sockets; before each a bare node:http server answers as many requests of the same size.
 *
 * Every seat is then counted three times: by what the players were told, by the controller, and by the journals.
 *
 *   npx tsx bench/seats.ts [--seats 30000] [--servers 1000] [--nodes 1] [--connections 64] [--rate 10000]
 *                          [--players-a-call 1] [--ways together,apart] [--tokens one|each] [--repeat 1]
 *                          [--profile FOLDER] [--node-options "…"]
 *
 * `--rate` is of calls. Matches have as many servers as there are of them, whatever `--servers` says.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { bundle } from "./bundle";
import { ChildProgram } from "./child-program";
import { tellFigure } from "./figure";
import { journaledSeats } from "./journal-seats";
import type { Load, LoadResult } from "./load-program";
import { runInFolder } from "./in-folder";
import { machineLine } from "./machine";
import { playerName } from "./player-name";
import { matchCall, ONE_PLAYER } from "./seat-call";
import { type ServedProgram, VirtualRegion } from "./virtual-region";

const { values } = parseArgs({
  options: {
    seats: { type: "string", default: "30000" },
    servers: { type: "string", default: "1000" },
    nodes: { type: "string", default: "1" },
    connections: { type: "string", default: "64" },
    "players-a-call": { type: "string", default: "1" },
    rate: { type: "string" },
    ways: { type: "string", default: "together,apart" },
    repeat: { type: "string", default: "1" },
    tokens: { type: "string", default: "one" },
    profile: { type: "string" },
    "node-options": { type: "string", default: "" },
  },
});
const playersACall = Number(values["players-a-call"]);
const call = playersACall === 1 ? ONE_PLAYER : matchCall(playersACall);
const calls = Math.ceil(Number(values.seats) / playersACall);
const nodes = Number(values.nodes);
/** Of the measured calls; as many players come first so that nothing is measured cold. */
const WARM_UP_SHARE = 0.3;
const MAX_SECONDS = 10;
/** Seats that nobody comes for go back after 30 s; the counting has to be done before. */
const COUNT_WITHIN_MS = 29_000;

const PLAYERS = "player-";
const WARM_UP = "before-";
type Programs = Readonly<Record<"load" | "bare" | "region", string>>;
type Way = "together" | "apart";
interface Used {
  readonly name: string;
  readonly cpuSeconds: number;
  /** MiB at the end of the load; undefined of the load generator itself. */
  readonly rss?: number;
}

interface Row {
  readonly result: LoadResult;
  readonly used: readonly Used[];
}

const warmUpCount = Math.ceil(calls * WARM_UP_SHARE);
const servers = playersACall === 1 ? Number(values.servers) : calls + warmUpCount;
const seatsOfAServer = playersACall === 1 ? Math.ceil((1.05 * (calls + warmUpCount)) / servers) : playersACall;

function loadOf(port: number, tokens: readonly string[], players: string, count: number): Load {
  return {
    port,
    tokens,
    path: call.path,
    body: call.body,
    players,
    count,
    connections: Number(values.connections),
    maxSeconds: MAX_SECONDS,
    keep: true,
    ...(values.rate === undefined ? {} : { rate: Number(values.rate) }),
  };
}

/** The same requests twice: a share of them without counting, then all. */
async function measure(
  program: string,
  warmUpLoad: Load,
  load: Load,
  served: readonly ServedProgram[],
): Promise<Row & { readonly warmUp: LoadResult }> {
  const generator = ChildProgram.start(program);
  try {
    const { rate: _unpaced, ...flatOut } = warmUpLoad;
    const warmUp = await generator.ask<LoadResult>("load", flatOut);
    const before = served.map(({ child }) => child.cpuMs());
    const result = await profiling(served, () => generator.ask<LoadResult>("load", load));
    const used = served.map(({ name, child }, n) => ({
      name,
      cpuSeconds: (child.cpuMs() - (before[n] ?? NaN)) / 1000,
      rss: child.memory().rss,
    }));
    return { result, used, warmUp };
  } finally {
    await generator.stop();
  }
}

/** With --profile, writes a CPU profile of each process that serves, of the measured time alone. */
async function profiling<T>(served: readonly ServedProgram[], run: () => Promise<T>): Promise<T> {
  const { profile: folder } = values;
  const profiled = served.flatMap(({ name, child }) =>
    folder !== undefined && name !== "bare" && child instanceof ChildProgram ? [{ name, child }] : [],
  );
  await Promise.all(profiled.map(({ child }) => child.ask("profile")));
  const result = await run();
  for (const { name, child } of profiled)
    await child.ask("profiled", { file: join(folder ?? "", `${name.replaceAll(" ", "-")}-${child.pid}.cpuprofile`) });
  return result;
}

async function measureBare(programs: Programs, answer: string): Promise<Row> {
  const child = ChildProgram.start(programs.bare);
  try {
    const port = await child.ask<number>("listen", { answer });
    const load = (players: string, count: number): Load => ({ ...loadOf(port, ["none"], players, count), keep: false });
    return await measure(programs.load, load(WARM_UP, warmUpCount), load(PLAYERS, calls), [{ name: "bare", child }]);
  } finally {
    await child.stop();
  }
}

async function measureForge(
  programs: Programs,
  way: Way,
  folder: string,
): Promise<Row & { readonly check: string; readonly answer: string }> {
  const region = await VirtualRegion.start({
    folder,
    program: programs.region,
    servers,
    seats: seatsOfAServer,
    nodes,
    apart: way === "apart",
    nodeOptions: values["node-options"].split(" ").filter((option) => option !== ""),
  });
  try {
    await region.untilReady(servers);
    const beginMs = performance.now();
    const load = (players: string, count: number): Load => {
      const own = (_: unknown, n: number): string => region.playerToken(playerName(players, n));
      const tokens = values.tokens === "one" ? [region.token] : Array.from({ length: count }, own);
      return loadOf(region.port, tokens, players, count);
    };
    const { result, used, warmUp } = await measure(
      programs.load,
      load(WARM_UP, warmUpCount),
      load(PLAYERS, calls),
      region.programs,
    );
    const told = [...warmUp.answers, ...result.answers];
    const byController = (await region.servers()).reduce((sum, { players }) => sum + players, 0);
    if (performance.now() - beginMs > COUNT_WITHIN_MS)
      throw new Error("it took so long that leases ended before the seats were counted: use fewer --seats");
    await region.stop();
    const check = await checked(told, byController, region.journalDirs);
    return { result, used, check, answer: result.answers.at(-1)?.body ?? "" };
  } finally {
    await region.stop();
  }
}

/** @throws {Error} where a seat was promised twice, a server has too many, or the three counts differ */
async function checked(
  told: LoadResult["answers"],
  byController: number,
  journalDirs: readonly string[],
): Promise<string> {
  const sessions = new Map<string, string>();
  for (const answer of told) {
    if (answer.status !== 200) continue;
    for (const { sessionId, serverId } of call.seats(answer)) {
      if (sessions.has(sessionId)) throw new Error(`session ${sessionId} was given to two players`);
      sessions.set(sessionId, serverId);
    }
  }
  const { held, maxOver } = await journaledSeats(journalDirs);
  let byJournal = 0;
  for (const [serverId, sessionIds] of held) {
    byJournal += sessionIds.length;
    for (const id of sessionIds) {
      if (sessions.get(id) !== serverId)
        throw new Error(`${id} sits on ${serverId}, but its player was told otherwise`);
    }
  }
  if (maxOver > 0) throw new Error(`a server had ${maxOver} players more than seats`);
  const same = byJournal === sessions.size && byController === sessions.size;
  if (!same)
    throw new Error(`seats told: ${sessions.size}, by journals: ${byJournal}, by the controller: ${byController}`);
  return `${sessions.size} seats told, as many in the journals and at the controller; 0 doubled, 0 over`;
}

/** @param each so many seats one call gives; a bare server's request counts as one */
function print(name: string, { result, used }: Row, bare: Row | undefined, each = 1): void {
  const { latency, seconds, statuses, cpuSeconds } = result;
  const rate = latency.count / seconds;
  const share = bare ? (rate / (bare.result.latency.count / bare.result.seconds)).toFixed(2) : "1";
  const failed = latency.count - (statuses[200] ?? 0);
  const cells = [
    (rate * each).toFixed(0),
    share,
    ...[latency.p50, latency.p99, latency.p999].map((ms) => ms.toFixed(1)),
    failed,
  ];
  const all: Used[] = [...used, { name: "load", cpuSeconds }];
  const processes = all.map(({ name: process, cpuSeconds: secs, rss }) => {
    const perRequest = `${((secs * 1e6) / latency.count / each).toFixed(0)} µs`;
    return `${process} ${secs.toFixed(2)} s (${perRequest}${rss === undefined ? "" : `, ${rss.toFixed(0)} MiB`})`;
  });
  console.log(name.padEnd(26) + cells.map((cell) => String(cell).padStart(9)).join("") + "   " + processes.join(", "));
}

runInFolder(async (folder) => {
  const ways = values.ways.split(",") as Way[];
  const pace = values.rate === undefined ? "as fast as answers come" : `${values.rate} a second`;
  console.log(machineLine());
  console.log(
    `${calls} calls for ${playersACall} player${playersACall === 1 ? "" : "s"} each, ${values.tokens === "one" ? "one token" : "a token each"}, ${pace}, ${values.connections} connections; ${servers} virtual servers on ${nodes} node(s)`,
  );
  console.log("                                 per s  of bare   p50 ms   p99 ms p99.9 ms   not 200   CPU, by process");
  const programs = await bundle(folder, {
    load: "bench/load-program.ts",
    bare: "bench/bare-program.ts",
    region: "bench/region-program.ts",
  });
  let answer = "x".repeat(700);
  for (let n = 0; n < Number(values.repeat); n += 1) {
    for (const way of ways) {
      const bare = await measureBare(programs, answer);
      print("bare node:http", bare, undefined);
      const forge = await measureForge(programs, way, join(folder, `${way}-${n}`));
      print(way === "apart" ? "Forge, processes apart" : "Forge, one process", forge, bare, playersACall);
      console.log(`  ${forge.check}`);
      const { latency, seconds } = forge.result;
      const controllerCpu = forge.used[0]?.cpuSeconds ?? NaN;
      tellFigure(way, {
        perSecond: (playersACall * latency.count) / seconds,
        p99Ms: latency.p99,
        ofBare: latency.count / seconds / (bare.result.latency.count / bare.result.seconds),
        controllerUsASeat: (controllerCpu * 1e6) / latency.count / playersACall,
      });
      ({ answer } = forge);
    }
  }
});
