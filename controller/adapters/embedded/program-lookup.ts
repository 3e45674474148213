import { statSync } from "node:fs";
import { delimiter, isAbsolute, resolve } from "node:path";
import { foldersOf, GAME_FOLDERS, isExecutable, programIn } from "../../../config/program-files";
import { EngineError, type TaskLaunch } from "../../engine";

export interface LookupPlace {
  /** As in the environment. */
  readonly path: string;
  /** What relative paths with a slash start from: the folder of forge.toml. */
  readonly baseDir: string;
  /** The Node that runs Forge. */
  readonly node: string;
  /** Replaces `${FORGE_…}` and `${NOMAD_…}` in the command. */
  readonly fill: (text: string) => string;
}

/** A program's file, and what goes before its arguments. */
export interface FoundProgram {
  readonly command: string;
  readonly before: readonly string[];
}

/**
 * The file that a task's command stands for on this machine: a path as it is, a name by PATH, JavaScript by Node, and for
 * the driver `java` the command is the jar.
 *
 * @throws {EngineError} driverUnsupported, programMissing, startFailed (no command)
 */
export function findTaskProgram(task: TaskLaunch, place: LookupPlace): FoundProgram {
  if (task.driver === "docker" || (task.command === undefined && task.image !== undefined)) {
    const message = `task ${task.name} is a container (${task.image ?? "driver docker"}), and the embedded engine runs programs only: give it a command with driver = "exec", or run the region with engine = "nomad"`;
    throw new EngineError("driverUnsupported", message);
  }
  if (task.command === undefined) {
    throw new EngineError("startFailed", `task ${task.name} names no command; set command = "PROGRAM" in forge.toml`);
  }
  const command = place.fill(task.command);
  if (task.driver === "java") {
    return { command: findOnPath("java", task, place), before: ["-jar", findFile(command, task, place)] };
  }
  if (/\.[cm]?js$/.test(command)) return { command: place.node, before: [findFile(command, task, place)] };
  if (command === "node") return { command: place.node, before: [] };
  const program = command.includes("/") ? findFile(command, task, place) : findOnPath(command, task, place);
  if (isExecutable(program)) return { command: program, before: [] };
  throw missing(task, `${program} is not executable; run chmod +x on it, or name its interpreter as the command`);
}

/** The file of a program that is called by name or path; undefined where there is none. */
export function findExecutable(program: string, place: LookupPlace): string | undefined {
  if (program.includes("/")) {
    const file = resolve(place.baseDir, program);
    return isExecutable(file) ? file : undefined;
  }
  return programIn(searched(place), program);
}

function findOnPath(program: string, task: TaskLaunch, place: LookupPlace): string {
  const found = findExecutable(program, place);
  if (found !== undefined) return found;
  throw missing(task, `${program} is in none of ${searched(place).join(delimiter)}; install it, or give its full path`);
}

function findFile(path: string, task: TaskLaunch, place: LookupPlace): string {
  const file = resolve(place.baseDir, path);
  if (statSync(file, { throwIfNoEntry: false })?.isFile()) return file;
  const from = isAbsolute(path) ? "" : ` (${path} from ${place.baseDir})`;
  throw missing(task, `there is no file ${file}${from}`);
}

function missing(task: TaskLaunch, what: string): EngineError {
  return new EngineError("programMissing", `task ${task.name}: ${what}`);
}

function searched(place: LookupPlace): readonly string[] {
  return [...new Set([...foldersOf(place.path), ...GAME_FOLDERS])];
}
