import type { EngineServer, ServerExit, ServerLaunch } from "../controller/engine";
import { Agent, type AgentDeps } from "../agent/agent";
import type { Finding } from "../agent/finding";
import { agentCodec, agentGateCodec, controllerCodec, gateCodec } from "../protocol/codec";
import type { ControllerHost } from "./controller-host";
import { VirtualDisk } from "./disk";
import { VirtualServer } from "./game-server";
import { VirtualGate } from "./gate";
import { JournalTruth } from "./journal-truth";
import type { Network } from "./network";
import type { NomadClient, VirtualNomad } from "./nomad";
import { Process } from "./process";
import type { Random } from "./random";
import { connectStream } from "./stream";

export interface NodeSurroundings {
  readonly region: string;
  readonly network: Network;
  readonly nomad: VirtualNomad;
  readonly controllers: () => readonly ControllerHost[];
  readonly ticketSecret: string;
  readonly seatsOf: (experienceId: string) => string | undefined;
  readonly onChanged: () => void;
  readonly onFailure: (where: string, error: unknown) => void;
  /** Told just before a server is stopped because somebody asked for it. */
  readonly onStop: (node: VirtualNode, server: VirtualServer) => void;
}

const JOURNAL_DIR = "/journal";
const HEARTBEAT_MS = 1000;
const DIAL_MS = 300;
const DIAL_AGAIN_MS = 700;
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
  /** Its agent says what is not so, as long as this twists its words. */
  lie: ((line: string) => string) | undefined;
  private boots = 0;
  private pids = 1000;
  private readonly probes = new Map<string, (finding: Finding) => void>();

  constructor(
    readonly nodeId: string,
    private readonly around: NodeSurroundings,
    private readonly random: Random,
  ) {
    this.disk = new VirtualDisk(random.fork("disk"));
    this.disk.onWritten = (path, content) => {
      if (path.endsWith("seats.journal")) this.truth.become(content);
    };
    this.beat();
  }

  get host(): string {
    return this.nodeId;
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
        // A node that cannot read its journal is no surprise where it was cut off; anything else is.
        if (process.alive) this.around.onFailure(`the agent of ${this.nodeId}`, error);
        process.end();
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
    this.servers.clear();
    this.disk.loseTail();
  }

  run(server: EngineServer, launch: ServerLaunch): void {
    if (!this.powered || this.servers.has(server.serverId)) return;
    const pid = this.pids++;
    const process = this.process(`server-${server.serverId}`);
    const seats = this.around.seatsOf(launch.experienceId) ?? "reported";
    const virtual = new VirtualServer(process, server, launch, Number(launch.meta.maxPlayers), seats === "match", {
      gate: () => (this.gate?.process.alive ? this.gate : undefined),
      onChanged: this.around.onChanged,
      exit: (code) => this.kill(server.serverId, { exitCode: code, signal: undefined }, false),
    });
    this.servers.set(server.serverId, virtual);
    this.pidOf.set(pid, process);
    const bootMs = this.random.between(50, 400) * this.slowness;
    process.after(bootMs, () => {
      this.toNomad(`running ${server.serverId}`, () =>
        this.around.nomad.running(server.serverId, server.allocationId, { server: pid }),
      );
      virtual.boot(bootMs);
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
    const exit: ServerExit = {
      task: "server",
      outOfMemory: false,
      requested,
      atMs: Math.floor(this.around.network.schedule.nowMs),
      ...how,
    };
    this.toNomad(`exited ${serverId}`, () => this.around.nomad.exited(serverId, allocationId, exit));
    const report = this.probes.get(serverId);
    this.agentProcess?.after(this.random.between(20, 150), () =>
      report?.({ kind: "exited", reason: "its process has ended" }),
    );
  }

  private readonly pidOf = new Map<number, Process>();

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
    const [gateEnd, agentEnd] = connectStream(
      this.around.network,
      { process: gate.process, codec: gateCodec },
      { process: agentProcess, codec: agentGateCodec },
    );
    agent.attachGate(agentEnd);
    gate.attach(gateEnd);
  }

  /** Dials a controller, and again whenever the stream ends. */
  private dial(process: Process, agent: Agent, controller: ControllerHost): void {
    const { network } = this.around;
    let connected = false;
    const again = (): void => {
      process.after(this.random.between(DIAL_MS, DIAL_AGAIN_MS), () => this.dial(process, agent, controller));
    };
    const giveUp = process.after(DIAL_AGAIN_MS, () => {
      if (!connected) again();
    });
    network.post({
      from: this.host,
      to: controller.host,
      phase: "greeting",
      text: `dial ${process.name}`,
      reader: controller.process,
      deliver: () => {
        if (connected || !process.alive || !controller.process?.alive) return;
        // The way back is part of the handshake.
        if (network.isCut(controller.host, this.host)) return;
        connected = true;
        giveUp();
        const [agentEnd, controllerEnd] = connectStream(
          network,
          { process, codec: agentCodec, twist: (line) => this.lie?.(line) ?? line },
          { process: controller.process, codec: controllerCodec },
        );
        controller.accept(controllerEnd);
        agentEnd.onClose(again);
        agent.attachController(agentEnd);
      },
    });
  }

  private beat(): void {
    if (this.powered) {
      const runs = [...this.servers.keys()];
      this.toNomad("heartbeat", () => this.around.nomad.heartbeat(this.nodeId, runs));
    }
    this.around.network.schedule.after(HEARTBEAT_MS, undefined, () => this.beat());
  }

  private toNomad(text: string, deliver: () => void): void {
    const { network, nomad } = this.around;
    network.post({ from: this.host, to: nomad.host, phase: "engine", text, reader: undefined, deliver });
  }
}
