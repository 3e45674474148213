import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { request } from "undici";
import { ProcTable } from "../agent/stats/proc-table";

export interface ForgeRunOptions {
  /** An empty one; its `.forge` is the run's. */
  readonly folder: string;
  readonly forgeToml: string;
  /** Controller, agent and gate as processes of their own. */
  readonly processes: boolean;
  /** Ends by itself after so many seconds, even where the benchmark that started it has died. */
  readonly forSecs: number;
}

interface Ready {
  readonly ready: {
    readonly url: string;
    readonly token: string;
    readonly processes: Readonly<Record<string, number>>;
  };
}

export interface ServerRow {
  readonly id: string;
  readonly state: string;
  readonly reason: string;
}

const REPOSITORY = join(__dirname, "..");
const END_WITHIN_MS = 30_000;
const LOOK_MS = 100;
const table = new ProcTable();

/** A whole run of Forge as a user has it: the `forge up` command, spoken to over HTTP alone. */
export class ForgeRun {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
    /** An operator's. */
    readonly token: string,
    /** Process ids by program, such as `agent.here`; equal where they share one. */
    readonly programs: Readonly<Record<string, number>>,
  ) {}

  /** @throws {Error} with what it said, where it did not come up */
  static async start({ folder, forgeToml, processes, forSecs }: ForgeRunOptions): Promise<ForgeRun> {
    mkdirSync(folder, { recursive: true });
    const config = join(folder, "forge.toml");
    writeFileSync(config, forgeToml);
    const flags = ["--config", config, "up", "--no-demo", "--json", "--port", "0", "--for", String(forSecs)];
    const child = spawn(
      process.execPath,
      [join(REPOSITORY, "cli", "bin", "forge.mjs"), ...flags, ...(processes ? ["--processes"] : [])],
      { cwd: folder, stdio: ["ignore", "pipe", "pipe"] },
    );
    let said = "";
    child.stderr.on("data", (chunk) => (said += String(chunk)));
    const lines = createInterface(child.stdout);
    const first = new Promise<Ready>((resolve) => lines.once("line", (line) => resolve(JSON.parse(line) as Ready)));
    const died = once(child, "exit").then(() => {
      throw new Error(`forge up ended before it was ready: ${said}`);
    });
    const { ready } = await Promise.race([first, died]);
    died.catch(() => undefined);
    return new ForgeRun(child, ready.url, ready.token, ready.processes);
  }

  /** Of the command itself: the console, which shares its process with all programs where they are not apart. */
  get pid(): number {
    return this.child.pid ?? NaN;
  }

  /** The process that parents all others of the run; where programs share `forge up`'s own, its child. */
  rootPid(): number {
    const program = Object.values(this.programs)[0] ?? NaN;
    return (program === this.child.pid ? childrenOf(program)[0] : table.read(program)?.parent) ?? NaN;
  }

  /** Of root: the game servers, without Forge's own programs. */
  serverPids(): readonly number[] {
    const own = new Set(Object.values(this.programs));
    return childrenOf(this.rootPid()).filter((pid) => !own.has(pid));
  }

  async servers(): Promise<readonly ServerRow[]> {
    const { items } = await this.call<{ items: ServerRow[] }>("GET", "/v1/servers?limit=1000");
    return items;
  }

  /** @throws {Error} where not so many were ready in time */
  async untilReady(count: number, withinMs: number): Promise<void> {
    const deadlineMs = performance.now() + withinMs;
    for (;;) {
      const servers = await this.servers();
      if (servers.filter(({ state }) => state === "ready").length >= count) return;
      if (performance.now() > deadlineMs) {
        const states = servers.map(({ state, reason }) => `${state} (${reason})`);
        throw new Error(`${count} servers were not ready in time: ${[...new Set(states)].join(", ")}`);
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  /** @throws {Error} where the answer is no success */
  async call<T>(method: "GET" | "POST" | "DELETE", path: string, body?: unknown): Promise<T> {
    const answer = await request(`${this.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.body.text();
    if (answer.statusCode >= 300) throw new Error(`${method} ${path} answered ${answer.statusCode}: ${text}`);
    return JSON.parse(text) as T;
  }

  /** @throws {Error} where it left a process behind, or would not end */
  async stop(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const gone = once(this.child, "exit");
    const kill = setTimeout(() => this.child.kill("SIGKILL"), END_WITHIN_MS);
    this.child.kill("SIGINT");
    const [code] = await gone;
    clearTimeout(kill);
    if (code !== 0) throw new Error(`forge up ended with ${String(code)}`);
  }
}

/** Linux only. */
function childrenOf(pid: number): readonly number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return text === "" ? [] : text.split(" ").map(Number);
}
