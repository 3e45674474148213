import { spawn, type ChildProcess } from "node:child_process";
import { openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { freePorts } from "../../cli/up/free-ports";

const LEADS_WITHIN_MS = 60_000;
const ASK_EVERY_MS = 200;

/** A real Nomad agent in development mode: server and client in one, on free ports of loopback. */
export class NomadAgent {
  private constructor(
    readonly address: string,
    private readonly child: ChildProcess,
    private readonly exited: Promise<unknown>,
  ) {}

  /** @param more configuration beside the usual */
  static async start(nomad: string, folder: string, more = ""): Promise<NomadAgent> {
    const [http, rpc, serf] = await freePorts(3);
    const configFile = join(folder, "agent.hcl");
    const logFile = join(folder, "nomad.log");
    // Cloud fingerprinters would ask addresses off this machine.
    writeFileSync(
      configFile,
      `ports {
  http = ${http}
  rpc  = ${rpc}
  serf = ${serf}
}
disable_update_check = true
client { options = { "fingerprint.denylist" = "env_aws,env_gce,env_azure,env_digitalocean" } }
${more}`,
    );
    const env = { ...process.env };
    delete env["AWS_CA_BUNDLE"];
    const log = openSync(logFile, "a");
    const args = ["agent", "-dev", "-bind", "127.0.0.1", "-config", configFile, "-log-level", "WARN"];
    const child = spawn(nomad, args, { env, stdio: ["ignore", log, log] });
    const exited = new Promise((resolve) => child.once("exit", resolve));
    const agent = new NomadAgent(`http://127.0.0.1:${http}`, child, exited);
    try {
      await agent.untilReady();
    } catch (error) {
      await agent.stop();
      throw new Error(`${(error as Error).message}\n${readFileSync(logFile, "utf8").slice(-2000)}`, { cause: error });
    }
    return agent;
  }

  async call<T>(method: "GET" | "PUT", path: string, body?: unknown): Promise<T> {
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
    const response = await fetch(`${this.address}${path}`, init);
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }

  async stop(): Promise<void> {
    this.child.kill("SIGINT");
    const kill = setTimeout(() => this.child.kill("SIGKILL"), 20_000);
    await this.exited;
    clearTimeout(kill);
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
