import { freePorts } from "../../protocol/free-ports";
import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const READY_WITHIN_MS = 90_000;
const ASK_EVERY_MS = 100;
/** Cloud fingerprinters would ask addresses off this machine. */
const CLIENT_OPTIONS = `options = { "fingerprint.denylist" = "env_aws,env_gce,env_azure,env_digitalocean" }`;

export interface NomadClusterOptions {
  readonly nomad: string;
  readonly folder: string;
  /** Lines for the `client` block: host volumes, reserved resources, meta. */
  readonly client?: string;
  /** Seconds without a heartbeat after which a node counts as out of reach; Nomad's own is 10 to 20. */
  readonly heartbeatGraceSecs?: number;
}

/**
 * A real Nomad server and a real client, each a process with a data folder: either may be killed and started again, and
 * tasks outlive the client, as on a real node.
 */
export class NomadCluster {
  private constructor(
    readonly address: string,
    readonly server: NomadProcess,
    readonly client: NomadProcess,
  ) {}

  static async start(options: NomadClusterOptions): Promise<NomadCluster> {
    const [http = 0, rpc = 0, serf = 0, clientHttp = 0] = await freePorts(4);
    const { nomad, folder } = options;
    const server = new NomadProcess(nomad, join(folder, "server"), serverConfig(options, { http, rpc, serf }));
    const client = new NomadProcess(nomad, join(folder, "client"), clientConfig(options, { http: clientHttp, rpc }));
    const cluster = new NomadCluster(`http://127.0.0.1:${http}`, server, client);
    server.start();
    client.start();
    try {
      await cluster.untilNode("ready");
    } catch (error) {
      await cluster.stop();
      throw new Error(`${(error as Error).message}\n${server.log()}\n${client.log()}`, { cause: error });
    }
    return cluster;
  }

  async call<T>(method: "GET" | "PUT" | "DELETE", path: string, body?: unknown): Promise<T> {
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
    const response = await fetch(`${this.address}${path}`, init);
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }

  /** Nomad tells nobody how a node is, so it has to be asked. */
  async untilNode(status: string): Promise<void> {
    const deadlineMs = Date.now() + READY_WITHIN_MS;
    let last = "no answer";
    while (Date.now() < deadlineMs) {
      try {
        const nodes = await this.call<readonly { readonly Status: string }[]>("GET", "/v1/nodes");
        if (nodes.some(({ Status }) => Status === status)) return;
        last = `nodes: ${JSON.stringify(nodes.map(({ Status }) => Status))}`;
      } catch (error) {
        last = (error as Error).message;
      }
      await pause(ASK_EVERY_MS);
    }
    throw new Error(`no node of Nomad became ${status}: ${last}`);
  }

  /** Ends both. Tasks that still run outlive the client: stop them before. */
  async stop(): Promise<void> {
    await Promise.all([this.client.stop(), this.server.stop()]);
  }
}

/** One `nomad agent`. */
export class NomadProcess {
  private child: ChildProcess | undefined;
  private exited: Promise<unknown> = Promise.resolve();
  private readonly logFile: string;

  constructor(
    private readonly nomad: string,
    private readonly folder: string,
    config: string,
  ) {
    mkdirSync(folder, { recursive: true });
    this.logFile = join(folder, "nomad.log");
    writeFileSync(join(folder, "agent.hcl"), `data_dir = ${JSON.stringify(join(folder, "data"))}\n${config}`);
  }

  start(): void {
    const env = { ...process.env };
    delete env["AWS_CA_BUNDLE"];
    const log = openSync(this.logFile, "a");
    const args = ["agent", "-config", join(this.folder, "agent.hcl"), "-log-level", "WARN"];
    this.child = spawn(this.nomad, args, { env, stdio: ["ignore", log, log] });
    this.exited = new Promise((resolve) => this.child?.once("exit", resolve));
  }

  /** As when the machine's kernel kills it. */
  async kill(): Promise<void> {
    this.child?.kill("SIGKILL");
    await this.exited;
  }

  async stop(): Promise<void> {
    this.child?.kill("SIGINT");
    const kill = setTimeout(() => this.child?.kill("SIGKILL"), 20_000);
    await this.exited;
    clearTimeout(kill);
  }

  log(): string {
    return readFileSync(this.logFile, "utf8").slice(-2000);
  }
}

function common(ports: { readonly http: number; readonly rpc: number; readonly serf: number }): string {
  const { http, rpc, serf } = ports;
  return `
bind_addr = "127.0.0.1"
disable_update_check = true
leave_on_interrupt = false
ports {
  http = ${http}
  rpc  = ${rpc}
  serf = ${serf}
}
advertise {
  http = "127.0.0.1"
  rpc  = "127.0.0.1"
  serf = "127.0.0.1"
}
`;
}

function serverConfig(
  { heartbeatGraceSecs = 10 }: NomadClusterOptions,
  ports: { readonly http: number; readonly rpc: number; readonly serf: number },
): string {
  return `${common(ports)}
name = "server"
server {
  enabled          = true
  bootstrap_expect = 1
  heartbeat_grace  = "${heartbeatGraceSecs}s"
  min_heartbeat_ttl = "${Math.min(heartbeatGraceSecs, 10)}s"
}
`;
}

function clientConfig(
  { client = "" }: NomadClusterOptions,
  { http, rpc }: { readonly http: number; readonly rpc: number },
): string {
  return `${common({ http, rpc: 0, serf: 0 }).replaceAll(/.*= 0\n/g, "")}
name = "node"
client {
  enabled           = true
  servers           = ["127.0.0.1:${rpc}"]
  network_interface = "lo"
  preferred_address_family = "ipv4"
  ${CLIENT_OPTIONS}
  ${client}
}
plugin "raw_exec" {
  config { enabled = true }
}
`;
}
