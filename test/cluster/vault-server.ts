import { spawn, type ChildProcess } from "node:child_process";
import { openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { freePort } from "../../protocol/free-ports";

const ANSWERS_WITHIN_MS = 90_000;
const ROOT_TOKEN = "root-of-this-test";

/** A real Vault (or OpenBao) that keeps everything in memory, on a free port of loopback. */
export class VaultServer {
  readonly rootToken = ROOT_TOKEN;

  private constructor(
    readonly address: string,
    private readonly logFile: string,
    private readonly child: ChildProcess,
    private readonly exited: Promise<unknown>,
  ) {}

  static async start(program: string, folder: string): Promise<VaultServer> {
    const port = await freePort();
    const logFile = join(folder, "vault.log");
    const log = openSync(logFile, "a");
    const args = ["server", "-dev", `-dev-root-token-id=${ROOT_TOKEN}`, `-dev-listen-address=127.0.0.1:${port}`];
    // It writes its token to the home folder, which is somebody else's.
    const child = spawn(program, args, { env: { ...process.env, HOME: folder }, stdio: ["ignore", log, log] });
    const exited = new Promise((resolve) => child.once("exit", resolve));
    const server = new VaultServer(`http://127.0.0.1:${port}`, logFile, child, exited);
    const deadlineMs = Date.now() + ANSWERS_WITHIN_MS;
    while (Date.now() < deadlineMs && child.exitCode === null) {
      const answer = await fetch(`${server.address}/v1/sys/health`).catch(() => undefined);
      if (answer?.status === 200) return server;
      await pause(100);
    }
    await server.stop();
    throw new Error(`Vault did not become ready: ${readFileSync(logFile, "utf8").slice(-2000)}`);
  }

  async call<T>(method: "GET" | "POST" | "DELETE", path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${this.address}/v1/${path}`, {
      method,
      headers: { "x-vault-token": ROOT_TOKEN },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }

  /** It answers, and gives nothing out: as after a start that nobody has unsealed. */
  async seal(): Promise<void> {
    await this.call("POST", "sys/seal");
  }

  async unseal(): Promise<void> {
    const [, key] = /Unseal Key: (\S+)/.exec(readFileSync(this.logFile, "utf8")) ?? [];
    if (key === undefined) throw new Error(`${this.logFile} has no unseal key`);
    await this.call("POST", "sys/unseal", { key });
  }

  async stop(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.exited;
  }
}
