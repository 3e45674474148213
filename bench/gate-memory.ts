/**
 * What one gate costs: its memory with nothing open, with 100 and with 1,000 game servers, each with a port of its own,
 * an SDK stream, and a heartbeat every two seconds over a connection that it keeps. The gate runs as it does on a node: a
 * program of its own, bundled, with its agent on a Unix socket. Prints and judges nothing. Linux only.
 *
 *   npx tsx bench/gate-memory.ts [--servers 0,100,1000] [--seconds 20]
 */
import { Agent, request, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { GateConfig } from "../agent/gate/gate-config";
import { TestStream } from "../agent/gate/test-agent";
import type { Channel } from "../protocol/channel";
import { systemClock } from "../protocol/clock";
import { agentGateCodec } from "../protocol/codec";
import type { FromGate, ToGate } from "../protocol/gate-messages";
import { dialSocket } from "../protocol/socket-dialler";
import { bundle } from "./bundle";
import { runInFolder } from "./in-folder";
import { PlainProgram } from "./plain-program";

const SECRET = "the-shared-secret-of-this-benchmark";
const HEARTBEAT_MS = 2000;

const { values } = parseArgs({
  options: { servers: { type: "string", default: "0,100,1000" }, seconds: { type: "string", default: "20" } },
});

interface Measured {
  readonly servers: number;
  /** MiB. */
  readonly rss: number;
  readonly pss: number;
  /** Calls answered a second, and how much of one core the gate used for them and its streams. */
  readonly calls: number;
  readonly core: number;
}

async function measure(servers: number, program: string, folder: string): Promise<Measured> {
  const agentSocket = join(folder, `gate-${servers}.sock`);
  const config = join(folder, `gate-${servers}.json`);
  const gateConfig: GateConfig = { agentSocket, secrets: { kind: "inline", shared: SECRET }, logLevel: "warn" };
  const gate = PlainProgram.start("gate", program, config, gateConfig);
  const agent = new BenchAgent(agentSocket);
  const closing = new AbortController();
  try {
    const ports = await agent.open(servers);
    const streams = await inTurn(ports, (port, n) => TestStream.open(port, `token-${n}`));
    let answered = 0;
    const beating = ports.map((port, n) => heartbeats(port, `token-${n}`, closing.signal, () => answered++));
    await pause((Number(values.seconds) * 1000) / 2);
    const before = { answered, cpuMs: gate.cpuMs() };
    await pause((Number(values.seconds) * 1000) / 2);
    const half = Number(values.seconds) / 2;
    const memory = gate.memory();
    const result = {
      servers,
      ...memory,
      calls: (answered - before.answered) / half,
      core: (gate.cpuMs() - before.cpuMs) / half / 1000,
    };
    closing.abort();
    await Promise.all([...beating, ...streams.map((stream) => stream.close())]);
    return result;
  } finally {
    agent.close();
    await gate.stop();
  }
}

/** Opens ports and says yes to every call. */
class BenchAgent {
  readonly #opened = new Map<string, (port: number) => void>();
  readonly #channel: Promise<Channel<ToGate, FromGate>>;
  #close = (): void => undefined;

  constructor(socket: string) {
    this.#channel = new Promise((resolve) => {
      const options = { codec: agentGateCodec, secret: SECRET, clock: systemClock, random: Math.random };
      const dialling = dialSocket<ToGate, FromGate>(socket, options, (channel) => {
        channel.onMessage((message) => {
          if (message.type === "call") channel.send({ type: "answer", id: message.id, status: 200, body: {} });
          if (message.type === "opened") this.#opened.get(message.serverId)?.(message.port);
          if (message.type === "streamOpened") {
            const data = { serverId: message.serverId, state: "ready", labels: {}, players: [] };
            channel.send({ type: "push", serverId: message.serverId, event: "gameserver", data });
          }
        });
        resolve(channel);
      });
      this.#close = () => dialling.close();
    });
  }

  async open(servers: number): Promise<number[]> {
    const channel = await this.#channel;
    const names = Array.from({ length: servers }, (_, n) => n);
    return inTurn(names, (n) => {
      const opened = new Promise<number>((resolve) => this.#opened.set(`server-${n}`, resolve));
      channel.send({ type: "open", serverId: `server-${n}`, allocationId: "bench", port: 0, token: `token-${n}` });
      return opened;
    });
  }

  close(): void {
    this.#close();
  }
}

async function heartbeats(port: number, token: string, signal: AbortSignal, onAnswer: () => void): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  await pause(Math.random() * HEARTBEAT_MS);
  while (!signal.aborted) {
    await new Promise<void>((resolve, reject) => {
      const headers = { authorization: `Bearer ${token}` };
      const sent = request({ host: "127.0.0.1", port, method: "POST", path: "/v1/health", headers, agent });
      sent.on("error", reject);
      sent.on("response", (answer: IncomingMessage) => answer.resume().on("end", resolve));
      sent.end("{}");
    });
    onAnswer();
    await pause(HEARTBEAT_MS);
  }
  agent.destroy();
}

/** A few at a time: a thousand connections at once would measure the backlog. */
async function inTurn<T, R>(items: readonly T[], each: (item: T, index: number) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let from = 0; from < items.length; from += 50) {
    const some = items.slice(from, from + 50);
    results.push(...(await Promise.all(some.map((item, index) => each(item, from + index)))));
  }
  return results;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

runInFolder(async (folder) => {
  const { gate: program } = await bundle(folder, { gate: "agent/gate/main.ts" });
  console.log("servers  rss MiB  pss MiB  calls/s   core");
  for (const servers of values.servers.split(",").map(Number)) {
    const { rss, pss, calls, core } = await measure(servers, program, folder);
    const numbers = [rss.toFixed(1), pss.toFixed(1), calls.toFixed(0), core.toFixed(3)];
    console.log(`${String(servers).padStart(7)} ${numbers.map((text) => text.padStart(8)).join("")}`);
  }
});
