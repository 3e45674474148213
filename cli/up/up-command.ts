import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { loadConfig } from "../../config/load";
import type { ForgeConfig } from "../../config/config";
import { EXIT } from "../exit-code";
import { CliError } from "../failure";
import type { CliIo } from "../io";
import { isRunning, findRunFile } from "../run-file";
import type { UpOptions } from "./up-options";
import { UpSession } from "./up-session";

/**
 * Runs every region of a forge.toml on this machine until Ctrl-C, or for `forSecs`; leaves no process behind.
 * @returns the exit code: 1 where a player was lost or a server overfull
 * @throws {CliError} where it cannot start
 */
export async function runUp(options: UpOptions, io: CliIo): Promise<number> {
  const config = readConfig(options, io);
  refuseNomad(config, options);
  refuseSecond(options, io);
  if (options.detach) return detach(options, io);
  const session = await UpSession.start(config, options, io);
  return session.run();
}

function readConfig({ configFile, engine }: UpOptions, io: CliIo): ForgeConfig {
  const { config } = loadConfig({ file: configFile, env: io.env, readFile: (path) => readFileSync(path, "utf8") });
  return engine === undefined
    ? config
    : { ...config, regions: config.regions.map((region) => ({ ...region, engine })) };
}

function refuseNomad({ regions }: ForgeConfig, { engine }: UpOptions): void {
  const on = regions.filter((region) => region.engine === "nomad").map(({ name }) => name);
  if (on.length === 0) return;
  const why = engine === "nomad" ? "--engine nomad was asked for" : `engine = "nomad" is set for ${on.join(", ")}`;
  throw new CliError(
    "notInThisVersion",
    EXIT.badInput,
    `${why}, and this version runs servers on the embedded engine only`,
    "use `forge up --engine embedded`, or `forge synth` to see the Nomad jobs",
  );
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
