/**
 * How many grants a second one agent answers, each journaled before its answer: seats of one player on servers that
 * fill up, and release when they are full. The controller's side keeps a number of requests under way.
 *
 * `memory`: both in one process, over a pipe. `socket`: the agent in a process of its own, over a Unix socket.
 *
 *   npx tsx bench/agent-grants.ts [--seconds 5] [--under-way 64] [--servers 100] [--seats 100]
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { Agent } from "../agent/agent";
import { expectedServer, seatRequest } from "../agent/test-node";
import type { Channel } from "../protocol/channel";
import { systemClock } from "../protocol/clock";
import { agentCodec, agentGateCodec, controllerCodec, gateCodec } from "../protocol/codec";
import type { FromGate, ToGate } from "../protocol/gate-messages";
import { agentControllerPair, gateAgentPair } from "../protocol/memory-channel";
import type { Ack, FromAgent, FromController, RequestBody } from "../protocol/messages";
import { dialSocket } from "../protocol/socket-dialler";
import { listenSocket } from "../protocol/socket-listener";
import { runInFolder } from "./in-folder";

type ControllerEnd = Channel<FromController, FromAgent>;
type GateEnd = Channel<FromGate, ToGate>;

const SECRET = "the-secret-of-this-benchmark";
const WARM_UP_SECS = 2;

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "5" },
    "under-way": { type: "string", default: "64" },
    servers: { type: "string", default: "100" },
    seats: { type: "string", default: "100" },
    agent: { type: "string" },
  },
});
const seconds = Number(values.seconds);
const underWay = Number(values["under-way"]);
const serverCount = Number(values.servers);
const seatCount = Number(values.seats);

function startAgent(journalDir: string): Promise<Agent> {
  const quiet = (): void => undefined;
  return Agent.start({
    nodeId: "bench",
    region: "bench",
    bootId: "bench",
    agentVersion: "0.0.0",
    node: { address: "127.0.0.1", cpu: 1000, memory: 1000, limits: { cpu: false, memory: false, detail: "none" } },
    journalDir,
    disk: fs,
    clock: systemClock,
    ticketSecret: SECRET,
    startProbes: () => ({ stop: () => Promise.resolve() }),
    processStarted: () => "then",
    log: { debug: quiet, info: quiet, warn: console.error, error: console.error },
  });
}

/** Says ready for every server that the agent opens a port for. */
function actAsGate(channel: GateEnd): void {
  let id = 0;
  channel.onMessage((message) => {
    if (message.type !== "open") return;
    channel.send({
      type: "call",
      id: ++id,
      serverId: message.serverId,
      method: "POST",
      path: "/v1/ready",
      query: {},
      body: {},
    });
  });
  channel.send({ type: "gateHello", protocol: 1, gateVersion: "bench", servers: [] });
}

class Requester {
  private readonly waiting = new Map<number, (ack: Ack) => void>();
  private lastId = 0;
  private ready = 0;
  private onReady: () => void = () => undefined;

  constructor(private readonly channel: ControllerEnd) {}

  async start(): Promise<void> {
    const connected = new Promise<void>((resolve) => {
      this.channel.onMessage((message) => {
        if (message.type === "ack") {
          this.waiting.get(message.id)?.(message);
          this.waiting.delete(message.id);
        } else if (message.type === "hello") {
          this.channel.send({
            type: "welcome",
            protocol: 1,
            controllerId: "c",
            region: "bench",
            leader: true,
            epoch: 1,
          });
        } else if (message.type === "snapshot") resolve();
        else if (message.type === "report") {
          this.ready += message.events.filter(({ kind }) => kind === "ready").length;
          this.onReady();
        }
      });
    });
    await connected;
    const allReady = new Promise<void>((resolve) => {
      this.onReady = () => {
        if (this.ready >= serverCount) resolve();
      };
    });
    for (let i = 0; i < serverCount; i++) {
      const server = expectedServer({
        serverId: `s${i}`,
        maxPlayers: seatCount,
        health: { ...expectedServer().health, intervalMs: 1e9 },
      });
      await this.ask({ kind: "expect", server });
    }
    await allReady;
  }

  ask(body: RequestBody): Promise<Ack> {
    const id = ++this.lastId;
    this.channel.send({ type: "request", id, epoch: 1, body });
    return new Promise((resolve) => this.waiting.set(id, resolve));
  }
}

interface Result {
  readonly grants: number;
  readonly seconds: number;
  readonly refused: number;
  readonly p50: number;
  readonly p99: number;
}

