import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { GateLimits } from "../../agent/gate/limits";
import type { AllocatorOptions } from "../../controller/agones/allocator-service";
import { AllocationClient, encoded, framed } from "../../controller/agones/testing/allocation-client";

const ROOT = join(__dirname, "..", "..");

/** A program of Forge's that others connect to, in a process of its own: what kills it, and what it holds, shows. */
export class Victim {
  private text = "";
  private readonly ended: Promise<unknown>;

  /** The gate with ports for two servers on Agones' SDK: one attacks, the other has to be served. */
  static gate(limits: Partial<GateLimits> = {}): Promise<Victim> {
    return Victim.start("gate-program.ts", limits, "/agones.dev.sdk.SDK/Reserve", new Uint8Array());
  }

  static allocator(options: Partial<AllocatorOptions> = {}): Promise<Victim> {
    const all: AllocatorOptions = { host: "127.0.0.1", port: 0, auth: { kind: "none" }, ...options };
    return Victim.start("allocator-program.ts", all, "/allocation.AllocationService/Allocate", encoded({}));
  }

  private static async start(program: string, argument: object, path: string, message: Uint8Array): Promise<Victim> {
    const args = ["--import", "tsx", join(__dirname, program), JSON.stringify(argument)];
    const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
    const [ports] = (await once(createInterface(child.stdout), "line")) as [string];
    const [port = 0, honestPort = 0] = ports.split(" ").map(Number);
    return new Victim(port, honestPort, child, path, message);
  }

  private constructor(
    /** That is attacked. */
    readonly port: number,
    /** Of those who are served throughout; the same where all come to one. */
    readonly honestPort: number,
    private readonly child: ChildProcess,
    /** A call that is answered with status 0, and its message. */
    readonly path: string,
    private readonly message: Uint8Array,
  ) {
    this.ended = once(child, "exit");
    child.stderr?.on("data", (chunk: Buffer) => (this.text += chunk.toString()));
  }

  /** What it has written to its standard error so far. */
  get complaints(): string {
    return this.text;
  }

  get alive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Open sockets, its listener among them. Linux only, as `residentMiB`. */
  get sockets(): number {
    const folder = `/proc/${this.child.pid}/fd`;
    return readdirSync(folder).filter((descriptor) => {
      try {
        return readlinkSync(join(folder, descriptor)).startsWith("socket:");
      } catch {
        return false;
      }
    }).length;
  }

  get residentMiB(): number {
    const status = readFileSync(`/proc/${this.child.pid}/status`, "utf8");
    return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024;
  }

  connect(port: number): Promise<AllocationClient> {
    return AllocationClient.connect(`http://127.0.0.1:${port}`);
  }

  /** @throws {Error} where an honest call over this connection is not answered as it should be */
  async serves(client: AllocationClient): Promise<void> {
    const { status, message } = await client.send(this.path, framed(this.message));
    if (status !== 0) throw new Error(`an honest call was answered with status ${status}: ${message}`);
  }

  async stop(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.ended;
  }
}
