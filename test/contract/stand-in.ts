/**
 * Stands in for `forge up` in tests of what is left when it is gone: starts root, a game server and a program, says who
 * is who in a line of JSON, and waits to be killed.
 *
 *     node stand-in.js FOLDER ROOT_SCRIPT HARNESS_FOLDER [detach]
 */
import { join } from "node:path";
import { EmbeddedEngine } from "../../controller/adapters/embedded/embedded-engine";
import { RootClient } from "../../controller/adapters/embedded/root-client";
import { startRoot } from "../../controller/adapters/embedded/start-root";
import { EventLog, launchOf, lineOf } from "./engine-harness";

async function main([folder = "", script = "", probes = "", detach]: readonly string[]): Promise<void> {
  const runDir = join(folder, "run");
  const root = await startRoot({ runDir, script, detach: detach === "detach" });
  const engine = await EmbeddedEngine.connect({
    region: "here",
    root,
    runDir,
    dataDir: join(folder, "data"),
    home: folder,
    baseDir: probes,
    ports: { first: 20_000, last: 29_999 },
    env: process.env,
    warn: (message) => process.stderr.write(`${message}\n`),
  });
  const log = new EventLog(engine);
  const launch = launchOf({ args: ["deaf", "fork", "escape"], task: { command: "./probe-server.cjs" } });
  await engine.start(launch);
  await lineOf(engine, launch.serverId, "up");
  const { server } = await log.of("running", launch.serverId);
  const children: number[] = [];
  for await (const line of engine.logs(launch.serverId, {})) {
    if (line.startsWith("child ")) children.push(Number(line.slice("child ".length)));
  }
  const client = await RootClient.connect(root);
  const running = new Promise<void>((resolve) => {
    client.subscribe({ onEvent: ({ event, entry }) => event === "started" && entry.kind === "program" && resolve() });
  });
  const program = await client.runProgram({
    name: "agent",
    script: join(probes, "probe-server.cjs"),
    args: ["deaf"],
    env: {},
    restart: "always",
    cwd: folder,
    logDir: join(runDir, "logs"),
    graceSecs: 5,
  });
  await running;
  const { runId, pid, socketPath } = root;
  const who = { runId, root: pid, socketPath, server: server.pids.primary, children, program: program.entry.id };
  process.stdout.write(`${JSON.stringify(who)}\n`);
  if (detach === "detach") process.exit(0);
  setInterval(() => {}, 1 << 30);
}

void main(process.argv.slice(2));
