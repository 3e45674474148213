import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { engineOfEnv } from "../../config/engine-name";
import { loadConfig } from "../../config/load";
import { configRevision } from "../../config/revision";
import {
  deployedConfigFile,
  type RegionRecord,
  removeEmbeddedFolder,
  runningRegion,
  writeDeployedConfig,
  writeRegionRecord,
} from "../../infra/embedded/region-record";
import { Tokens } from "../../controller/tokens";
import { ForgeApi } from "../api";
import type { CliContext } from "../context";
import { EventFeed } from "../event-feed";
import { EXIT } from "../exit-code";
import { CliError } from "../failure";
import { isRunning, readRunFile, runFilePath } from "../run-file";

export interface Wanted {
  /** What the start is known by in Terraform's state. */
  readonly incarnation?: string | undefined;
  /** What forge.toml said when this was planned. */
  readonly revision?: string | undefined;
}

const LOOK_MS = 100;
const IN_FORCE_WITHIN_MS = 20_000;

/**
 * Starts a region as a process in the background. Where it runs already, under whatever incarnation, it goes on and is
 * known by this one from now on: a deploy that was broken off has started it, and there are players on it.
 *
 * @throws {CliError} that names what is in the way
 */
export async function startRegion(
  name: string,
  { incarnation = `by-hand-${process.pid}`, revision }: Wanted,
  context: CliContext,
): Promise<{ readonly record: RegionRecord; readonly started: boolean }> {
  const folder = dirname(context.configFile);
  const text = plannedConfig(name, revision, context);
  const running = runningRegion(folder, name);
  if (running !== undefined) {
    if (running.incarnation !== incarnation) writeRegionRecord(folder, name, { ...running, incarnation });
    return { record: running, started: false };
  }
  refuseBesideRun(folder);
  writeDeployedConfig(folder, name, text);
  await spawnRegion(name, incarnation, context);
  const record = runningRegion(folder, name);
  if (record !== undefined) return { record, started: true };
  throw new CliError("runFailed", EXIT.failed, `region ${name} ended as soon as it was ready`);
}

/**
 * Ends a region's process and with it every server of the region; nothing where it does not run, or another incarnation
 * than the asked one does.
 * @returns the process that was ended
 */
export async function stopRegion(
  name: string,
  { incarnation, wait }: { readonly incarnation?: string | undefined; readonly wait: number },
  { configFile, io }: CliContext,
): Promise<number | undefined> {
  const folder = dirname(configFile);
  const record = runningRegion(folder, name);
  if (record === undefined) {
    removeEmbeddedFolder(folder, name);
    return undefined;
  }
  if (incarnation !== undefined && record.incarnation !== incarnation) return undefined;
  process.kill(record.pid, "SIGTERM");
  const until = io.now() + wait * 1000;
  while (runningRegion(folder, name)?.pid === record.pid) {
    if (io.now() > until)
      throw new CliError(
        "stillRunning",
        EXIT.failed,
        `region ${name} (process ${record.pid}) has not ended within ${wait} s`,
        `run this again, or end process ${record.pid} with SIGKILL: its root process then ends the servers`,
      );
    await io.sleep(LOOK_MS);
  }
  removeEmbeddedFolder(folder, name);
  return record.pid;
}

/**
 * Gives the running region the forge.toml as it is now, and waits until it decides by it.
 * @returns false where it did already
 */
export async function pushConfig(name: string, { revision }: Wanted, context: CliContext): Promise<boolean> {
  const folder = dirname(context.configFile);
  const text = plannedConfig(name, revision, context);
  const record = runningRegion(folder, name);
  if (record === undefined)
    throw new CliError(
      "regionGone",
      EXIT.unreachable,
      `region ${name} does not run any more, so there is nobody to push forge.toml to`,
      "deploy again: that starts it anew",
    );
  if (readText(deployedConfigFile(folder, name)) === text) return false;
  const feed = new EventFeed(apiOf(name, record, context), { region: name, filter: { type: "config.changed" } });
  await feed.earlier(0);
  writeDeployedConfig(folder, name, text);
  await untilInForce(feed, name, context);
  return true;
}

