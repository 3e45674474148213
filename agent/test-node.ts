import * as fs from "node:fs";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Channel } from "../protocol/channel";
import type { FromGate, GateHello, ToGate } from "../protocol/gate-messages";
import { agentControllerPair, gateAgentPair } from "../protocol/memory-channel";
import type {
  Ack,
  AgentEvent,
  ExpectedHealth,
  ExpectedServer,
  FromAgent,
  FromController,
  RequestBody,
  SeatRequest,
  SessionCarry,
  Snapshot,
} from "../protocol/messages";
import type { DialledLine } from "../protocol/socket-dialler";
import { PROTOCOL_VERSION } from "../protocol/versions";
import { VirtualClock } from "../protocol/virtual-clock";
import { Agent } from "./agent";
import type { AgentDeps } from "./agent-deps";
import type { Finding } from "./finding";

/** For tests: one node with a real agent, and controller and gate as scripts. */
export class TestNode {
  readonly clock = new VirtualClock();
  readonly folder = mkdtempSync(join(tmpdir(), "forge-agent-"));
  readonly disk = { ...fs };
  /** By server: what its probes say, as the test wishes. */
  readonly probes = new Map<string, (finding: Finding) => void>();
  /** By pid: what names the process, where it is not the usual one; undefined for one that has ended. */
  readonly processes = new Map<number, string | undefined>();
  readonly logged: { readonly level: string; readonly message: string; readonly fields: object }[] = [];
  agent!: Agent;
  controller!: TestController;
  gate!: TestGate;

  static async start(overrides: Partial<AgentDeps> = {}): Promise<TestNode> {
    const node = new TestNode(overrides);
    await node.boot();
    return node;
  }

  private constructor(private readonly overrides: Partial<AgentDeps>) {}

  /** A new agent process on the same journal. */
  async restart(): Promise<void> {
    await this.agent.close();
    await this.boot();
  }

