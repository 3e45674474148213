import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import type { Placement, Queued } from "../../controller/core/resources";
import { EventTap, type EventMatch, type SeenEvent } from "./event-tap";
import { environment, FORGE, RunFolder } from "./run-folder";
import type { Loose, LooseRecord } from "./loose";

export interface RunOptions {
  /** The text of forge.toml. */
  readonly config: string;
  /** Other files of the folder, by name. */
  readonly files?: Readonly<Record<string, string>>;
  /** Of `forge up`, beside `--json` and `--port 0`. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface Ready {
  readonly url: string;
  readonly token: string;
  readonly regions: Readonly<Record<string, string>>;
  readonly processes: Readonly<Record<string, number>>;
}

export interface RunEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Processes of the run at the very moment when it had ended. */
  readonly left: readonly string[];
}

export interface Answer<T> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

export interface CallOptions {
  /** Instead of the operator's; null sends none. */
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** Instead of the first region's. */
  readonly url?: string;
}

const END_MS = 90_000;
const LOOK_MS = 50;

/** `forge up --json --port 0` as a process of its own, in a temporary folder with a given forge.toml. */
export class ForgeRun {
  readonly tap = new EventTap();
  /** Lines of stdout that are no JSON: there must be none. */
  readonly strange: string[] = [];
  /** All lines in their order, events among them. */
  readonly lines: LooseRecord[] = [];
  readonly ended: Promise<RunEnd>;
  stderr = "";
  runId: string | undefined;
  private where: Ready | undefined;
  private readonly becameReady: Promise<void>;

  private constructor(
    readonly folder: RunFolder,
    private readonly child: ChildProcess,
  ) {
    let onReady: () => void = () => undefined;
    const ready = new Promise<void>((resolve) => (onReady = resolve));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
    if (child.stdout) createInterface(child.stdout).on("line", (line) => this.read(line, onReady));
    this.ended = new Promise((resolve) => {
      let left: readonly string[] = [];
      child.once("exit", () => (left = folder.processes(this.runId)));
      // When its output has been read too.
      child.once("close", (code, signal) => {
        this.tap.end(`forge up ended with ${String(code ?? signal)}\n${this.stderr}`);
        resolve({ code, signal, left });
      });
    });
    this.becameReady = Promise.race([
      ready,
      this.ended.then(({ code }) => {
        throw new Error(`forge up ended with ${code} before it was ready:\n${this.stderr}`);
      }),
    ]);
  }

  static start({ config, files = {}, args, env }: RunOptions): Promise<ForgeRun> {
    const folder = new RunFolder(config);
    for (const [name, contents] of Object.entries(files)) folder.write(name, contents);
    return ForgeRun.in(folder, args, env);
  }

  /** In a folder that there is: once more where a run has ended. */
  static async in(
    folder: RunFolder,
    args: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
  ): Promise<ForgeRun> {
    const run = ForgeRun.launch(folder, args, env);
    try {
      await run.becameReady;
    } catch (error) {
      await run.dispose();
      throw error;
    }
    return run;
  }

  private static launch(folder: RunFolder, args: readonly string[], env: Readonly<Record<string, string>>): ForgeRun {
    const command = [FORGE, "--config", folder.config, "up", "--json", "--port", "0", ...args];
    const child = spawn(process.execPath, command, {
      cwd: folder.path,
      env: environment(env),
      stdio: ["ignore", "pipe", "pipe"],
    });
    return new ForgeRun(folder, child);
  }

  get ready(): Ready {
    if (this.where === undefined) throw new Error("the run has not said where it is");
    return this.where;
  }

  get url(): string {
    return this.ready.url;
  }

  get token(): string {
    return this.ready.token;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get mark(): number {
    return this.tap.mark;
  }

  next(match: EventMatch, after?: number): Promise<SeenEvent> {
    return this.tap.next(match, after);
  }

  /** A server of this experience that players can go to now. */
  async server(experienceId: string, after?: number): Promise<string> {
    const roleOf = ({ serverId }: SeenEvent): unknown =>
      this.tap.events.find((event) => event.type === "server.spawned" && event.serverId === serverId)?.detail["role"];
    const isReady = (event: SeenEvent): boolean =>
      event.type === "server.ready" && event.experienceId === experienceId && roleOf(event) === "server";
    return (await this.next(isReady, after)).serverId;
  }

  /** Calls the API with an operator's token, and takes whatever the answer is. */
  async call<T = Loose>(method: string, path: string, body?: unknown, options: CallOptions = {}): Promise<Answer<T>> {
    const { token = this.token, headers = {}, url = this.url } = options;
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get("content-type") ?? "");
    return { status: response.status, headers: response.headers, body: (isJson ? JSON.parse(text) : text) as T };
  }

  /** As `call`, for what has to succeed. */
  async ask<T = Loose>(method: string, path: string, body?: unknown, options?: CallOptions): Promise<T> {
    const { status, body: answer } = await this.call<T>(method, path, body, options);
    if (status >= 300) throw new Error(`${method} ${path} answered ${status}: ${JSON.stringify(answer)}`);
    return answer;
  }

  /** Places a player, waiting in the queue where there is no room yet. */
  async place(wanted: Readonly<Record<string, unknown>>, options?: CallOptions): Promise<Placement> {
    let answer = await this.ask<Placement | Queued>("POST", "/v1/sessions", wanted, options);
    while ("queueTicket" in answer)
      answer = await this.ask<Placement | Queued>("GET", `/v1/queue/${answer.queueTicket}?wait=25`, undefined, options);
    return answer;
  }

  /** For what no event tells: looks again and again until it is so. */
  async until<T>(look: () => Promise<T>, isSo: (seen: T) => boolean): Promise<T> {
    const endMs = Date.now() + END_MS;
    for (;;) {
      const seen = await look();
      if (isSo(seen)) return seen;
      if (Date.now() > endMs) throw new Error(`it did not become so: ${JSON.stringify(seen)}`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  /** Sends the signal and waits until it has ended. */
  async end(signal: NodeJS.Signals = "SIGINT"): Promise<RunEnd> {
    this.child.kill(signal);
    return this.ended;
  }

  /** For `afterAll`: ends it where a test has not, leaves nothing, and says what would have been left. */
  async dispose(): Promise<void> {
    const kill = setTimeout(() => this.child.kill("SIGKILL"), END_MS);
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill("SIGINT");
    await this.ended;
    clearTimeout(kill);
    const left = await this.folder.emptied(this.runId);
    this.folder.remove(this.runId);
    if (left.length > 0) throw new Error(`the run left processes behind:\n${left.join("\n")}`);
  }

  private read(line: string, onReady: () => void): void {
    let value: Record<string, Loose>;
    try {
      value = JSON.parse(line) as Record<string, Loose>;
    } catch {
      this.strange.push(line);
      return;
    }
    this.lines.push(value);
    if (typeof value["id"] === "string" && typeof value["at"] === "string") this.tap.push(value as SeenEvent);
    if (value["ready"] === undefined) return;
    this.where = value["ready"] as Ready;
    this.runId = this.folder.runId;
    onReady();
  }
}
