/**
 * The root process of a local run: parent of the game servers and of Forge's own programs. It is small and does little,
 * so that it lives on while controller, agent and gate come and go; and it goes, with everything it started, when the
 * `forge up` that holds the other end of its stdin is gone.
 *
 *     node root.js RUN_FOLDER RUN_ID [--detach]
 *
 * The run folder holds `root.secret` (0600). When root listens it prints one line of JSON: `{"ready": true}`.
 */
import { readFileSync, rmSync } from "node:fs";
import { systemClock } from "../../../../protocol/clock";
import { planLimits } from "../limits";
import { ROOT_PROTOCOL } from "../root-protocol";
import { rootFiles } from "../root-files";
import { processesOfRun, processesWith, send, sweepRun } from "../sweep";
import { Entries } from "./entries";
import { LimitGroups } from "./limit-groups";
import { LOG_CAP_BYTES, LogCap } from "./log-cap";
import { killOverLimit } from "./memory-watch";
import { ProcessTable } from "./process-table";
import { RootServer } from "./root-server";
import { SpawnPace } from "./spawn-pace";
import { StateFiles } from "./state-files";
import { ProcessLauncher } from "./task-process";

const SPAWNS_PER_SECOND = 50;
const LOOK_EVERY_MS = 1_000;
/** Ended servers are looked after together, so that a mass end costs one look at /proc. */
const SWEEP_AFTER_MS = 250;
/** What servers get when whoever started root is gone. */
const ORPHAN_GRACE_SECS = 2;
const WAIT_STEP_MS = 20;

const [runDir = "", runId = "", detach] = process.argv.slice(2);
const warn = (message: string) => process.stderr.write(`${new Date().toISOString()} ${message}\n`);

const files = rootFiles(runDir);
const groups = LimitGroups.open(planLimits(), runId, process.platform);
const processes = new ProcessTable(() => performance.now());
const stateFiles = new StateFiles(files.stateDir, warn);
const entries = new Entries(stateFiles.load(Date.now()), {
  clock: { now: () => systemClock.now(), after: keepAliveAfter },
  pace: new SpawnPace(SPAWNS_PER_SECOND, systemClock),
  launcher: new ProcessLauncher(runId, groups, processes, process.platform),
  stateFiles,
  tell: (event, entry) => server.tell(event, entry),
  sweepAllocation,
});
const server = new RootServer({
  socketPath: files.socketPath,
  secret: readFileSync(files.secretFile, "utf8").trim(),
  welcome: { runId, pid: process.pid, limits: groups.description },
  entries,
  warn,
  onShutdown: (graceSecs) => void shutDown(graceSecs),
});

/** Deadlines of a stop must be kept even where nothing else holds the process up. */
function keepAliveAfter(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}

const ended = new Set<string>();
function sweepAllocation(allocationId: string): void {
  ended.add(allocationId);
  if (ended.size > 1) return;
  setTimeout(() => {
    for (const pid of processesWith("FORGE_ALLOCATION_ID", ended)) {
      warn(`process ${pid} outlived its server and is killed`);
      send(pid, "SIGKILL");
    }
    ended.clear();
  }, SWEEP_AFTER_MS);
}

const logCap = new LogCap(LOG_CAP_BYTES, warn);
function look(): void {
  const running = entries.running();
  if (!groups.limitsMemory && process.platform === "linux") killOverLimit(running, processes);
  for (const { logFile } of running) void logCap.check(logFile);
}

let shuttingDown = false;
async function shutDown(graceSecs: number): Promise<void> {
  if (shuttingDown) return entries.close(graceSecs);
  shuttingDown = true;
  entries.close(graceSecs);
  const until = Date.now() + graceSecs * 1000;
  const strays = new Set<number>();
  while (Date.now() < until && !(entries.allEnded && processesOfRun(runId).length === 0)) {
    // Whoever left its process group got no signal yet.
    for (const pid of entries.allEnded ? processesOfRun(runId) : []) {
      if (!strays.has(pid)) send(pid, "SIGTERM");
      strays.add(pid);
    }
    await new Promise((resolve) => setTimeout(resolve, WAIT_STEP_MS));
  }
  entries.close(0);
  for (const pid of groups.members()) send(pid, "SIGKILL");
  const { left } = await sweepRun(runId);
  if (left.length > 0) warn(`processes ${left.join(", ")} could not be ended`);
  server.close();
  await groups.close();
  for (const file of [files.recordFile, files.secretFile]) rmSync(file, { force: true });
  process.exit(left.length > 0 ? 1 : 0);
}

async function main(): Promise<void> {
  process.title = `forge-root ${runDir}`;
  // A terminal's Ctrl-C is for `forge up`, which then says what is to be done.
  for (const signal of ["SIGINT", "SIGHUP", "SIGPIPE"] as const) process.on(signal, () => {});
  process.on("SIGTERM", () => void shutDown(ORPHAN_GRACE_SECS));
  process.on("uncaughtException", (error) => warn(`root goes on after: ${error.stack ?? error.message}`));
  await server.listen();
  setInterval(look, LOOK_EVERY_MS);
  if (detach !== "--detach") {
    process.stdin.on("error", () => void shutDown(ORPHAN_GRACE_SECS));
    process.stdin.on("close", () => void shutDown(ORPHAN_GRACE_SECS));
    process.stdin.resume();
  }
  process.stdout.on("error", () => {});
  process.stdout.write(`${JSON.stringify({ ready: true, protocol: ROOT_PROTOCOL })}\n`);
}

main().catch((error: Error) => {
  warn(`root cannot start: ${error.message}`);
  process.exit(1);
});
