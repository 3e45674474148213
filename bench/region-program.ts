/**
 * A region of virtual servers, or a part of it: the real controller on an engine double, real agents with their journals
 * on gate doubles. What shares this process talks over pipes, what does not over sockets; the messages are the same.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import pino from "pino";
import type { AgentConfig } from "../agent/agent-config";
import { nodeWorld } from "../agent/node-world";
import { startAgent, type RunningAgent } from "../agent/start-agent";
import type { ControllerConfig } from "../controller/controller-config";
import { startController, type RunningController } from "../controller/start-controller";
import { systemClock, wallClock } from "../protocol/clock";
import { agentControllerPair } from "../protocol/memory-channel";
import { answerParent } from "./child-program";
import { profileCpu } from "./cpu-profile";
import type { SdkAddress } from "./sdk-clients-program";
import { VirtualEngine } from "./virtual-engine";
import { type Entry, VirtualSdk } from "./virtual-sdk";

export interface RegionProgramConfig {
  readonly controller?: ControllerConfig;
  readonly agents: readonly AgentConfig[];
  /** All nodes of the region, whichever process their agents run in. */
  readonly nodeIds: readonly string[];
  /** Where the engines of several controllers have their servers in common. */
  readonly engineDir?: string;
}

export interface Lag {
  readonly p99Ms: number;
  readonly maxMs: number;
}

const HEARTBEAT_MS = 2000;
const LAG_RESOLUTION_MS = 10;

const log = pino({ level: process.env["BENCH_LOG"] ?? "warn" }, pino.destination(2));
let engine: VirtualEngine | undefined;
let controller: RunningController | undefined;
const agents: RunningAgent[] = [];
const sdk = new VirtualSdk(HEARTBEAT_MS);

async function start(config: RegionProgramConfig): Promise<void> {
  if (config.controller) {
    const virtual = new VirtualEngine(config.nodeIds, config.engineDir);
    engine = virtual;
    controller = await startController(config.controller, {
      clock: systemClock,
      wallClock,
      log: log.child({ program: "controller" }),
      env: {},
      version: "0.0.0",
      connectEngine: () => Promise.resolve(virtual),
    });
  }
  for (const agent of config.agents) agents.push(await startOne(agent));
}

function startOne(config: AgentConfig): Promise<RunningAgent> {
  const beside = controller;
  return startAgent(config, {
    ...nodeWorld(systemClock, log.child({ program: config.nodeId })),
    agentVersion: "0.0.0",
    dialGate: (onChannel) => {
      const channel = sdk.dial();
      onChannel(channel);
      return { close: () => channel.close() };
    },
    ...(beside && {
      dialControllers: (onChannel) => {
        const pipe = agentControllerPair();
        beside.acceptAgent(pipe.controller);
        onChannel(pipe.agent);
        return { close: () => pipe.agent.close() };
      },
    }),
  });
}

/** How a server finds its gate: for SDKs in another process. */
function sdkAddresses(): SdkAddress[] {
  return [...(engine?.current() ?? [])].map(({ serverId, ports, meta }) => ({
    serverId,
    url: `http://127.0.0.1:${String(ports["sdk"])}`,
    token: meta["sdkToken"] ?? "",
  }));
}

function nodeDown({ nodeId }: { readonly nodeId: string }): void {
  engine?.loseNode(nodeId);
}

const delay = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });

/** How late this process's event loop was since it was asked last, in milliseconds: what a timer waits beyond its time. */
function lag(): Lag {
  const of = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - LAG_RESOLUTION_MS);
  const lag = { p99Ms: of(delay.percentile(99)), maxMs: of(delay.max) };
  delay.reset();
  delay.enable();
  return lag;
}

async function close(): Promise<void> {
  await controller?.close();
  for (const agent of agents) await agent.close();
  sdk.close();
}

let endProfile: ((file: string) => Promise<void>) | undefined;

async function profile(): Promise<void> {
  endProfile = await profileCpu();
}

async function profiled({ file }: { readonly file: string }): Promise<void> {
  await endProfile?.(file);
}

const join = (entries: readonly Entry[]): Promise<number> => sdk.join(entries);
const leave = (entries: readonly Entry[]): void => sdk.leave(entries);

answerParent({ start, sdkAddresses, nodeDown, profile, profiled, lag, join, leave }, close);
