import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { systemClock } from "../../protocol/clock";
import { VERSION } from "../../controller/version";
import type { CliContext } from "../context";
import { EXIT } from "../exit-code";
import { CliError } from "../failure";
import { Desk } from "./desk";
import { order } from "./desk-orders";
import { DeskPrinter } from "./desk-printer";
import { followFile } from "./file-follower";
import { DEFAULT_SERVER, readGameServerFile } from "./game-server-file";

export interface DeskSessionOptions {
  readonly file: string | undefined;
  readonly grpcPort: number;
  readonly httpPort: number;
  readonly token: string;
  readonly seats: "match" | "reported";
  readonly maxPlayers: number;
  readonly timeoutSecs: number | undefined;
  /** The server's own program, started with the environment that it needs; the session ends with it. */
  readonly program: readonly string[];
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/** What the program has to end by itself, in milliseconds. */
const STOP_MS = 5000;

/**
 * Until Ctrl-C, `quit`, the time asked for, or the end of the program.
 * @returns the exit code: the program's own, where there is one
 */
export async function runDesk(options: DeskSessionOptions, context: CliContext): Promise<number> {
  const { io } = context;
  const path = options.file === undefined ? undefined : resolve(io.cwd, options.file);
  const server = path === undefined ? DEFAULT_SERVER : readGameServerFile(path, options.file ?? path);
  const desk = await Desk.start({ ...options, server, version: VERSION, clock: systemClock });
  const printer = new DeskPrinter(context);
  const ending = new AbortController();
  const end = (): void => ending.abort();
  const undo: (() => void)[] = [];
  try {
    for (const signal of SIGNALS) process.on(signal, end);
    desk.on("event", (event) => printer.event(event));
    desk.on("call", (...call) => printer.call(...call));
    desk.on("renewed", () => printer.renewed());
    const env = environment(options, server.ports, server.name);
    const { grpcPort, httpPort, token } = options;
    printer.ready({ grpcPort, httpPort, token, name: server.name }, env);
    if (path !== undefined) {
      undo.push(followFile(desk, path, options.file ?? path, (line, ok) => printer.file(line, ok)));
    }
    const offLines = io.onLine?.((line) => {
      if (["quit", "exit"].includes(line.trim())) end();
      else if (line.trim() !== "") void order(desk, line).then((outcome) => printer.order(outcome));
    });
    if (offLines) undo.push(offLines);
    if (options.timeoutSecs !== undefined) undo.push(systemClock.after(options.timeoutSecs * 1000, end));
    const program =
      options.program.length > 0 ? startProgram(options.program, { ...io.env, ...env }, io.cwd) : undefined;
    return program ? await untilProgramEnds(program, ending.signal) : await untilAborted(ending.signal);
  } finally {
    for (const each of undo) each();
    for (const signal of SIGNALS) process.off(signal, end);
    await desk.close();
  }
}

/** As a node's engine would set it, and under Agones' names. */
function environment(
  { grpcPort, httpPort, token, maxPlayers }: DeskSessionOptions,
  ports: Readonly<Record<string, number>>,
  name: string,
): Record<string, string> {
  const named = Object.entries(ports).map(([port, number]): [string, string] => [
    `FORGE_PORT_${port.toUpperCase().replace(/[^A-Z0-9]/g, "_")}`,
    String(number),
  ]);
  return {
    AGONES_SDK_GRPC_PORT: String(grpcPort),
    AGONES_SDK_HTTP_PORT: String(httpPort),
    FORGE_SDK_URL: `http://127.0.0.1:${httpPort}`,
    FORGE_SDK_TOKEN: token,
    FORGE_SERVER_ID: name,
    FORGE_MAX_PLAYERS: String(maxPlayers),
    ...Object.fromEntries(named),
  };
}

function startProgram(words: readonly string[], env: NodeJS.ProcessEnv, cwd: string): Promise<ChildProcess> {
  const [program = "", ...args] = words;
  const child = spawn(program, args, { cwd, env, stdio: ["ignore", "inherit", "inherit"] });
  return new Promise((started, failed) => {
    child.once("spawn", () => started(child));
    child.once("error", ({ message }) =>
      failed(new CliError("programStart", EXIT.badInput, `${program} cannot be started: ${message}`)),
    );
  });
}

async function untilProgramEnds(starting: Promise<ChildProcess>, signal: AbortSignal): Promise<number> {
  const child = await starting;
  const ended = once(child, "exit") as Promise<[number | null]>;
  const stop = (): void => {
    child.kill("SIGTERM");
    setTimeout(() => child.kill("SIGKILL"), STOP_MS).unref();
  };
  if (signal.aborted) stop();
  else signal.addEventListener("abort", stop, { once: true });
  const [code] = await ended;
  return signal.aborted ? EXIT.done : (code ?? EXIT.failed);
}

async function untilAborted(signal: AbortSignal): Promise<number> {
  // The desk's own timers hold no process.
  const hold = setInterval(() => undefined, 60_000);
  if (!signal.aborted) await once(signal, "abort");
  clearInterval(hold);
  return EXIT.done;
}
