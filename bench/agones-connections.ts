/**
 * What so many connections of Agones' SDK cost one gate: each a game server's own port with a gRPC connection, a Health
 * stream that pings, and a watcher. Memory and CPU of the gate, and the lag of pings: from the client's write to the
 * agent's hearing of it. The gate is a program of its own, bundled, with its agent on a Unix socket. Beside it, where
 * `agones-sdk-server` is in the cache, one of Agones' own with one such client: it stands beside every game server, and
 * asks for 30m of a core (`sidecar.requests.cpu` of its chart). Linux only. Prints and judges nothing.
 *
 *   npx tsx bench/agones-connections.ts [--servers 1000] [--period 5] [--seconds 30]
 */
import { credentials, makeGenericClientConstructor, type Client } from "@grpc/grpc-js";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { GateConfig } from "../agent/gate/gate-config";
import { systemClock } from "../protocol/clock";
import { agentGateCodec } from "../protocol/codec";
import type { Channel } from "../protocol/channel";
import type { FromGate, ToGate } from "../protocol/gate-messages";
import { dialSocket } from "../protocol/socket-dialler";
import { findPart } from "../test/cluster/real-parts";
import { bundle } from "./bundle";
import { cpuMsOf, memoryOf } from "./child-program";
import { distribution } from "./distribution";
import { freePorts } from "../protocol/free-ports";
import { machineLine } from "./machine";
import { PlainProgram } from "./plain-program";

const SECRET = "the-shared-secret-of-this-benchmark";
const HEALTH = "/agones.dev.sdk.SDK/Health";
const WATCH = "/agones.dev.sdk.SDK/WatchGameServer";
const { values } = parseArgs({
  options: {
    servers: { type: "string", default: "1000" },
    period: { type: "string", default: "5" },
    seconds: { type: "string", default: "30" },
  },
});
const servers = Number(values.servers);
const periodMs = Number(values.period) * 1000;
const secs = Number(values.seconds);

/** One game server as its SDK has it: a connection, a stream of pings, a watcher. */
class SdkClient {
  readonly #client: Client;
  readonly #pings: { write(message: Buffer): boolean; cancel(): void };
  readonly #watch: { cancel(): void };
  #timer: NodeJS.Timeout | undefined;

  constructor(port: number) {
    const as = (bytes: Buffer): Buffer => bytes;
    const options = { "grpc.use_local_subchannel_pool": 1 };
    this.#client = new (makeGenericClientConstructor({}, "sdk"))(
      `127.0.0.1:${port}`,
      credentials.createInsecure(),
      options,
    );
    const pings = this.#client.makeClientStreamRequest(HEALTH, as, as, () => undefined);
    const watch = this.#client.makeServerStreamRequest(WATCH, as, as, Buffer.alloc(0));
    for (const stream of [pings, watch]) stream.on("error", () => undefined);
    watch.on("data", () => undefined);
    this.#pings = pings;
    this.#watch = watch;
  }

  beat(onPing: () => void): void {
    const ping = (): void => {
      onPing();
      this.#pings.write(Buffer.alloc(0));
      this.#timer = setTimeout(ping, periodMs);
    };
    // Not all in the same moment, as they are not started in it either.
    this.#timer = setTimeout(ping, Math.random() * periodMs);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#pings.cancel();
    this.#watch.cancel();
    this.#client.close();
  }
}

/** Opens ports, shows each watcher a state, and notes when a Health comes. */
class BenchAgent {
  onHealth: (serverId: string) => void = () => undefined;
  readonly #opened = new Map<string, (port: number) => void>();
  readonly #channel: Promise<Channel<ToGate, FromGate>>;
  #close = (): void => undefined;

