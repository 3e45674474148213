import type { EngineServer, ServerExit, ServerLaunch } from "../controller/engine";
import { Agent } from "../agent/agent";
import type { AgentDeps } from "../agent/agent-deps";
import type { Finding } from "../agent/finding";
import type { Ack, FromAgent, Request } from "../protocol/messages";
import { streamToController, streamToGate } from "./agent-streams";
import type { ControllerHost } from "./controller-host";
import { VirtualDialling } from "./dialling";
import { VirtualDisk } from "./disk";
import { VirtualServer } from "./game-server";
import { VirtualGate } from "./gate";
import { JournalTruth } from "./journal-truth";
import type { Network } from "./network";
import type { NomadClient, VirtualNomad } from "./nomad";
import { Process } from "./process";
import type { Random } from "./random";

export interface NodeSurroundings {
  readonly region: string;
  readonly network: Network;
  readonly nomad: VirtualNomad;
  readonly controllers: () => readonly ControllerHost[];
  readonly ticketSecret: string;
  readonly seatsOf: (experienceId: string) => string | undefined;
  readonly onFailure: (where: string, error: unknown) => void;
  /** A controller asks something of the agent, which has acknowledged this epoch on the same stream; -1: none. */
  readonly onRequest: (node: VirtualNode, request: Request, acked: number) => void;
  /** The agent says something to a controller. */
  readonly onSaid: (node: VirtualNode, message: FromAgent) => void;
  /** The agent answers a request. */
  readonly onAck: (node: VirtualNode, request: Request, ack: Ack) => void;
  /** The agent lets the holder of a ticket in. */
  readonly onAdmission: (node: VirtualNode, serverId: string, ticket: string) => void;
  /** Told just before a server is stopped because somebody asked for it. */
  readonly onStop: (node: VirtualNode, server: VirtualServer) => void;
}

const JOURNAL_DIR = "/journal";
/** So small that it is written anew again and again, in many slices. */
const JOURNAL_LIMITS = { compactAfterBytes: 2 * 1024, sliceBytes: 1 };
const HEARTBEAT_MS = 1000;
const START_AGAIN_MS = 1000;
/** Agents say something each second. */
const STILL_HEARD_MS = 1500;
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** One machine: its disk, its agent (the real one), its gate, its game servers and Nomad's client. */
export class VirtualNode implements NomadClient {
  readonly disk: VirtualDisk;
  readonly truth = new JournalTruth();
  readonly servers = new Map<string, VirtualServer>();
  agentProcess: Process | undefined;
  agent: Agent | undefined;
  gate: VirtualGate | undefined;
  /** How much faster its clock is ahead, in milliseconds. */
  skewMs = 0;
  /** How many times slower everything on it starts. */
  slowness = 1;
  powered = true;
  /** It has told what is not so, or lost what it had written: what it promised before may not hold. */
  distrusted = false;
  /** Told once its power is gone, and with it the end of what it had written. */
  onPowerLost: () => void = () => undefined;
  /** Its agent says what is not so, as long as this twists its words. */
  lie: ((line: string) => string) | undefined;
  /** By controller: since when it has heard the agent on the stream that it has, and when it last did. */
  private readonly heardBy = new WeakMap<Process, { readonly sinceMs: number; lastMs: number }>();
  private boots = 0;
  private pids = 1000;
  private readonly pidOf = new Map<number, Process>();
  /** Ends that Nomad has to hear of. */
  private readonly ended = new Map<string, { readonly allocationId: string; readonly exit: ServerExit }>();
  private readonly probes = new Map<string, (finding: Finding) => void>();

  constructor(
    readonly nodeId: string,
    private readonly around: NodeSurroundings,
    private readonly random: Random,
  ) {
    this.disk = new VirtualDisk(random.fork("disk"));
    this.disk.onWritten = (path, content, anew) => {
      if (path.endsWith("seats.journal")) this.truth.become(content, anew);
    };
    this.beat();
  }

  get host(): string {
    return this.nodeId;
  }