  async stop(): Promise<void> {
    await this.agent.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Another controller replica, which may speak an older version. */
  async connect(protocol?: number, line?: DialledLine): Promise<TestController> {
    const { agent, controller } = agentControllerPair();
    this.agent.attachController(agent, line);
    return TestController.greet(controller, protocol);
  }

  connectGate(servers: GateHello["servers"] = [], more: Partial<GateHello> = {}): TestGate {
    const { gate, agent } = gateAgentPair();
    this.agent.attachGate(agent);
    return new TestGate(gate, { servers, ...more });
  }

  async boot(): Promise<void> {
    const log = (level: string) => (fields: object, message: string) =>
      void this.logged.push({ level, message, fields });
    this.agent = await Agent.start({
      nodeId: "node-1",
      region: "test",
      bootId: `boot-${this.clock.now()}`,
      agentVersion: "0.0.0",
      node: { address: "127.0.0.1", cpu: 2000, memory: 2048, limits: { cpu: false, memory: false, detail: "none" } },
      journalDir: this.folder,
      disk: this.disk,
      clock: this.clock,
      ticketSecret: "a-ticket-secret-of-the-tests",
      startProbes: ({ serverId }, report) => {
        this.probes.set(serverId, report);
        return {
          stop: () => {
            if (this.probes.get(serverId) === report) this.probes.delete(serverId);
            return Promise.resolve();
          },
        };
      },
      processStarted: (pid) => (this.processes.has(pid) ? this.processes.get(pid) : `started-${pid}`),
      log: { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") },
      ...this.overrides,
    });
    this.gate = this.connectGate();
    this.controller = await this.connect();
  }
}

export class TestController {
  readonly events: AgentEvent[] = [];
  readonly snapshots: Snapshot[] = [];
  readonly messages: FromAgent[] = [];
  closedFor: string | undefined;
  /** Answers no more pings. */
  mute = false;
  private readonly waiting = new Map<number, (ack: Ack) => void>();
  private lastId = 0;

  private constructor(
    readonly channel: Channel<FromController, FromAgent>,
    private readonly protocol: number,
  ) {}

  static async greet(
    channel: Channel<FromController, FromAgent>,
    protocol = PROTOCOL_VERSION,
  ): Promise<TestController> {
    const controller = new TestController(channel, protocol);
    channel.onClose((reason) => (controller.closedFor = reason));
    await new Promise<void>((resolve) => {
      channel.onMessage((message) => {
        controller.onMessage(message);
        if (message.type === "snapshot") resolve();
      });
    });
    return controller;
  }

  ask(body: RequestBody, epoch = 1): Promise<Ack> {
    const id = ++this.lastId;
    this.channel.send({ type: "request", id, epoch, body });
    return new Promise((resolve) => this.waiting.set(id, resolve));
  }

  /** Kinds of the events so far, with what tells them apart. */
  get told(): readonly string[] {
    return this.events.map((event) =>
      "sessionId" in event
        ? `${event.kind} ${event.sessionId}${event.kind === "left" ? ` ${event.reason}` : ""}`
        : event.kind,
    );
  }

  private onMessage(message: FromAgent): void {
    if (message.type !== "ping") this.messages.push(message);
    if (message.type === "hello") {
      const { protocol } = this;
      this.channel.send({ type: "welcome", protocol, controllerId: "c", region: "test", leader: true, epoch: 1 });
    } else if (message.type === "snapshot") this.snapshots.push(message);
    else if (message.type === "ping") {
      if (!this.mute) this.channel.send(message);
    } else if (message.type === "report") this.events.push(...message.events);
    else if (message.type === "ack") {
      this.waiting.get(message.id)?.(message);
      this.waiting.delete(message.id);
    }
  }
}

export class TestGate {
  readonly told: ToGate[] = [];
  private readonly waiting = new Map<number, (answer: { readonly status: number; readonly body: unknown }) => void>();
  private lastId = 0;
  /** It was stopped: it neither hears nor says anything. */
  stopped = false;
  /** It says of a port that it has that it is open. */
  answers = true;
  private readonly opened = new Set<string>();

  constructor(
    readonly channel: Channel<FromGate, ToGate>,
    hello: Partial<GateHello>,
  ) {
    channel.onMessage((message) => {
      if (this.stopped) return;
      this.told.push(message);
      // The first time the test says how it went.
      if (message.type === "open" && this.answers && this.opened.has(message.serverId))
        channel.send({ type: "opened", serverId: message.serverId, port: message.port });
      if (message.type === "open") this.opened.add(message.serverId);
      if (message.type === "answer") this.waiting.get(message.id)?.(message);
    });
    channel.send({ type: "gateHello", protocol: 1, gateVersion: "0.0.0", servers: [], ...hello });
  }

  /** One SDK call of the only server that tests mostly have. */
  call(
    method: string,
    path: string,
    body: unknown = {},
    more: { readonly serverId?: string; readonly repeated?: true } = {},
  ) {
    const id = ++this.lastId;
    this.channel.send({ type: "call", id, serverId: "s1", method, path, query: {}, body, ...more });
    return new Promise<{ readonly status: number; readonly body: Record<string, unknown> }>((resolve) => {
      this.waiting.set(id, resolve as (answer: { readonly status: number; readonly body: unknown }) => void);
    });
  }
}

/** Lets time pass, with all that happens in each second. */
export async function seconds(node: TestNode, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    node.clock.advance(1000);
    await settled();
  }
}

/** The first seat's ticket of a grant that went well. */
export function ticketOf(ack: Ack, index = 0): string {
  if (!ack.ok) throw new Error(`${ack.code}: ${ack.detail}`);
  const seat = ack.seats?.[index];
  if (!seat) throw new Error(`the answer has ${ack.seats?.length ?? 0} seats`);
  return seat.ticket;
}

/** Long enough for everything under way in memory: messages there and back, and the journal's write between. */
export async function settled(): Promise<void> {
  for (let turns = 0; turns < 8; turns++) await new Promise((resolve) => setImmediate(resolve));
}

/** A server whose heartbeats a test may leave out. */
export const PATIENT: ExpectedHealth = {
  check: { kind: "sdk" },
  intervalMs: 1_000_000,
  timeoutMs: 1000,
  unhealthyThreshold: 3,
  healthyThreshold: 2,
};

export function expectedServer(changes: Partial<ExpectedServer> = {}): ExpectedServer {
  return {
    serverId: "s1",
    allocationId: "a1",
    region: "test",
    experienceId: "arena",
    version: "1.0.0",
    role: "server",
    sdk: "forge",
    seats: "reported",
    maxPlayers: 4,
    address: "127.0.0.1",
    ports: { game: 7000, sdk: 7001 },
    pids: { server: 4242 },
    logFile: undefined,
    sdkToken: "token",
    health: { ...PATIENT, intervalMs: 2000 },
    log: undefined,
    cpu: 500,
    memory: 256,
    readyTimeoutMs: 60_000,
    leaseMs: 30_000,
    restore: undefined,
    ...changes,
  };
}

export function seatRequest(
  sessionId: string,
  changes: Partial<SeatRequest> = {},
  carried: Partial<SessionCarry> = {},
): SeatRequest {
  const carry: SessionCarry = {
    experienceId: "arena",
    version: "1.0.0",
    mods: [],
    party: [],
    requestedRegion: undefined,
    latencies: {},
    connectedAtMs: 1,
    matchId: undefined,
    ...carried,
  };
  return { sessionId, playerId: `player-${sessionId}`, generation: 1, restore: undefined, ...changes, carry };
}