  constructor(socket: string) {
    this.#channel = new Promise((resolve) => {
      const options = { codec: agentGateCodec, secret: SECRET, clock: systemClock, random: Math.random };
      const dialling = dialSocket<ToGate, FromGate>(socket, options, (channel) => {
        channel.onMessage((message) => this.#hear(channel, message));
        resolve(channel);
      });
      this.#close = () => dialling.close();
    });
  }

  get connected(): Promise<unknown> {
    return this.#channel;
  }

  async open(serverId: string): Promise<number> {
    const channel = await this.#channel;
    const opened = new Promise<number>((resolve) => this.#opened.set(serverId, resolve));
    channel.send({ type: "open", serverId, allocationId: "bench", port: 0, token: "token", sdk: "agones" });
    return opened;
  }

  close(): void {
    this.#close();
  }

  #hear(channel: Channel<ToGate, FromGate>, message: FromGate): void {
    if (message.type === "opened") this.#opened.get(message.serverId)?.(message.port);
    if (message.type === "call") {
      if (message.path === HEALTH) this.onHealth(message.serverId);
      channel.send({ type: "answer", id: message.id, status: 200, body: {} });
    }
    if (message.type === "watchers") {
      const { serverId } = message;
      channel.send({
        type: "agonesState",
        serverId,
        gameServer: { object_meta: { name: serverId }, status: { state: "Ready" } },
      });
    }
  }
}

async function onGate(folder: string): Promise<void> {
  const { gate: program } = await bundle(folder, { gate: "agent/gate/main.ts" });
  const agentSocket = join(folder, "gate.sock");
  const config: GateConfig = { agentSocket, secrets: { kind: "inline", shared: SECRET }, logLevel: "warn" };
  const gate = PlainProgram.start("gate", program, join(folder, "gate.json"), config);
  const agent = new BenchAgent(agentSocket);
  try {
    const clients = new Map<string, SdkClient>();
    await agent.connected;
    const empty = gate.memory();
    for (let n = 0; n < servers; n++) clients.set(`server-${n}`, new SdkClient(await agent.open(`server-${n}`)));
    const sent = new Map<string, number>();
    const lags: number[] = [];
    agent.onHealth = (serverId) => {
      const at = sent.get(serverId);
      if (at !== undefined) lags.push(performance.now() - at);
      sent.delete(serverId);
    };
    for (const [serverId, client] of clients) client.beat(() => sent.set(serverId, performance.now()));
    await pause(2 * periodMs);
    lags.length = 0;
    const cpuMs = gate.cpuMs();
    await pause(secs * 1000);
    const core = (gate.cpuMs() - cpuMs) / secs / 1000;
    const { rss, pss } = gate.memory();
    const { p50, p99, max } = distribution(lags);
    console.log(
      `gate, ${servers} connections with pings each ${values.period} s and a watcher: ${rss.toFixed(0)} MiB RSS, ${pss.toFixed(0)} MiB PSS ` +
        `(${empty.rss.toFixed(0)} and ${empty.pss.toFixed(0)} with none), ${core.toFixed(3)} of a core, ${(((core * 1e6) / lags.length) * secs).toFixed(0)} µs a ping, ` +
        `${lags.length} pings, lag p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, max ${max.toFixed(1)} ms`,
    );
    for (const client of clients.values()) client.close();
  } finally {
    agent.close();
    await gate.stop();
  }
}

async function onSidecar(program: string): Promise<void> {
  const [grpc = 0, http = 0, health = 0] = await freePorts(3);
  const ports = ["--grpc-port", String(grpc), "--http-port", String(http), "--health-port", String(health)];
  const sidecar = spawn(program, ["--local", "--address", "127.0.0.1", ...ports], { stdio: "ignore" });
  try {
    while ((await fetch(`http://127.0.0.1:${http}/gameserver`).catch(() => undefined)) === undefined) await pause(50);
    const client = new SdkClient(grpc);
    client.beat(() => undefined);
    await pause(2 * periodMs);
    const pid = sidecar.pid ?? NaN;
    const cpuMs = cpuMsOf(pid);
    await pause(secs * 1000);
    const { rss, pss } = memoryOf(pid);
    const core = (cpuMsOf(pid) - cpuMs) / secs / 1000;
    console.log(
      `one of Agones' SDK servers, in its local mode, with one such client: ${rss.toFixed(0)} MiB RSS, ${pss.toFixed(0)} MiB PSS, ${core.toFixed(4)} of a core; ` +
        `${servers} of them ask for ${((servers * 30) / 1000).toFixed(0)} cores`,
    );
    client.close();
  } finally {
    await end(sidecar);
  }
}

async function end(child: ChildProcess): Promise<void> {
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 3000);
  await gone;
  clearTimeout(timer);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function main(): Promise<void> {
  console.log(machineLine());
  const folder = mkdtempSync(join(tmpdir(), "forge-bench-"));
  try {
    await onGate(folder);
    const program = findPart("agones-sdk-server");
    if (program !== undefined) await onSidecar(program);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  process.exit();
}

void main();
