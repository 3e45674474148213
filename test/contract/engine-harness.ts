import { randomUUID } from "node:crypto";
import type { Engine, EngineEvent, EngineServer, ServerExit, ServerLaunch, TaskLaunch } from "../../controller/engine";

/** What an engine's test file gives to the contract. */
export interface EngineUnderTest {
  readonly engine: Engine;
  /** A folder of this test, for markers that servers look at. */
  readonly folder: string;
  /** A server's processes by task: what the engine tells, or what the machine shows where the engine cannot know. */
  processesOf(server: EngineServer): Readonly<Record<string, number>>;
  /** A further client of whatever runs the servers: another engine that finds what this one started. */
  reopen(): Promise<Engine>;
  /** Ends engine and servers. */
  close(): Promise<void>;
}

export interface LaunchChanges extends Partial<Omit<ServerLaunch, "tasks">> {
  readonly args?: readonly string[];
  readonly task?: Partial<TaskLaunch>;
  readonly beside?: readonly Partial<TaskLaunch>[];
}

/** A launch of the probe server, with what a test wants otherwise. */
export function launchOf({ args = [], task, beside = [], ...changes }: LaunchChanges = {}): ServerLaunch {
  return {
    serverId: `probe-${randomUUID().slice(0, 8)}`,
    region: "here",
    experienceId: "probe",
    version: "1.0.0",
    role: "server",
    tasks: [probeTask("primary", { args, ...task }), ...beside.map((role) => probeTask("role", role))],
    ports: [
      { name: "game", protocol: "udp", static: undefined },
      { name: "sdk", protocol: "tcp", static: undefined },
    ],
    volumes: {},
    stop: { command: undefined, signal: "SIGTERM", graceSecs: 10 },
    avoidNodes: [],
    meta: {},
    ...changes,
  };
}

function probeTask(name: string, changes: Partial<TaskLaunch>): TaskLaunch {
  const { args = [], ...others } = changes;
  return {
    name,
    command: `${__dirname}/probe-server.cjs`,
    image: undefined,
    driver: "raw_exec",
    args,
    env: {},
    cpu: 100,
    memory: 256,
    ...others,
  };
}

/** Everything an engine said since it was made, and what is still to come. */
export class EventLog {
  readonly events: EngineEvent[] = [];
  private wake: (() => void)[] = [];
  private readonly end: () => void;

  constructor(engine: Engine) {
    this.end = engine.subscribe((event) => {
      this.events.push(event);
      for (const look of this.wake) look();
    });
  }

  /** The first event of this type about the server, seen or to come. */
  of<T extends EngineEvent["type"]>(type: T, serverId: string): Promise<Extract<EngineEvent, { type: T }>> {
    return this.first((event): event is Extract<EngineEvent, { type: T }> => {
      return event.type === type && subject(event) === serverId;
    });
  }

  first<E extends EngineEvent>(matches: (event: EngineEvent) => event is E): Promise<E> {
    return new Promise((resolve) => {
      const look = () => {
        const found = this.events.find(matches);
        if (found === undefined) return;
        this.wake = this.wake.filter((other) => other !== look);
        resolve(found);
      };
      this.wake.push(look);
      look();
    });
  }

  /** Types of the events about one server, in order. */
  types(serverId: string): string[] {
    return this.events.filter((event) => subject(event) === serverId).map(({ type }) => type);
  }

  close(): void {
    this.end();
  }
}

function subject(event: EngineEvent): string | undefined {
  if ("server" in event) return event.server.serverId;
  return "serverId" in event ? event.serverId : undefined;
}

/** One engine with everything it said, for all tests of a suite. */
export class EngineStage {
  private opened: { readonly under: EngineUnderTest; readonly log: EventLog } | undefined;

  open(under: EngineUnderTest): void {
    this.opened = { under, log: new EventLog(under.engine) };
  }

  async close(): Promise<void> {
    this.opened?.log.close();
    await this.opened?.under.close();
  }

  get under(): EngineUnderTest {
    if (this.opened === undefined) throw new Error("the engine could not be made");
    return this.opened.under;
  }

  get engine(): Engine {
    return this.under.engine;
  }

  get log(): EventLog {
    if (this.opened === undefined) throw new Error("the engine could not be made");
    return this.opened.log;
  }

  /** Starts a server; resolves when it runs and has said that it is up. */
  async up(launch = launchOf()): Promise<EngineServer> {
    await this.engine.start(launch);
    await lineOf(this.engine, launch.serverId, "up");
    return (await this.log.of("running", launch.serverId)).server;
  }

  /** Stops a server; resolves with its exit. */
  async stop(serverId: string, graceSecs = 10): Promise<ServerExit> {
    await this.engine.stop(serverId, { reason: "the test is over", graceSecs });
    return (await this.log.of("exited", serverId)).exit;
  }

  /** The first process of each task of a server. */
  pids(server: EngineServer): Readonly<Record<string, number>> {
    return this.under.processesOf(server);
  }

  async listed(serverId: string, by = this.engine): Promise<EngineServer | undefined> {
    return (await by.list()).find((server) => server.serverId === serverId);
  }
}

/** The first line of the server's output that starts so; rejects where the server ended without it. */
export async function lineOf(engine: Engine, serverId: string, start: string, task?: string): Promise<string> {
  const seen: string[] = [];
  for await (const line of engine.logs(serverId, { follow: true, ...(task === undefined ? {} : { task }) })) {
    if (line.startsWith(start)) return line;
    seen.push(line);
  }
  throw new Error(`${serverId} ended without a line "${start}…"; it said:\n${seen.join("\n")}`);
}

export async function linesOf(engine: Engine, serverId: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of engine.logs(serverId, {})) lines.push(line);
  return lines;
}

/** Whether a process is there and no zombie. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Resolves when the process has gone. */
export async function gone(pid: number): Promise<void> {
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 10));
}
