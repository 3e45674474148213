import { readFileSync } from "node:fs";
import { connect as connectSocket, type Socket } from "node:net";
import { z } from "zod";
import { systemClock, type Clock } from "../../../protocol/clock";
import { rootFiles } from "./root-files";
import {
  lineSplitter,
  ROOT_PROTOCOL,
  type EntrySpec,
  type EntryView,
  type RootEvent,
  type RootProblem,
  type RootRequest,
  type Spawned,
  type Welcome,
} from "./root-protocol";

const entryView = z.object({
  id: z.string(),
  kind: z.enum(["server", "program"]),
  state: z.enum(["pending", "running", "ending", "ended"]),
  record: z.string(),
  claims: z.array(z.string()),
  tasks: z.array(z.object({ name: z.string(), pid: z.number().nullable(), logFile: z.string() })),
  exit: z
    .object({
      task: z.string(),
      exitCode: z.number().nullable(),
      signal: z.string().nullable(),
      oom: z.boolean(),
      requested: z.boolean(),
      atMs: z.number(),
      spawnError: z.object({ code: z.string(), message: z.string() }).nullable(),
    })
    .nullable(),
  restarts: z.number(),
});
const limits = z.object({ cpu: z.boolean(), memory: z.boolean(), detail: z.string() });
const welcome = z.object({ runId: z.string(), pid: z.number(), limits });
const spawned = z.object({ created: z.boolean(), entry: entryView });
const listed = z.object({ entries: z.array(entryView) });
const problem = z.object({
  code: z.enum(["auth", "malformed", "claimed", "unknownEntry", "closing", "full"]),
  message: z.string(),
  claim: z.string().optional(),
  holder: z.string().optional(),
});
const frame = z.union([
  z.object({ event: z.enum(["added", "started", "exited", "released"]), entry: entryView }),
  z.object({ n: z.number(), ok: z.unknown() }),
  z.object({ n: z.number(), error: problem }),
]);

type Problem = z.infer<typeof problem>;

/** Root was asked and said no. */
export class RootError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.message);
    this.name = "RootError";
  }

  get code(): RootProblem["code"] {
    return this.problem.code;
  }
}

/** Root did not answer: it is not there, or the connection broke while it was asked. */
export class RootUnreachable extends Error {
  constructor(message: string) {
    super(message);
    this.name = "RootUnreachable";
  }
}

/** Where a root process is: by its run folder, which holds the secret, or both told. */
export type RootAddress = { readonly runDir: string } | { readonly socketPath: string; readonly secret: string };

export type RootSubscriber = {
  readonly onEvent?: (event: RootEvent) => void;
  /** The connection is there again after it broke: events may have been missed. */
  readonly onReconnect?: () => void;
  /** The connection broke, or a try to get it back failed. */
  readonly onLost?: (reason: string) => void;
};

/** One of Forge's own programs. */
export interface ProgramSpec {
  /** Unique among programs and servers: letters, digits, `.`, `_`, `-`. */
  readonly name: string;
  /** For Node itself, before the script. */
  readonly nodeOptions?: readonly string[];
  /** A JavaScript file, by its absolute path. */
  readonly script: string;
  readonly args: readonly string[];
  /** All of it: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly restart: "always" | "never";
  readonly cwd: string;
  /** Its output goes to `NAME.log` in here. */
  readonly logDir: string;
  /** Seconds between SIGTERM and SIGKILL. */
  readonly graceSecs: number;
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

const FIRST_RETRY_MS = 20;
const LONGEST_RETRY_MS = 1_000;

/**
 * A connection to the root process that comes back by itself: root lives on while its clients die, and a new root may
 * take the place of one that was killed.
 */
export class RootClient {
  private socket: Socket | undefined;
  private readonly waiting = new Map<number, Waiting>();
  private readonly subscribers = new Set<RootSubscriber>();
  private next = 0;
  private retryMs = FIRST_RETRY_MS;
  private cancelRetry = () => {};
  private closed = false;
  private greeting: Welcome | undefined;

  private constructor(
    private readonly address: RootAddress,
    private readonly clock: Clock,
  ) {}

  /** @throws {RootUnreachable} where there is no root, {RootError} `auth` where the secret is another's */
  static async connect(address: RootAddress, clock: Clock = systemClock): Promise<RootClient> {
    const client = new RootClient(address, clock);
    try {
      await client.open();
    } catch (error) {
      client.close();
      throw error;
    }
    return client;
  }

  /** What root said of itself when this connection began. */
  get welcome(): Welcome {
    if (this.greeting === undefined) throw new RootUnreachable("root has not answered yet");
    return this.greeting;
  }

  get isConnected(): boolean {
    return this.socket !== undefined;
  }

  /** Starts an entry, or says that there is one of this id. @throws {RootError} claimed, closing, full, malformed */
  async spawn(spec: EntrySpec): Promise<Spawned> {
    return spawned.parse(await this.ask({ op: "spawn", spec }));
  }

