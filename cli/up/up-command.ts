import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { engineOfEnv } from "../../config/engine-name";
import { loadConfig } from "../../config/load";
import type { ForgeConfig } from "../../config/config";
import { EXIT } from "../exit-code";
import { CliError } from "../failure";
import type { CliContext } from "../context";
import type { CliIo } from "../io";
import { isRunning, findRunFile } from "../run-file";
import type { UpOptions } from "./up-options";
import { UpSession } from "./up-session";

/**
 * Runs every region of a forge.toml on this machine until Ctrl-C, or for `forSecs`; leaves no process behind.
 * @returns the exit code: 1 where a player was lost or a server overfull
 * @throws {CliError} where it cannot start
 */
export async function runUp(options: UpOptions, context: CliContext): Promise<number> {
  const { io } = context;
  const config = readConfig(options, io);
  refuseMixed(config, options);
  refuseSecond(options, io);
  if (options.detach) return detach(options, io);
  const session = await UpSession.start(config, options, context);
  return session.run();
}

function readConfig({ configFile, engine }: UpOptions, { env }: CliIo): ForgeConfig {
  const flags = { engine: engine ?? engineOfEnv(env) };
  return loadConfig({ file: configFile, env, flags, readFile: (path) => readFileSync(path, "utf8") }).config;
}

/** A run is on one engine; and what it starts, it must be able to take away again. */
function refuseMixed({ regions }: ForgeConfig, { port, processes }: UpOptions): void {
  const on = regions.filter(({ engine }) => engine === "nomad");
  if (on.length === 0) return;
  const refuse = (message: string, fix: string): CliError => new CliError("usage", EXIT.badInput, message, fix);
  const other = regions.find(({ engine }) => engine !== "nomad");
  if (other !== undefined)
    throw refuse(
      `region ${other.name} is on the embedded engine and ${on[0]?.name ?? ""} on Nomad: a run is on one engine`,
      "give --engine embedded or --engine nomad, or `forge deploy` the regions one by one",
    );
  const foreign = on.find(({ hosts }) => hosts !== "local");
  if (foreign !== undefined)
    throw refuse(
      `region ${foreign.name} has hosts = "${foreign.hosts}", and \`forge up\` runs regions on this machine`,
      'use `forge deploy`, or hosts = "local"',
    );
  if (port !== undefined) throw refuse("--port is for the embedded engine", "FORGE_PORT_OFFSET moves all ports");
  if (processes) throw refuse("--processes is for the embedded engine", "on Nomad they are processes anyway");
}

/** One run a folder: a second would take the first one's ports and journals. */
function refuseSecond({ configFile }: UpOptions, io: CliIo): void {
  const found = findRunFile(dirname(configFile));
  if (!found || !isRunning(found.run)) return;
  const { pid, url } = found.run;
  if (found.run.detached && io.env["FORGE_DETACHED"] !== undefined && pid === process.pid) return;
  throw new CliError(
    "alreadyRunning",
    EXIT.failed,
    `Forge runs here already (process ${String(pid)}, ${url})`,
    "look at it with `forge ps`, end it with `forge down`, or use a forge.toml in another folder",
  );
}

/** The same command again, without a terminal; this one ends once that one is ready. */
async function detach(options: UpOptions, io: CliIo): Promise<number> {
  const flags = [
    ...["--config", options.configFile, "up", "--json"],
    ...(options.engine ? ["--engine", options.engine] : []),
    ...(options.processes ? ["--processes"] : []),
    ...(options.demo ? [] : ["--no-demo"]),
    ...(options.forSecs === undefined ? [] : ["--for", String(options.forSecs)]),
    ...(options.port === undefined ? [] : ["--port", String(options.port)]),
    ...(options.bots === undefined ? [] : ["--bots", String(options.bots)]),
  ];
  const program = process.argv[1] ?? "";
  const child = spawn(process.execPath, [program, ...flags], {
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, FORGE_DETACHED: "1" },
  });
  const errors: string[] = [];
  if (child.stderr) createInterface(child.stderr).on("line", (line) => errors.push(line));
  const ready = new Promise<string | undefined>((resolve) => {
    if (child.stdout) createInterface(child.stdout).once("line", resolve);
    child.once("exit", () => resolve(undefined));
  });
  const line = await ready;
  if (line === undefined)
    throw new CliError(
      "runFailed",
      EXIT.failed,
      `the run ended before it was ready: ${errors.at(-1) ?? "it said nothing"}`,
    );
  child.stdout?.destroy();
  child.stderr?.destroy();
  child.unref();
  const { ready: where } = JSON.parse(line) as { readonly ready: { readonly url: string; readonly token: string } };
  if (options.json) io.out(`${line}\n`);
  else
    io.out(
      `Forge runs in the background (process ${String(child.pid)}): ${where.url}/#token=${where.token}\nSee it with \`forge ps\` or \`forge console\`; end it with \`forge down\`.\n`,
    );
  return EXIT.done;
}