  /** A controller has heard the agent. */
  heard(by: Process, anew: boolean): void {
    const { nowMs } = this.around.network.schedule;
    const before = this.heardBy.get(by);
    if (before && !anew && nowMs - before.lastMs < STILL_HEARD_MS) before.lastMs = nowMs;
    else this.heardBy.set(by, { sinceMs: nowMs, lastMs: nowMs });
  }

  /** Whether a controller has heard the agent all the time for so long. */
  isHeard(by: Process | undefined, forMs: number): boolean {
    const { nowMs } = this.around.network.schedule;
    const heard = by && this.heardBy.get(by);
    return heard !== undefined && nowMs - heard.sinceMs >= forMs && nowMs - heard.lastMs < STILL_HEARD_MS;
  }

  /** Starts what runs on every node. */
  boot(): void {
    this.powered = true;
    this.startGate();
    this.startAgent();
  }

  startGate(): void {
    if (!this.powered || this.gate?.process.alive) return;
    this.gate = new VirtualGate(this.process("gate"));
    this.connectGate();
  }

  startAgent(): void {
    if (!this.powered || this.agentProcess?.alive) return;
    const process = this.process(`agent-${String(++this.boots)}`);
    this.agentProcess = process;
    this.agent = undefined;
    Agent.start(this.agentDeps(process)).then(
      (agent) => {
        if (!process.alive) return;
        this.agent = agent;
        this.connectGate();
        for (const controller of this.around.controllers()) this.dial(process, agent, controller);
      },
      (error: unknown) => {
        // On a full disk it cannot start; whoever keeps it running tries again. Anything else is a fault.
        const full = (error as { readonly code?: string }).code === "ENOSPC";
        if (process.alive && !full) this.around.onFailure(`the agent of ${this.nodeId}`, error);
        process.end();
        if (full) this.around.network.schedule.after(START_AGAIN_MS, undefined, () => this.startAgent());
      },
    );
  }

  /** The agent ends in order, as in an upgrade. */
  async closeAgent(): Promise<void> {
    const { agent, agentProcess } = this;
    if (!agent || !agentProcess?.alive) return;
    await agent.close();
    agentProcess.end();
  }

  /** The machine is gone, with everything on it but its disk. */
  losePower(): void {
    this.powered = false;
    for (const process of [
      this.agentProcess,
      this.gate?.process,
      ...[...this.servers.values()].map((s) => s.process),
    ]) {
      if (!process) continue;
      process.silent = true;
      process.end();
    }
    const killed = { exitCode: undefined, signal: "SIGKILL" };
    for (const { server } of this.servers.values())
      this.ended.set(server.serverId, { allocationId: server.allocationId, exit: this.exitOf(killed, false) });
    this.servers.clear();
    this.disk.loseTail();
    this.distrusted = true;
    this.onPowerLost();
  }

  run(server: EngineServer, launch: ServerLaunch): void {
    if (!this.powered || this.servers.has(server.serverId)) return;
    const pid = this.pids++;
    const process = this.process(`server-${server.serverId}`);
    const seats = this.around.seatsOf(launch.experienceId) ?? "reported";
    const isMatch = seats === "match";
    const hostsMs =
      launch.experienceId === "lobby" ? this.random.fork(server.allocationId).between(1000, 9000) : undefined;
    const virtual = new VirtualServer(process, server, launch, Number(launch.meta.maxPlayers), isMatch, hostsMs, {
      gate: () => (this.gate?.process.alive ? this.gate : undefined),
    });
    this.servers.set(server.serverId, virtual);
    this.pidOf.set(pid, process);
    const bootMs = this.random.between(50, 400) * this.slowness;
    process.after(bootMs, () => {
      this.toNomad(`running ${server.serverId}`, () =>
        this.around.nomad.running(server.serverId, server.allocationId, { server: pid }),
      );
      if (isBad(launch.version)) this.kill(server.serverId, { exitCode: 1, signal: undefined }, false);
      else virtual.boot(bootMs);
    });
  }