  /** Starts one of Forge's programs with this same Node; output and restarts are root's business. */
  async runProgram(program: ProgramSpec): Promise<Spawned> {
    const { name, nodeOptions = [], script, args, env, restart, cwd, logDir, graceSecs } = program;
    const task = {
      name,
      command: process.execPath,
      args: [...nodeOptions, script, ...args],
      env,
      cwd,
      cpu: 0,
      memory: 0,
    };
    const stop = { command: null, signal: "SIGTERM", graceSecs };
    return this.spawn({ id: name, kind: "program", tasks: [task], logDir, record: "", claims: [], restart, stop });
  }

  /** Resolves when root has begun; `exited` and `released` tell the rest. */
  async stop(id: string, graceSecs: number): Promise<void> {
    await this.ask({ op: "stop", id, graceSecs });
  }

  async signal(id: string, signal: NodeJS.Signals): Promise<void> {
    await this.ask({ op: "signal", id, signal });
  }

  async list(): Promise<readonly EntryView[]> {
    return listed.parse(await this.ask({ op: "list" })).entries;
  }

  async forget(id: string): Promise<void> {
    await this.ask({ op: "forget", id });
  }

  /** Stops everything, then root itself. */
  async shutdown(graceSecs: number): Promise<void> {
    await this.ask({ op: "shutdown", graceSecs });
  }

  subscribe(subscriber: RootSubscriber): () => void {
    this.subscribers.add(subscriber);
    return () => this.subscribers.delete(subscriber);
  }

  /** Ends the connection; what root runs goes on. */
  close(): void {
    this.closed = true;
    this.cancelRetry();
    this.socket?.destroy();
    this.dropWaiting("the connection to root was closed");
    this.subscribers.clear();
  }

  private async open(): Promise<void> {
    const { socketPath, secret } = resolveAddress(this.address);
    const socket = await openSocket(socketPath);
    const onLine = (line: string) => this.onLine(line);
    socket.on(
      "data",
      lineSplitter(onLine, () => socket.destroy()),
    );
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.onClose(socket));
    this.socket = socket;
    try {
      this.greeting = welcome.parse(await this.ask({ op: "hello", secret, protocol: ROOT_PROTOCOL }));
    } catch (error) {
      this.socket = undefined;
      socket.destroy();
      throw error;
    }
    this.retryMs = FIRST_RETRY_MS;
  }

  private ask(request: RootRequest): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.socket === undefined) return reject(new RootUnreachable("there is no connection to root now"));
      this.next += 1;
      this.waiting.set(this.next, { resolve, reject });
      this.socket.write(`${JSON.stringify({ n: this.next, ...request })}\n`);
    });
  }

  private onLine(line: string): void {
    const parsed = frame.safeParse(parseJson(line));
    if (!parsed.success) return void this.socket?.destroy();
    const message = parsed.data;
    if ("event" in message) return this.tell((subscriber) => subscriber.onEvent?.(message));
    const waiting = this.waiting.get(message.n);
    this.waiting.delete(message.n);
    if ("error" in message) waiting?.reject(new RootError(message.error));
    else waiting?.resolve(message.ok);
  }

  private onClose(socket: Socket): void {
    if (this.socket !== socket) return;
    this.socket = undefined;
    this.dropWaiting("root went away while it was asked");
    this.lost("the connection to root broke");
  }

  private lost(reason: string): void {
    if (this.closed) return;
    this.tell((subscriber) => subscriber.onLost?.(reason));
    this.cancelRetry = this.clock.after(this.retryMs, () => void this.reopen());
    this.retryMs = Math.min(LONGEST_RETRY_MS, this.retryMs * 2);
  }

  private async reopen(): Promise<void> {
    try {
      await this.open();
    } catch (error) {
      return this.lost((error as Error).message);
    }
    if (this.closed) return void this.socket?.destroy();
    this.tell((subscriber) => subscriber.onReconnect?.());
  }

  private dropWaiting(reason: string): void {
    for (const { reject } of this.waiting.values()) reject(new RootUnreachable(reason));
    this.waiting.clear();
  }

  private tell(call: (subscriber: RootSubscriber) => void): void {
    for (const subscriber of this.subscribers) call(subscriber);
  }
}

function resolveAddress(address: RootAddress): { readonly socketPath: string; readonly secret: string } {
  if (!("runDir" in address)) return address;
  const { socketPath, secretFile } = rootFiles(address.runDir);
  try {
    return { socketPath, secret: readFileSync(secretFile, "utf8").trim() };
  } catch {
    throw new RootUnreachable(`no Forge runs in ${address.runDir}: ${secretFile} cannot be read`);
  }
}

function openSocket(socketPath: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket(socketPath);
    socket.once("connect", () => resolve(socket));
    socket.once("error", ({ message }) => reject(new RootUnreachable(`root does not answer: ${message}`)));
  });
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
