import { EngineError, type ServerLaunch, type TaskLaunch } from "../../engine";
import { interpolate } from "./interpolate";
import { findExecutable, findTaskProgram, type LookupPlace } from "./program-lookup";
import type { EntrySpec, ProgramLine, TaskSpec } from "./root-protocol";
import { taskProgram, type Placing } from "./server-env";
import {
  makeServerFolders,
  removeServerFolders,
  serverFolders,
  taskPlace,
  volumeFolder,
  type ServerFolders,
} from "./server-folders";
import { writeRecord } from "./server-record";

const MAX_META_BYTES = 8 * 1024;

export interface OrderPlace {
  readonly runDir: string;
  readonly dataDir: string;
  readonly home: string;
  readonly baseDir: string;
  readonly address: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly newId: () => string;
  readonly warn: (message: string) => void;
}

/** A launch that can be carried out on this machine, as far as that can be told before it has ports. */
export interface ServerOrder {
  readonly launch: ServerLaunch;
  readonly programs: ReadonlyMap<TaskLaunch, ProgramLine>;
  /** Claim to the volume's name. */
  readonly volumeClaims: Readonly<Record<string, string>>;
}

interface Allocation {
  readonly allocationId: string;
  readonly folders: ServerFolders;
  readonly volumes: readonly { readonly name: string; readonly folder: string }[];
  readonly ports: Readonly<Record<string, number>>;
}

/** Makes of a launch what root is to run: programs, folders, arguments and environments. */
export class ServerOrders {
  private readonly told = new Set<string>();

  constructor(private readonly place: OrderPlace) {}

  /** @throws {EngineError} programMissing, driverUnsupported, startFailed */
  check(launch: ServerLaunch): ServerOrder {
    const bytes = Object.entries(launch.meta).reduce((sum, [key, value]) => sum + Buffer.byteLength(key + value), 0);
    if (bytes > MAX_META_BYTES) {
      const message = `meta of ${launch.serverId} has ${bytes} bytes; ${MAX_META_BYTES} is the most an engine keeps`;
      throw new EngineError("startFailed", message);
    }
    const programs = new Map(launch.tasks.map((task) => [task, this.program(task)] as const));
    this.stopProgram(launch);
    const volumeClaims = Object.fromEntries(
      Object.keys(launch.volumes).map((name) => [`volume:${launch.region}/${launch.experienceId}/${name}`, name]),
    );
    return { launch, programs, volumeClaims };
  }

  /**
   * Makes the folders of a new allocation while ports are looked for, and what root is to be told.
   *
   * @throws {EngineError} startFailed, and whatever `choosePorts` throws; the folders are gone then
   */
  async prepare(order: ServerOrder, choosePorts: () => Promise<Readonly<Record<string, number>>>): Promise<EntrySpec> {
    const allocationId = this.place.newId();
    const folders = serverFolders(this.place.runDir, allocationId);
    const { launch } = order;
    const volumes = Object.entries(launch.volumes).map(([name, path]) => ({
      name,
      path,
      folder: volumeFolder(this.place.dataDir, launch.region, launch.experienceId, name),
    }));
    const names = launch.tasks.map((task) => task.name);
    const [made, ports] = await Promise.allSettled([makeServerFolders(folders, names, volumes), choosePorts()]);
    if (made.status === "fulfilled" && ports.status === "fulfilled") {
      return this.spec(order, { allocationId, folders, volumes, ports: ports.value });
    }
    await removeServerFolders(folders);
    if (ports.status === "rejected") throw ports.reason;
    const why = (made as PromiseRejectedResult).reason as Error;
    throw new EngineError("startFailed", `folders of ${launch.serverId} cannot be made: ${why.message}`);
  }

  /** Takes back what `prepare` made, for an order that root did not follow. */
  async discard(spec: EntrySpec): Promise<void> {
    const allocationId = spec.tasks[0]?.env.FORGE_ALLOCATION_ID;
    if (allocationId !== undefined) await removeServerFolders(serverFolders(this.place.runDir, allocationId));
  }

  private spec(order: ServerOrder, { allocationId, folders, volumes, ports }: Allocation): EntrySpec {
    const { launch } = order;
    const { home, address } = this.place;
    const volumeFolders = Object.fromEntries(volumes.map(({ name, folder }) => [name, folder]));
    const { region } = launch;
    const placing = { allocationId, region, address, ports, home, allocDir: folders.allocDir, volumes: volumeFolders };
    const tasks = launch.tasks.map((task) => this.task(order, task, placing, folders));
    return {
      id: launch.serverId,
      kind: "server",
      tasks,
      logDir: folders.logDir,
      record: writeRecord(launch, { allocationId, address, ports }),
      claims: [...Object.values(ports).map((port) => `port:${port}`), ...Object.keys(order.volumeClaims)],
      restart: "never",
      stop: {
        command: this.stopLine(launch, tasks[0]),
        signal: launch.stop.signal,
        graceSecs: launch.stop.graceSecs,
      },
    };
  }

  private program(task: TaskLaunch): ProgramLine {
    const { command, before } = findTaskProgram(task, this.lookup(task));
    return { command, args: before };
  }

  private task(order: ServerOrder, task: TaskLaunch, placing: Placing, folders: ServerFolders): TaskSpec {
    const { cwd, taskDir, secretsDir } = taskPlace(folders, task.name);
    const { args, env, unknown } = taskProgram(order.launch, task, { ...placing, taskDir, secretsDir }, this.place.env);
    this.tellUnknown(order.launch.experienceId, task.name, unknown);
    const program = order.programs.get(task) ?? this.program(task);
    const line = { command: program.command, args: [...program.args, ...args] };
    return { name: task.name, ...line, env, cwd, cpu: task.cpu, memory: task.memory };
  }

  /** Once for each experience and task: they are the same at every start. */
  private tellUnknown(experienceId: string, task: string, names: readonly string[]): void {
    for (const name of names) {
      const where = `${experienceId}, task ${task}: \${${name}}`;
      if (this.told.has(where)) continue;
      this.told.add(where);
      this.place.warn(`${where} has no value on the embedded engine and is left as it is`);
    }
  }

  private stopProgram(launch: ServerLaunch): string | undefined {
    const [program] = launch.stop.command ?? [];
    const [primary] = launch.tasks;
    if (program === undefined || primary === undefined) return undefined;
    const found = program === "node" ? process.execPath : findExecutable(program, this.lookup(primary));
    if (found !== undefined) return found;
    const message = `${launch.experienceId}: the stop command ${program} is not on PATH and is no executable file; install it, or leave it out to stop by signal`;
    throw new EngineError("programMissing", message);
  }

  private stopLine(launch: ServerLaunch, primary: TaskSpec | undefined): ProgramLine | null {
    const command = this.stopProgram(launch);
    if (command === undefined || primary === undefined) return null;
    const args = (launch.stop.command ?? []).slice(1).map((arg) => interpolate(arg, primary.env).text);
    return { command, args };
  }

  private lookup(task: TaskLaunch): LookupPlace {
    const { baseDir, home, env } = this.place;
    const path = task.env.PATH ?? env.PATH ?? "";
    const fill = (text: string) => interpolate(text, { FORGE_HOME: home }).text;
    return { path, baseDir, node: process.execPath, fill };
  }
}
