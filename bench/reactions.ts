/**
 * How fast a run of Forge reacts, from outside: `forge up --processes` with small game servers that are processes, heard
 * over its API and event stream.
 *
 * - threshold: a player takes the last seat but the buffer; from that request to the event that a server is asked for
 * - exit: a server with players gets SIGKILL; until the failover's first event, until its player is told the new place
 *   (`GET /v1/sessions/ID?wait=`), until its replacement is ready
 * - config: forge.toml is written; until the API shows the policy in force
 * - silent: the node's agent gets SIGSTOP; until its servers are suspect
 *
 *   npx tsx bench/reactions.ts [--rounds 10] [--what threshold,exit,config,silent]
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { bundle } from "./bundle";
import { distribution } from "./distribution";
import { EventEar } from "./event-ear";
import { tellFigure } from "./figure";
import { ForgeRun } from "./forge-run";
import { runInFolder } from "./in-folder";
import { machineLine } from "./machine";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "10" },
    what: { type: "string", default: "threshold,exit,config,silent" },
  },
});
const rounds = Number(values.rounds);
const READY_WITHIN_MS = 60_000;
const RUN_SECS = 500;
const SEATS = 4;
const REST_MS = 300;

interface Placed {
  readonly session: { readonly id: string; readonly generation: number };
  readonly server: { readonly id: string };
}

function forgeToml(script: string, maxServers: number): string {
  return `
[scaling]
min_servers_per_region = 1
max_servers_per_region = ${maxServers}
target_players_per_server = ${SEATS}
scale_up_cooldown_secs = 0
scale_down_cooldown_secs = 600
[[regions]]
name = "here"
engine = "embedded"
[experiences.small]
command = ${JSON.stringify(process.execPath)}
args = [${JSON.stringify(script)}]
version = "1"
max_players = ${SEATS}
cpu = 50
memory = 128
ports = { game = "tcp" }
ready_timeout_secs = 60
[experiences.small.scaling]
min_servers = 1
max_servers = ${maxServers}
buffer = 1
`;
}

class Reactions {
  private players = 0;
  private maxServers = 40;

  constructor(
    private readonly run: ForgeRun,
    private readonly ear: EventEar,
    private readonly configFile: string,
    private readonly script: string,
  ) {}

  /** Takes seats until no empty server is left; the request that took the last empty one's first seat is timed. */
  async threshold(): Promise<number> {
    await this.settled();
    const before = (await this.run.servers()).length;
    for (;;) {
      const begin = performance.now();
      const asked = this.ear.next((event) => event["type"] === "scaling" && event["action"] === "up");
      await this.place();
      if (await this.willGrow(before)) return (await asked).atMs - begin;
      asked.forget();
    }
  }

  async exit(): Promise<{ readonly seen: number; readonly told: number; readonly replaced: number }> {
    await this.settled();
    const { session, server } = await this.place();
    const pid = await this.pidOf(server.id);
    const about = (type: string, step?: string) =>
      this.ear.next(
        (event) =>
          event["type"] === type && event["serverId"] === server.id && (step === undefined || event["step"] === step),
      );
    const [seen, replaced] = [about("failover", "detect"), about("server.replaced")];
    const moved = this.run.call("GET", `/v1/sessions/${session.id}?wait=25&generation=${session.generation}`);
    await new Promise((resolve) => setTimeout(resolve, REST_MS));
    const begin = performance.now();
    process.kill(pid, "SIGKILL");
    const told = moved.then(() => performance.now());
    return {
      seen: (await seen).atMs - begin,
      told: (await told) - begin,
      replaced: (await replaced).atMs - begin,
    };
  }

  async config(): Promise<number> {
    this.maxServers += 1;
    const begin = performance.now();
    // As editors write: beside it, then in its place.
    writeFileSync(`${this.configFile}.new`, forgeToml(this.script, this.maxServers));
    renameSync(`${this.configFile}.new`, this.configFile);
    for (;;) {
      const fleet = await this.run.call<{ policy: { maxServers: number } }>("GET", "/v1/fleets/small?region=here");
      if (fleet.policy.maxServers === this.maxServers) return performance.now() - begin;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  async silent(): Promise<number> {
    await this.settled();
    const agent = Object.entries(this.run.programs).find(([name]) => name.startsWith("agent"))?.[1] ?? NaN;
    const suspect = this.ear.next((event) => event["type"] === "node.suspect");
    const back = this.ear.next((event) => event["type"] === "node.connected");
    const begin = performance.now();
    process.kill(agent, "SIGSTOP");
    const { atMs } = await suspect;
    process.kill(agent, "SIGCONT");
    await back;
    return atMs - begin;
  }

  private async place(): Promise<Placed> {
    for (;;) {
      const placed = await this.run.call<Placed | { queueTicket: string }>("POST", "/v1/sessions", {
        playerId: `player-${this.players++}`,
        experienceId: "small",
      });
      if ("session" in placed) return placed;
      await new Promise((resolve) => setTimeout(resolve, REST_MS));
    }
  }

  private async willGrow(before: number): Promise<boolean> {
    await new Promise((resolve) => setTimeout(resolve, REST_MS));
    return (await this.run.servers()).filter(({ state }) => state !== "terminated").length > before;
  }

  /** All servers are up: nothing is under way. */
  private async settled(): Promise<void> {
    for (;;) {
      const servers = (await this.run.servers()).filter(({ state }) => state !== "terminated");
      if (servers.length > 0 && servers.every(({ state }) => state === "ready" || state === "allocated")) return;
      await new Promise((resolve) => setTimeout(resolve, REST_MS));
    }
  }

  /** Of the process whose environment names this server. Linux only. */
  private async pidOf(serverId: string): Promise<number> {
    await Promise.resolve();
    const pid = this.run
      .serverPids()
      .find((each) => readFileSync(`/proc/${each}/environ`, "utf8").includes(`=${serverId}\0`));
    if (pid === undefined) throw new Error(`no process of server ${serverId}`);
    return pid;
  }
}

async function repeat<T>(of: () => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let n = 0; n < rounds; n += 1) results.push(await of());
  return results;
}

