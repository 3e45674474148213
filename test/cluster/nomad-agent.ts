import { spawn, type ChildProcess } from "node:child_process";
import { chmodSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { freePorts } from "../../protocol/free-ports";
import { endStrays, unmountAll } from "../../infra/local/leftovers";

const LEADS_WITHIN_MS = 60_000;
const ASK_EVERY_MS = 200;

export interface NomadAgentOptions {
  /** Lines for the `client` block. */
  readonly client?: string;
  /** With access control, which this token (a UUID) then has all rights in. */
  readonly managementToken?: string;
}

/** A real Nomad agent in development mode: server and client in one, on free ports of loopback. */
export class NomadAgent {
  private constructor(
    readonly address: string,
    private readonly child: ChildProcess,
    private readonly exited: Promise<unknown>,
    private readonly token: string | undefined,
    /** Its allocations and what it knows of them. */
    private readonly data: string,
  ) {}

  /** @param more configuration beside the usual */
  static async start(
    nomad: string,
    folder: string,
    more = "",
    { client = "", managementToken }: NomadAgentOptions = {},
  ): Promise<NomadAgent> {
    const [http, rpc, serf] = await freePorts(3);
    const configFile = join(folder, "agent.hcl");
    const logFile = join(folder, "nomad.log");
    const data = mkdtempSync(join(tmpdir(), "forge-nomad-"));
    // Tasks are other users.
    chmodSync(data, 0o711);
    // Cloud fingerprinters would ask addresses off this machine.
    writeFileSync(
      configFile,
      `ports {
  http = ${http}
  rpc  = ${rpc}
  serf = ${serf}
}
disable_update_check = true
client {
  alloc_dir = ${JSON.stringify(join(data, "allocations"))}
  state_dir = ${JSON.stringify(join(data, "state"))}
  options = { "fingerprint.denylist" = "env_aws,env_gce,env_azure,env_digitalocean" }
  ${client}
}
${managementToken === undefined ? "" : "acl { enabled = true }"}
${more}`,
    );
    const env = { ...process.env };
    delete env["AWS_CA_BUNDLE"];
    const log = openSync(logFile, "a");
    const args = ["agent", "-dev", "-bind", "127.0.0.1", "-config", configFile, "-log-level", "WARN"];
    // Its helpers work where it does, and are known by that.
    const child = spawn(nomad, args, { cwd: data, env, stdio: ["ignore", log, log] });
    const exited = new Promise((resolve) => child.once("exit", resolve));
    const agent = new NomadAgent(`http://127.0.0.1:${http}`, child, exited, managementToken, data);
    try {
      if (managementToken !== undefined) await agent.untilBootstrapped(managementToken);
      await agent.untilReady();
    } catch (error) {
      await agent.stop();
      throw new Error(`${(error as Error).message}\n${readFileSync(logFile, "utf8").slice(-2000)}`, { cause: error });
    }
    return agent;
  }

  async call<T>(method: "GET" | "PUT" | "DELETE", path: string, body?: unknown): Promise<T> {
    const headers: Record<string, string> = this.token === undefined ? {} : { "x-nomad-token": this.token };
    const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const response = await fetch(`${this.address}${path}`, init);
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }

  /** Whatever its tasks did not heed in time goes with it. */
  async stop(): Promise<void> {
    this.child.kill("SIGINT");
    const kill = setTimeout(() => this.child.kill("SIGKILL"), 5000);
    await this.exited;
    clearTimeout(kill);
    await endStrays(this.data);
    await unmountAll(this.data);
    rmSync(this.data, { recursive: true, force: true });
  }

  /** Before it has a leader nobody can be let in. */
  private async untilBootstrapped(secret: string): Promise<void> {
    const deadlineMs = Date.now() + LEADS_WITHIN_MS;
    const init = { method: "POST", body: JSON.stringify({ BootstrapSecret: secret }) };
    while (Date.now() < deadlineMs && this.child.exitCode === null) {
      const answer = await fetch(`${this.address}/v1/acl/bootstrap`, init).catch(() => undefined);
      if (answer?.ok) return;
      await pause(ASK_EVERY_MS);
    }
    throw new Error("Nomad's ACL could not be bootstrapped");
  }

  /** Nomad tells nobody when it is ready, so it has to be asked. */
  private async untilReady(): Promise<void> {
    const deadlineMs = Date.now() + LEADS_WITHIN_MS;
    let last = "no answer";
    while (Date.now() < deadlineMs && this.child.exitCode === null) {
      try {
        const nodes = await this.call<readonly { readonly Status: string }[]>("GET", "/v1/nodes");
        if (nodes.some(({ Status }) => Status === "ready")) return;
        last = `nodes: ${JSON.stringify(nodes)}`;
      } catch (error) {
        last = (error as Error).message;
      }
      await pause(ASK_EVERY_MS);
    }
    throw new Error(`Nomad did not become ready: ${last}`);
  }
}
