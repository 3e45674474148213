import { execFile, execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, delimiter, join } from "node:path";
import { mountsBelow } from "../../infra/local/leftovers";
import { ROOT } from "../e2e/run-folder";
import { ConsulAgent } from "./consul-agent";
import { NomadAgent } from "./nomad-agent";
import { findPart } from "./real-parts";
import { VaultServer } from "./vault-server";

const PARTS = { nomad: findPart("nomad"), consul: findPart("consul"), vault: findPart("vault") ?? findPart("bao") };

/** What of the real programs somebody else's cluster needs. */
export const OTHERS_PROGRAMS = {
  available: Object.values(PARTS).every((file) => file !== undefined) && process.getuid?.() === 0,
  reason: "nomad, consul, or vault or bao is neither on PATH nor in Forge's cache, or this is not root",
};

/**
 * A cluster that Forge has no part in: real Nomad and Consul, both with ACL, and a real Vault or OpenBao, started by their own plain
 * means, with a job, a key and a secret of their owner.
 */
export class OthersCluster {
  private constructor(
    readonly folder: string,
    readonly nomad: NomadAgent,
    readonly consul: ConsulAgent,
    readonly vault: VaultServer,
    private readonly tokens: { readonly nomad: string; readonly consul: string },
    private readonly files: Server,
  ) {}

  /** @param programs files that game servers of the `exec` driver run, beside Node */
  static async start(programs: readonly string[]): Promise<OthersCluster> {
    const folder = mkdtempSync(join(tmpdir(), "forge-others-"));
    const tokens = { nomad: randomUUID(), consul: randomUUID() };
    const client = `node_class = "games"\n  ${chrootOf(programs)}`;
    const [nomad, consul, vault] = await Promise.all([
      NomadAgent.start(PARTS.nomad ?? "", folder, "", { client, managementToken: tokens.nomad }),
      ConsulAgent.start(PARTS.consul ?? "", folder, { managementToken: tokens.consul }),
      VaultServer.start(PARTS.vault ?? "", folder),
    ]);
    const cluster = new OthersCluster(folder, nomad, consul, vault, tokens, await serveDist());
    await cluster.furnish();
    return cluster;
  }

  /** Where its nodes can fetch Forge's programs. */
  get artifacts(): string {
    return `http://127.0.0.1:${(this.files.address() as AddressInfo).port}`;
  }

  /** What its administrator has set. */
  get administrator(): Readonly<Record<string, string>> {
    return {
      NOMAD_ADDR: this.nomad.address,
      NOMAD_TOKEN: this.tokens.nomad,
      CONSUL_HTTP_ADDR: this.consul.address,
      CONSUL_HTTP_TOKEN: this.tokens.consul,
      VAULT_ADDR: this.vault.address,
      VAULT_TOKEN: this.vault.rootToken,
    };
  }

  /** The administrator runs a shell script. @returns what it printed @throws {Error} with what it said */
  sh(script: string): Promise<string> {
    const bin = join(this.folder, "bin");
    mkdirSync(bin, { recursive: true });
    for (const [name, file] of Object.entries(PARTS)) {
      const link = join(bin, name);
      rmSync(link, { force: true });
      if (file !== undefined) symlinkSync(file, link);
    }
    const path = [bin, process.env["PATH"]].join(delimiter);
    const env = { PATH: path, HOME: this.folder, ...this.administrator };
    return new Promise((resolve, reject) => {
      const child = execFile("sh", ["-s"], { env, timeout: 120_000 }, (error, stdout, stderr) =>
        error === null ? resolve(stdout) : reject(new Error(`${stderr}\n${stdout}`)),
      );
      child.stdin?.end(script);
    });
  }

  /** All that is in the three systems, by name, whoever made it. */
  async contents(): Promise<Readonly<Record<string, readonly string[]>>> {
    const { nomad, consul, vault } = this;
    const ids = async (path: string, key: string) =>
      (await nomad.call<readonly Record<string, string>[]>("GET", path)).map((item) => item[key] ?? "").sort();
    const services = await consul.call<object>("GET", "/v1/catalog/services");
    return {
      jobs: await ids("/v1/jobs?namespace=*", "ID"),
      variables: await ids("/v1/vars?namespace=*", "Path"),
      keys: await consul.call<readonly string[]>("GET", "/v1/kv/?keys"),
      services: Object.keys(services).sort(),
      secrets: await secretsIn(vault, "secret/metadata"),
    };
  }

  async stop(): Promise<void> {
    this.files.close();
    await Promise.all([this.nomad.stop(), this.consul.end(), this.vault.stop()]);
    // What a client leaves mounted when it ends while tasks of `exec` are there.
    for (const point of mountsBelow(this.folder)) execFileSync("umount", ["-l", point], { stdio: "ignore" });
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Things of its owner, which have to be there in the end. */
  private async furnish(): Promise<void> {
    const task = { Name: "t", Driver: "raw_exec", Config: { command: "/bin/sleep", args: ["3600"] } };
    const Job = { ID: "their-job", Type: "service", TaskGroups: [{ Name: "g", Tasks: [task] }] };
    await this.nomad.call("PUT", "/v1/jobs", { Job });
    const path = "nomad/jobs/their-job";
    await this.nomad.call("PUT", `/v1/var/${path}`, { Path: path, Items: { a: "b" } });
    await this.consul.call("PUT", "/v1/kv/theirs", "x");
    await this.vault.call("POST", "secret/data/theirs", { data: { a: "b" } });
  }
}

async function secretsIn(vault: VaultServer, path: string): Promise<readonly string[]> {
  const { data } = await vault.call<{ readonly data: { readonly keys: readonly string[] } }>(
    "GET",
    `${path}?list=true`,
  );
  return data.keys;
}

/** All that the programs need to run, so that `exec` copies that and not the whole system for each task. */
function chrootOf(programs: readonly string[]): string {
  const libraries = execFileSync("ldd", [process.execPath], { encoding: "utf8" }).match(/\/\S+/g) ?? [];
  const files = ["/bin/sleep", process.execPath, ...libraries, ...programs];
  const lines = files.map((file) => `${JSON.stringify(realpathSync(file))} = ${JSON.stringify(file)}`);
  return `chroot_env { ${lines.join("\n    ")} }`;
}

/** A plain web server with what was built, as an administrator might put it up. */
async function serveDist(): Promise<Server> {
  const server = createServer((request, response) => {
    try {
      response.end(readFileSync(join(ROOT, "dist", basename(request.url ?? ""))));
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}