function print(what: string, name: string, times: readonly number[]): void {
  const { p50, p99, max } = distribution(times);
  console.log(`${what.padEnd(44)}${[p50, p99, max].map((ms) => ms.toFixed(0).padStart(9)).join("")}`);
  tellFigure(name, { p50Ms: p50, p99Ms: p99, maxMs: max });
}

runInFolder(async (folder) => {
  const what = values.what.split(",");
  console.log(machineLine());
  console.log(`${rounds} times each, milliseconds`.padEnd(44) + "      p50      p99      max");
  const { server } = await bundle(folder, { server: "bench/small-server.ts" });
  const run = await ForgeRun.start({
    folder: join(folder, "run"),
    forgeToml: forgeToml(server, 40),
    processes: true,
    forSecs: RUN_SECS,
  });
  const ear = await EventEar.open(run.url, run.token);
  try {
    await run.untilReady(1, READY_WITHIN_MS);
    const reactions = new Reactions(run, ear, join(folder, "run", "forge.toml"), server);
    if (what.includes("config"))
      print("forge.toml written until in force", "config", await repeat(() => reactions.config()));
    if (what.includes("threshold"))
      print("threshold crossed until a server is asked for", "threshold", await repeat(() => reactions.threshold()));
    if (what.includes("exit")) {
      const exits = await repeat(() => reactions.exit());
      print(
        "server killed until its exit is seen",
        "exitSeen",
        exits.map(({ seen }) => seen),
      );
      print(
        "… until its player is told the new place",
        "exitTold",
        exits.map(({ told }) => told),
      );
      print(
        "… until its replacement is ready",
        "exitReplaced",
        exits.map(({ replaced }) => replaced),
      );
    }
    if (what.includes("silent"))
      print("agent stopped until its servers are suspect", "silent", await repeat(() => reactions.silent()));
  } finally {
    ear.close();
    await run.stop();
  }
});
