import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const READY_WITHIN_MS = 90_000;
const ASK_EVERY_MS = 100;

/** For a `client` block: cloud fingerprinters would ask addresses off this machine. */
export const CLIENT_OPTIONS = `options = { "fingerprint.denylist" = "env_aws,env_gce,env_azure,env_digitalocean" }`;

/** One `nomad agent`. */
export class NomadProcess {
  private child: ChildProcess | undefined;
  private exited: Promise<unknown> = Promise.resolve();
  private readonly configFile: string;
  private readonly logFile: string;

  /**
   * @param folder has its configuration and its log
   * @param args beside those that name them
   * @param cwd its helpers work where it does, and are known by that; this process's own unless told
   */
  constructor(
    private readonly nomad: string,
    folder: string,
    config: string,
    private readonly args: readonly string[] = [],
    private readonly cwd?: string,
  ) {
    mkdirSync(folder, { recursive: true });
    this.configFile = join(folder, "agent.hcl");
    this.logFile = join(folder, "nomad.log");
    writeFileSync(this.configFile, config);
  }

  start(): void {
    const env = { ...process.env };
    delete env["AWS_CA_BUNDLE"];
    const log = openSync(this.logFile, "a");
    const args = ["agent", ...this.args, "-config", this.configFile, "-log-level", "WARN"];
    const child = spawn(this.nomad, args, {
      ...(this.cwd !== undefined && { cwd: this.cwd }),
      env,
      stdio: ["ignore", log, log],
    });
    closeSync(log);
    this.child = child;
    this.exited = new Promise((resolve) => child.once("exit", resolve));
  }

  get hasEnded(): boolean {
    return this.child === undefined || this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** As when the machine's kernel kills it. */
  async kill(): Promise<void> {
    this.child?.kill("SIGKILL");
    await this.exited;
  }

  /** @param graceMs after which it is killed */
  async stop(graceMs = 20_000): Promise<void> {
    this.child?.kill("SIGINT");
    const kill = setTimeout(() => this.child?.kill("SIGKILL"), graceMs);
    await this.exited;
    clearTimeout(kill);
  }

  /** The end of what it said. */
  log(): string {
    return readFileSync(this.logFile, "utf8").slice(-2000);
  }
}

/** Nomad's HTTP API. */
export class NomadApi {
  constructor(
    readonly address: string,
    private readonly token?: string,
  ) {}

  async call<T>(method: "GET" | "PUT" | "DELETE", path: string, body?: unknown): Promise<T> {
    const headers: Record<string, string> = this.token === undefined ? {} : { "x-nomad-token": this.token };
    const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const response = await fetch(`${this.address}${path}`, init);
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }

  /**
   * Nomad tells nobody how a node is, so it has to be asked.
   * @param server nothing is waited for once it has ended
   */
  async untilNode(status: string, server?: NomadProcess): Promise<void> {
    await this.until(`no node of Nomad became ${status}`, server, async () => {
      const nodes = await this.call<readonly { readonly Status: string }[]>("GET", "/v1/nodes");
      return (
        nodes.some(({ Status }) => Status === status) || `nodes: ${JSON.stringify(nodes.map((node) => node.Status))}`
      );
    });
  }

  /** Before it has a leader nobody can be let in. */
  async bootstrap(secret: string, server: NomadProcess): Promise<void> {
    await this.until("Nomad's ACL could not be bootstrapped", server, async () => {
      const init = { method: "POST", body: JSON.stringify({ BootstrapSecret: secret }) };
      const { ok, status } = await fetch(`${this.address}/v1/acl/bootstrap`, init);
      return ok || `it answered ${status}`;
    });
  }

  /** @param look true, or what it saw instead */
  private async until(
    what: string,
    server: NomadProcess | undefined,
    look: () => Promise<true | string>,
  ): Promise<void> {
    let last = "no answer";
    for (const deadlineMs = Date.now() + READY_WITHIN_MS; Date.now() < deadlineMs; await pause(ASK_EVERY_MS)) {
      const seen = await look().catch((error: unknown) => (error as Error).message);
      if (seen === true) return;
      last = seen;
      if (server?.hasEnded) break;
    }
    throw new Error(`${what}: ${last}`);
  }
}