async function load(requester: Requester, forSecs: number): Promise<Result> {
  const latencies: number[] = [];
  let refused = 0;
  let next = 0;
  const begin = performance.now();
  const end = begin + forSecs * 1000;
  const held: { readonly sessionId: string; readonly generation: number }[][] = Array.from(
    { length: serverCount },
    () => [],
  );
  const caller = async (): Promise<void> => {
    while (performance.now() < end) {
      const index = next++ % serverCount;
      const on = { serverId: `s${index}`, allocationId: "a1" };
      const full = held[index];
      if (full && full.length >= seatCount - underWay / serverCount - 2) {
        held[index] = [];
        await requester.ask({ kind: "release", ...on, seats: full, reason: "bench" });
      }
      const seat = seatRequest(`session-${begin.toFixed()}-${next}`, {}, { latencies: { "us-east": 20 }, party: [] });
      const from = performance.now();
      const ack = await requester.ask({ kind: "grant", ...on, seats: [seat], leaseMs: 1e9 });
      latencies.push(performance.now() - from);
      if (ack.ok) held[index]?.push(seat);
      else refused += 1;
    }
  };
  await Promise.all(Array.from({ length: underWay }, caller));
  for (const [index, seats] of held.entries()) {
    await requester.ask({ kind: "release", serverId: `s${index}`, allocationId: "a1", seats, reason: "bench" });
  }
  latencies.sort((a, b) => a - b);
  const at = (share: number): number => latencies[Math.floor((latencies.length - 1) * share)] ?? NaN;
  return {
    grants: latencies.length,
    seconds: (performance.now() - begin) / 1000,
    refused,
    p50: at(0.5),
    p99: at(0.99),
  };
}

async function measured(name: string, requester: Requester): Promise<void> {
  await requester.start();
  await load(requester, WARM_UP_SECS);
  const cpuBefore = process.cpuUsage();
  const { grants, seconds: took, refused, p50, p99 } = await load(requester, seconds);
  const { user, system } = process.cpuUsage(cpuBefore);
  const cpu = (user + system) / 1e6 / took;
  console.log(
    `${name.padEnd(8)} ${Math.round(grants / took)} grants/s  p50 ${p50.toFixed(2)} ms  p99 ${p99.toFixed(2)} ms  ` +
      `${refused} refused  ${cpu.toFixed(2)} cores in the controller's process`,
  );
}

async function overMemory(folder: string): Promise<void> {
  const agent = await startAgent(join(folder, "memory"));
  const gate = gateAgentPair();
  agent.attachGate(gate.agent);
  actAsGate(gate.gate);
  const { agent: agentEnd, controller } = agentControllerPair();
  agent.attachController(agentEnd);
  await measured("memory", new Requester(controller));
  await agent.close();
}

async function overSocket(folder: string): Promise<void> {
  const options = { secret: SECRET, clock: systemClock };
  const gates = await listenSocket(join(folder, "gate.sock"), { ...options, codec: gateCodec }, actAsGate);
  let listener: { close(): Promise<void> } | undefined;
  const channel = new Promise<ControllerEnd>((resolve) => {
    void listenSocket(join(folder, "c.sock"), { ...options, codec: controllerCodec }, resolve).then(
      (l) => (listener = l),
    );
  });
  const child = fork(__filename, ["--agent", folder], { execArgv: process.execArgv });
  await measured("socket", new Requester(await channel));
  child.disconnect();
  await once(child, "exit");
  await listener?.close();
  await gates.close();
}

/** The agent's process of `overSocket`: ends with its parent. */
async function beAgent(folder: string): Promise<void> {
  const agent = await startAgent(join(folder, "socket"));
  const options = { secret: SECRET, clock: systemClock, random: Math.random };
  const gate = dialSocket(join(folder, "gate.sock"), { ...options, codec: agentGateCodec }, (c) => agent.attachGate(c));
  const controller = dialSocket(join(folder, "c.sock"), { ...options, codec: agentCodec }, (c) =>
    agent.attachController(c),
  );
  await once(process, "disconnect");
  await agent.close();
  gate.close();
  controller.close();
}

if (values.agent !== undefined) void beAgent(values.agent);
else
  runInFolder(async (folder) => {
    console.log(
      `${serverCount} servers of ${seatCount} seats, ${underWay} requests under way, journal on, ${seconds} s each`,
    );
    await overMemory(folder);
    await overSocket(folder);
  });
