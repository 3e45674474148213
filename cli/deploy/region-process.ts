import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { loadConfig } from "../../config/load";
import { deployedConfigFile, embeddedFolder, writeRegionRecord } from "../../infra/embedded/region-record";
import { runSecretsOf } from "../../infra/embedded/run-secrets-file";
import { systemClock } from "../../protocol/clock";
import type { CliContext } from "../context";
import { EXIT } from "../exit-code";
import { LocalRun } from "../up/local-run";
import { openRunLog } from "../up/run-log";

/** Servers get this long to end on their own when the region does. */
const GRACE_SECS = 10;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * One region of a forge.toml as this process and its root process, until SIGTERM. It follows the copy of forge.toml that
 * was deployed, so that an edit counts once it is deployed.
 */
export async function runDeployedRegion(name: string, incarnation: string, context: CliContext): Promise<number> {
  const { io, configFile } = context;
  const folder = dirname(configFile);
  const deployed = deployedConfigFile(folder, name);
  const { config } = loadConfig({ file: deployed, env: io.env, readFile: (path) => readFileSync(path, "utf8") });
  const startedAtMs = io.now();
  const logs = join(embeddedFolder(folder, name), "run", "logs");
  const log = openRunLog(logs, (line) => context.note(line));
  const secrets = runSecretsOf(folder);

  const ending = new AbortController();
  const end = (): void => ending.abort();
  for (const signal of SIGNALS) process.on(signal, end);
  const run = await LocalRun.start({
    config,
    configFile,
    folder,
    home: io.home,
    processes: false,
    port: config.regions[0]?.ports.api,
    env: io.env,
    clock: systemClock,
    log,
    onStep: (text) => log.info(text),
    deployed: { region: name, folder: embeddedFolder(folder, name), configFile: deployed },
    secrets,
  });
  void run.broken.then(end);
  const url = run.plan.regions[0]?.url ?? "";
  writeRegionRecord(folder, name, {
    runId: run.runId,
    pid: process.pid,
    url,
    regions: { [name]: url },
    tokenKey: secrets.token,
    startedAtMs,
    detached: true,
    incarnation,
  });
  io.out(`${JSON.stringify({ ready: { url } })}\n`);
  if (!ending.signal.aborted)
    await new Promise<void>((resolve) => ending.signal.addEventListener("abort", () => resolve(), { once: true }));
  const { left, inOrder } = await run.close(GRACE_SECS);
  for (const signal of SIGNALS) process.off(signal, end);
  log.flush();
  return inOrder && left.length === 0 ? EXIT.done : EXIT.failed;
}
