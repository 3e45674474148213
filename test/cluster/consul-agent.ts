import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { freePorts } from "../../protocol/free-ports";

const LEADS_WITHIN_MS = 60_000;
const ASK_EVERY_MS = 100;
const FIRST_NODE = "node-1";

export interface ConsulAgentOptions {
  /** With access control: nobody may do anything without a token. */
  readonly managementToken?: string;
  /** One of so many servers, which elect a leader once all are there; 1 unless told. */
  readonly servers?: number;
  /** `HOST:PORT` of others' gossip, to join them. */
  readonly join?: readonly string[];
  /** Where it listens; loopback unless told. */
  readonly host?: string;
  /** What its command is put behind: it runs in another network, say. It must become the command, not its parent. */
  readonly within?: readonly string[];
  /** An address of loopback whose port 53 answers names, as name servers are asked; root alone may have it. */
  readonly nameServer?: string;
}

/** A real Consul server on free ports of loopback, with a data folder: it can be killed and started again. */
export class ConsulAgent {
  readonly address: string;
  private child: ChildProcess | undefined;

  private constructor(
    private readonly consul: string,
    private readonly folder: string,
    readonly ports: { readonly http: number; readonly dns: number; readonly serf: number },
    private readonly token: string | undefined,
    host: string,
    private readonly within: readonly string[],
  ) {
    this.address = `http://${host}:${ports.http}`;
  }

  static async start(consul: string, folder: string, options: ConsulAgentOptions = {}): Promise<ConsulAgent> {
    const [http = 0, free = 0, server = 0, serf = 0, wan = 0] = await freePorts(5);
    const { managementToken: token, host = "127.0.0.1", within = [], nameServer } = options;
    const { servers = 1, join: others = [] } = options;
    const dns = nameServer === undefined ? free : 53;
    const config = {
      server: true,
      bootstrap_expect: servers,
      retry_join: others,
      retry_interval: "1s",
      data_dir: join(folder, "consul"),
      bind_addr: host,
      client_addr: host,
      node_name: others.length === 0 ? FIRST_NODE : `node-${http}`,
      ...(nameServer === undefined ? {} : { addresses: { dns: nameServer } }),
      log_level: "WARN",
      ports: { http, dns, server, serf_lan: serf, serf_wan: wan, grpc: -1 },
      performance: { raft_multiplier: 1 },
      disable_update_check: true,
      leave_on_terminate: false,
      skip_leave_on_interrupt: true,
      ...(token === undefined
        ? {}
        : { acl: { enabled: true, default_policy: "deny", tokens: { master: token, agent: token } } }),
    };
    writeFileSync(join(folder, "consul.json"), JSON.stringify(config));
    const agent = new ConsulAgent(consul, folder, { http, dns, serf }, token, host, within);
    // One of several leads once the others are there: whoever starts them runs them together.
    if (servers === 1) await agent.run();
    return agent;
  }

  /** Starts it, or starts it again on its data, and waits until it leads. */
  async run(): Promise<void> {
    const logFile = join(this.folder, "consul.log");
    const log = openSync(logFile, "a");
    const command = [...this.within, this.consul, "agent", "-config-file", join(this.folder, "consul.json")];
    const child = spawn(command[0] ?? this.consul, command.slice(1), { stdio: ["ignore", log, log] });
    closeSync(log);
    this.child = child;
    try {
      await this.untilLeading(child);
    } catch (error) {
      await this.end("SIGKILL");
      throw new Error(`${(error as Error).message}\n${readFileSync(logFile, "utf8").slice(-2000)}`, { cause: error });
    }
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  /** @param signal SIGINT ends it in order without leaving the cluster, SIGKILL at once */
  async end(signal: "SIGINT" | "SIGKILL" = "SIGINT"): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    const kill = setTimeout(() => child.kill("SIGKILL"), 20_000);
    await exited;
    clearTimeout(kill);
  }

  async call<T>(method: "GET" | "PUT" | "POST" | "DELETE", path: string, body?: unknown): Promise<T> {
    const headers: Record<string, string> = this.token === undefined ? {} : { "x-consul-token": this.token };
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const response = await fetch(`${this.address}${path}`, {
      method,
      headers,
      ...(body !== undefined && { body: text }),
    });
    const answer = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${answer}`);
    return (answer === "" ? undefined : JSON.parse(answer)) as T;
  }

  private async untilLeading(child: ChildProcess): Promise<void> {
    const deadlineMs = Date.now() + LEADS_WITHIN_MS;
    let last = "no answer";
    while (Date.now() < deadlineMs && child.exitCode === null) {
      try {
        // Its own node in the catalogue: then it leads, and takes checks and sessions.
        const nodes = await this.call<readonly unknown[]>("GET", `/v1/health/node/${FIRST_NODE}`);
        if (nodes.length > 0) return;
        last = "its node is not in the catalogue";
      } catch (error) {
        last = (error as Error).message;
      }
      await pause(ASK_EVERY_MS);
    }
    throw new Error(`Consul did not become ready: ${last}`);
  }
}