async function untilInForce(feed: EventFeed, name: string, { io }: CliContext): Promise<void> {
  const ending = new AbortController();
  let seen = false;
  const late = setTimeout(() => ending.abort(), IN_FORCE_WITHIN_MS);
  await feed.follow(
    {
      event: () => {
        seen = true;
        ending.abort();
      },
      gap: () => undefined,
      connected: () => undefined,
      disconnected: () => undefined,
    },
    (ms, signal) => io.sleep(ms, signal),
    ending.signal,
  );
  clearTimeout(late);
  if (seen) return;
  const message = `region ${name} has the new forge.toml and did not say within ${IN_FORCE_WITHIN_MS / 1000} s that it goes by it`;
  throw new CliError("notInForce", EXIT.failed, message, `look into .forge/embedded/${name}/run/logs`);
}

/** The text of forge.toml, where it still says what was planned. */
function plannedConfig(name: string, revision: string | undefined, { configFile, io }: CliContext): string {
  const text = readFileSync(configFile, "utf8");
  const flags = { engine: engineOfEnv(io.env) };
  const { config } = loadConfig({ file: configFile, env: io.env, flags, readFile: () => text });
  if (!config.regions.some((region) => region.name === name)) {
    const known = config.regions.map((region) => region.name).join(", ");
    throw new CliError("unknownRegion", EXIT.notFound, `${configFile} has no region ${name}; it has ${known}`);
  }
  if (revision !== undefined && configRevision(config, name) !== revision) {
    const fix = "plan and deploy again";
    throw new CliError("configChanged", EXIT.failed, `${configFile} was changed since this was planned`, fix);
  }
  return text;
}

function refuseBesideRun(folder: string): void {
  const run = readRunFile(runFilePath(folder));
  if (run === undefined || !isRunning(run)) return;
  throw new CliError(
    "alreadyRunning",
    EXIT.failed,
    `\`forge up\` runs in this folder (process ${run.pid}, ${run.url}), and has the ports`,
    "end it with `forge down`, then deploy again",
  );
}

/** A process of its own session, which outlives Terraform, and whose output nobody holds once it is ready. */
async function spawnRegion(name: string, incarnation: string, { configFile }: CliContext): Promise<void> {
  const program = process.argv[1] ?? "";
  const args = [program, "--config", configFile, "--json", "region", "run", name, "--incarnation", incarnation];
  const child = spawn(process.execPath, args, {
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, FORGE_DETACHED: "1" },
  });
  const errors: string[] = [];
  if (child.stderr) createInterface(child.stderr).on("line", (line) => errors.push(line));
  const ready = await new Promise<boolean>((resolve) => {
    if (child.stdout) createInterface(child.stdout).once("line", () => resolve(true));
    child.once("close", () => resolve(false));
  });
  child.stdout?.destroy();
  child.stderr?.destroy();
  child.unref();
  if (!ready) throw startFailed(name, errors.at(-1) ?? "it said nothing");
}

/** What the other process printed as a problem, said again here. */
function startFailed(name: string, line: string): CliError {
  try {
    const problem = JSON.parse(line) as { readonly code: string; readonly detail: string; readonly fix?: string };
    return new CliError(problem.code, EXIT.failed, problem.detail, problem.fix);
  } catch {
    return new CliError("runFailed", EXIT.failed, `region ${name} ended before it was ready: ${line}`);
  }
}

function apiOf(name: string, record: RegionRecord, { io }: CliContext): ForgeApi {
  const tokens = new Tokens(record.tokenKey, { now: () => io.now(), after: () => () => undefined });
  return new ForgeApi({
    urls: [record.url],
    token: () => tokens.mint({ sub: "forge deploy", role: "viewer", regions: [name], expiresInSecs: 600 }).token,
    unreachableFix: () => `look into .forge/embedded/${name}/run/logs`,
  });
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