  /** Nomad's client stops a server: its signal first, which ours obey. */
  stop(serverId: string): void {
    const server = this.servers.get(serverId);
    if (!server || !this.powered) return;
    this.around.onStop(this, server);
    this.kill(serverId, { exitCode: 0, signal: undefined }, true);
  }

  /** A server's process ends. */
  kill(serverId: string, how: Pick<ServerExit, "exitCode" | "signal">, requested: boolean): void {
    const server = this.servers.get(serverId);
    if (!server) return;
    this.servers.delete(serverId);
    server.process.end();
    const { allocationId } = server.server;
    const exit = this.exitOf(how, requested);
    this.ended.set(serverId, { allocationId, exit });
    this.toNomad(`exited ${serverId}`, () => this.around.nomad.exited(serverId, allocationId, exit));
    const report = this.probes.get(serverId);
    this.agentProcess?.after(this.random.between(20, 150), () =>
      report?.({ kind: "exited", reason: "its process has ended" }),
    );
  }

  private exitOf(how: Pick<ServerExit, "exitCode" | "signal">, requested: boolean): ServerExit {
    const atMs = Math.floor(this.around.network.schedule.nowMs);
    return { task: "server", outOfMemory: false, requested, atMs, ...how };
  }

  private process(name: string): Process {
    return new Process(`${this.nodeId}/${name}`, this.nodeId, this.around.network.schedule, () => this.skewMs);
  }

  private agentDeps(process: Process): AgentDeps {
    return {
      nodeId: this.nodeId,
      region: this.around.region,
      bootId: process.name,
      agentVersion: "sim",
      node: { address: "10.0.0.1", cpu: 8000, memory: 8192, limits: { cpu: true, memory: true, detail: "modelled" } },
      journalDir: JOURNAL_DIR,
      journalLimits: JOURNAL_LIMITS,
      disk: this.disk.for(process),
      clock: process.clock,
      ticketSecret: this.around.ticketSecret,
      startProbes: ({ serverId }, report) => {
        this.probes.set(serverId, report);
        return { stop: () => Promise.resolve() };
      },
      processStarted: (pid) => (this.pidOf.get(pid)?.alive ? `started-${String(pid)}` : undefined),
      log: quiet,
      // One agent a node is what the model starts; the lock is tried in tests of its own.
      lockFolder: () => Promise.resolve({ release: () => Promise.resolve() }),
      soon: process.soon,
    };
  }

  private connectGate(): void {
    const { agent, agentProcess, gate } = this;
    if (!agent || !agentProcess?.alive || !gate?.process.alive) return;
    const [gateEnd, agentEnd] = streamToGate(this, gate.process, agentProcess, this.around);
    agent.attachGate(agentEnd);
    gate.attach(gateEnd);
  }

  private dial(process: Process, agent: Agent, controller: ControllerHost): void {
    const { network } = this.around;
    const dialling = new VirtualDialling({
      network,
      random: this.random,
      host: this.host,
      process,
      controller,
      connect: (to) => streamToController(this, process, to, this.around),
      attach: (agentEnd, line) => agent.attachController(agentEnd, line),
    });
    dialling.dial();
  }

  private beat(): void {
    if (this.powered) {
      const runs = [...this.servers.keys()];
      const ended = [...this.ended];
      const tell = (): void => {
        // An end that could not be told when it came is told now.
        for (const [serverId, { allocationId, exit }] of ended) {
          this.around.nomad.exited(serverId, allocationId, exit);
          this.ended.delete(serverId);
        }
        this.around.nomad.heartbeat(this.nodeId, runs);
      };
      this.toNomad("heartbeat", tell, true);
    }
    this.around.network.schedule.after(HEARTBEAT_MS, undefined, () => this.beat());
  }

  private toNomad(text: string, deliver: () => void, routine = false): void {
    const { network, nomad } = this.around;
    network.post({ from: this.host, to: nomad.host, phase: "engine", text, reader: undefined, deliver, routine });
  }
}

/** Versions by these names never come up. */
export const BAD_VERSION = "bad";

function isBad(version: string): boolean {
  return version.startsWith(BAD_VERSION);
}
