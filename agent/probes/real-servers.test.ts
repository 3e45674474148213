import { spawn, type ChildProcess } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, openSync, closeSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../protocol/clock";
import type { ExpectedHealth } from "../../protocol/messages";
import { freePort } from "../../protocol/free-ports";
import { findProgram, skipUnless } from "../../test/skips";
import type { RunningProbes } from "../finding";
import { ProcTable } from "../stats/proc-table";
import { UsageSampler } from "../stats/usage-sampler";
import { startProbes } from "./start-probes";
import { HeardFindings, testServer } from "./test-findings";

const isLinux = process.platform === "linux";

const processes = new ProcTable();
const usage = new UsageSampler({ clock: systemClock, processes, intervalMs: 200 });
const start = startProbes({ clock: systemClock, random: Math.random, processes, usage });

let folder: string;
let heard: HeardFindings;
let server: ChildProcess | undefined;
let probes: RunningProbes | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "forge-game-"));
  heard = new HeardFindings();
});
afterEach(async () => {
  await probes?.stop();
  if (server !== undefined && server.exitCode === null && server.signalCode === null) {
    const gone = once(server, "exit");
    server.kill("SIGKILL");
    await gone;
  }
  rmSync(folder, { recursive: true });
});

/** Starts a game server whose output goes to `server.log`, with its home in the test's folder. */
function launch(program: string, args: readonly string[]): string {
  const logFile = join(folder, "server.log");
  const log = openSync(logFile, "a");
  server = spawn(program, args, {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder },
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  return logFile;
}

function probe(health: Partial<ExpectedHealth>, game: number, more: Parameters<typeof testServer>[0] = {}): void {
  const pids = { primary: server?.pid as number };
  probes = start(
    testServer({ ports: { game }, pids, ...more, health: { intervalMs: 200, timeoutMs: 2_000, ...health } }),
    heard.report,
  );
}

/** Until the server's own status has a text, asked past the probe. */
async function rawStatus(port: number, text: string): Promise<void> {
  const socket = createSocket("udp4");
  const ask = setInterval(
    () => socket.send(Buffer.from("\xff\xff\xff\xffgetstatus\0", "latin1"), port, "127.0.0.1"),
    100,
  );
  await new Promise<void>((resolve) => {
    socket.on("message", (answer) => answer.includes(text) && resolve());
  });
  clearInterval(ask);
  socket.close();
}

async function endsWithItsProcess(): Promise<void> {
  server?.kill("SIGKILL");
  await heard.hears("exited");
}

const openArena = findProgram("openarena-server");
skipUnless(
  "OpenArena",
  "it needs Linux and openarena-server",
  isLinux && openArena !== undefined,
)("OpenArena", () => {
  test("answers a quake3 query, bots not counted, uses memory, and ends", async () => {
    const port = await freePort();
    const sets = {
      dedicated: 1,
      net_ip: "127.0.0.1",
      net_port: port,
      sv_hostname: "probed",
      sv_master1: '""',
      bot_enable: 1,
      bot_minplayers: 0,
    };
    const args = Object.entries(sets).flatMap(([name, value]) => ["+set", name, String(value)]);
    launch(openArena as string, [...args, "+map", "oa_dm1", "+addbot", "sarge"]);
    probe({ check: { kind: "query", protocol: "quake3", port: "game" } }, port);
    await heard.hears("ready");
    await rawStatus(port, '"Sarge"');
    const before = heard.all.length;
    await heard.hears("players", (finding) => heard.all.indexOf(finding) >= before);
    expect(heard.all.filter(({ kind }) => kind === "players").at(-1)).toEqual({ kind: "players", count: 0, names: [] });
    await heard.hears("usage", ({ memoryBytes }) => memoryBytes > 10e6);
    await endsWithItsProcess();
  }, 120_000);
});

const minetest = findProgram("minetestserver");
skipUnless(
  "Minetest",
  "it needs Linux and minetestserver",
  isLinux && minetest !== undefined,
)("Minetest", () => {
  /** Writes lines as players' comings and goings would, from a mod, because a client needs a display. */
  const MOD = `
    minetest.register_on_mods_loaded(function()
      minetest.after(0, function()
        for _, name in ipairs({"ann", "bob"}) do
          minetest.log("action", name .. " [127.0.0.1] joins game. List of players: " .. name)
        end
        minetest.log("action", "ann leaves game. List of players: bob")
      end)
    end)`;

  test("answers its own protocol's hello, and its log tells who is on", async () => {
    const port = await freePort();
    const mod = join(folder, "world", "worldmods", "lines");
    mkdirSync(mod, { recursive: true });
    writeFileSync(join(mod, "init.lua"), MOD);
    writeFileSync(
      join(folder, "world", "world.mt"),
      "gameid = minetest_game\nbackend = dummy\nplayer_backend = dummy\nauth_backend = files\n",
    );
    writeFileSync(
      join(folder, "minetest.conf"),
      "server_announce = false\nbind_address = 127.0.0.1\nmg_name = singlenode\n",
    );
    const logFile = launch(minetest as string, [
      "--world",
      join(folder, "world"),
      "--config",
      join(folder, "minetest.conf"),
      "--port",
      String(port),
    ]);
    const log = {
      joined: "ACTION\\[\\w+\\]: (?<player>\\S+) \\[[^\\]]*\\] joins game",
      left: "ACTION\\[\\w+\\]: (?<player>\\S+) leaves game",
    };
    probe({ check: { kind: "query", protocol: "minetest", port: "game" } }, port, { logFile, log });
    await heard.hears("ready");
    await heard.hears("playerLeft");
    const players = heard.all.filter(({ kind }) => kind === "playerJoined" || kind === "playerLeft");
    // Old lines tell the outcome alone, so the two who came may be told before or after.
    expect(players).toEqual(
      expect.arrayContaining([
        { kind: "playerJoined", player: "bob" },
        { kind: "playerLeft", player: "ann" },
      ]),
    );
    await endsWithItsProcess();
  }, 120_000);

  test("is ready by a line of its log", async () => {
    const port = await freePort();
    mkdirSync(join(folder, "world"));
    writeFileSync(
      join(folder, "world", "world.mt"),
      "gameid = minetest_game\nbackend = dummy\nplayer_backend = dummy\nauth_backend = files\n",
    );
    const logFile = launch(minetest as string, ["--world", join(folder, "world"), "--port", String(port)]);
    probe({ check: { kind: "log", ready: "listening on .*:\\d+" } }, port, { logFile });
    await heard.hears("ready");
    await endsWithItsProcess();
  }, 120_000);
});
