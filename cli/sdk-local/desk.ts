import { randomBytes, randomUUID } from "node:crypto";
import { EventEmitter } from "node:events";
import * as fs from "node:fs";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Agent } from "../../agent/agent";
import { Gate } from "../../agent/gate/gate";
import type { Clock } from "../../protocol/clock";
import type { GateCall } from "../../protocol/gate-messages";
import { agentControllerPair, gateAgentPair } from "../../protocol/memory-channel";
import type { Ack, AgentEvent, ExpectedServer, RequestBody } from "../../protocol/messages";
import { EXIT } from "../exit-code";
import { CliError } from "../failure";
import { isFree } from "../../protocol/free-ports";
import { tapped } from "./call-tap";
import { DeskController } from "./desk-controller";
import type { DeskServer } from "./game-server-file";
import { SecondPort } from "./second-port";

export interface DeskOptions {
  readonly server: DeskServer;
  /** Both wires answer on both. */
  readonly grpcPort: number;
  readonly httpPort: number;
  /** Of Forge's own calls. */
  readonly token: string;
  readonly seats: "match" | "reported";
  readonly maxPlayers: number;
  readonly version: string;
  readonly clock: Clock;
}

interface DeskEvents {
  /** What the server said of itself, or what was found out about it. */
  readonly event: [event: AgentEvent];
  /** A call that it made, with the answer. */
  readonly call: [call: GateCall, status: number, body: unknown];
  /** The server before is over: the next start of the program finds one that has done nothing yet. */
  readonly renewed: [];
}

type Distribute<Body> = Body extends unknown ? Omit<Body, "serverId" | "allocationId"> : never;
/** A request about the desk's one server. */
export type DeskRequest = Distribute<Extract<RequestBody, { readonly serverId: string }>>;

const REGION = "desk";
const HEARD = ["gone", "shutdownAsked"];
/** After its Shutdown a server has so long to end by itself, in milliseconds; then its connections are cut. */
const GRACE_MS = 2000;
const QUIET = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/**
 * One server's SDK on a desk: the very gate and agent of a node, in this process, with a controller that has nothing to
 * decide. When the server has ended, a new one takes its place on the same ports, for the next start of the program.
 */
export class Desk extends EventEmitter<DeskEvents> {
  readonly #folder = mkdtempSync(join(tmpdir(), "forge-desk-"));
  #controller!: DeskController;
  #agent: Agent | undefined;
  #second: SecondPort | undefined;
  #expected!: ExpectedServer;
  #servers = 0;
  #renewing = false;
  #cancelRenew: () => void = () => undefined;

  private readonly gate: Gate;
  /** As its file says now; a server that takes another's place begins so. */
  server: DeskServer;

  /** @throws {CliError} where a port is taken */
  static async start(options: DeskOptions): Promise<Desk> {
    const desk = new Desk(options);
    try {
      await desk.#boot();
      return desk;
    } catch (error) {
      await desk.close();
      throw error;
    }
  }

  private constructor(private readonly options: DeskOptions) {
    super();
    this.server = options.server;
    this.gate = new Gate({ clock: options.clock, version: options.version, log: QUIET });
  }

  get serverId(): string {
    return this.#expected.serverId;
  }

  /** Asks the agent, as a region's leader would. */
  ask(request: DeskRequest): Promise<Ack> {
    const { serverId, allocationId } = this.#expected;
    return this.#controller.ask({ ...request, serverId, allocationId });
  }

  async close(): Promise<void> {
    this.#cancelRenew();
    await this.#second?.close();
    await this.gate.stop();
    await this.#agent?.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #boot(): Promise<void> {
    const { clock, version, httpPort, grpcPort } = this.options;
    await mustBeFree(grpcPort, "--grpc-port");
    await mustBeFree(httpPort, "--http-port");
    const agent = await Agent.start({
      nodeId: "desk",
      region: REGION,
      bootId: randomUUID(),
      agentVersion: version,
      node: { address: "127.0.0.1", cpu: 1000, memory: 1024, limits: { cpu: false, memory: false, detail: "a desk" } },
      journalDir: this.#folder,
      disk: fs,
      clock,
      ticketSecret: randomBytes(32).toString("hex"),
      // Whatever the server's program is, the desk did not start it as its engine would.
      startProbes: () => ({ stop: () => Promise.resolve() }),
      processStarted: () => undefined,
      log: QUIET,
    });
    this.#agent = agent;
    const toGate = gateAgentPair();
    const toController = agentControllerPair();
    this.gate.attachAgent(tapped(toGate.gate, (...call) => void this.emit("call", ...call)));
    agent.attachGate(toGate.agent);
    this.#controller = new DeskController(toController.controller, REGION, (event) => this.#heard(event));
    agent.attachController(toController.agent);
    await this.#expect();
    if (httpPort !== grpcPort) this.#second = await SecondPort.open(httpPort, grpcPort);
  }

  /** A server that has done nothing yet, on a port that is open. */
  async #expect(): Promise<void> {
    this.#servers += 1;
    this.#expected = expectedServer(this.options, this.server, this.#servers);
    await this.#controller.ask({ kind: "expect", server: this.#expected });
    while (this.gate.hello.servers[0]?.allocationId !== this.#expected.allocationId) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await this.#asTheFileSays();
  }

  async #asTheFileSays(): Promise<void> {
    const { state } = this.server;
    if (state === undefined) return;
    await this.call("ready");
    if (state === "Allocated") await this.call("allocate");
    if (state === "Reserved") await this.call("reserve", { seconds: 0 });
  }

  /** As the server itself would, by REST. @throws {CliError} where it is refused */
  async call(verb: string, body: object = {}, method = "POST"): Promise<void> {
    const url = `http://127.0.0.1:${this.options.grpcPort}/${verb}`;
    const answer = await fetch(url, { method, body: JSON.stringify(body) });
    const { message = "" } = (await answer.json().catch(() => ({}))) as { readonly message?: string };
    if (!answer.ok) throw new CliError("refused", EXIT.failed, `${verb}: ${message}`);
  }

  #heard(event: AgentEvent): void {
    if (event.allocationId !== this.#expected.allocationId) return;
    // On the way to its end it need not say that it is well.
    if (event.kind === "health" && this.#renewing) return;
    this.emit("event", event);
    if (!HEARD.includes(event.kind) || this.#renewing) return;
    this.#renewing = true;
    this.#cancelRenew = this.options.clock.after(event.kind === "gone" ? 0 : GRACE_MS, () => void this.#renew());
  }

  async #renew(): Promise<void> {
    await this.ask({ kind: "ended", reason: "it asked for its shutdown" });
    await this.ask({ kind: "forget" });
    await this.#expect();
    this.#renewing = false;
    this.emit("renewed");
  }
}

function expectedServer(
  { token, seats, maxPlayers, grpcPort }: DeskOptions,
  server: DeskServer,
  nth: number,
): ExpectedServer {
  const { health, uid } = server;
  return {
    serverId: server.name,
    allocationId: uid === undefined ? randomUUID() : nth === 1 ? uid : `${uid}-${nth}`,
    region: REGION,
    experienceId: server.labels["agones.dev/fleet"] ?? "desk",
    version: "desk",
    role: "server",
    sdk: "agones",
    seats,
    maxPlayers,
    address: "127.0.0.1",
    ports: { ...server.ports, sdk: grpcPort },
    pids: {},
    logFile: undefined,
    sdkToken: token,
    health: {
      // Silence counts from the first sign of life: nobody knows when the program will be started.
      check: { kind: health.disabled ? "process" : "sdk" },
      intervalMs: health.periodSeconds * 1000,
      timeoutMs: health.periodSeconds * 1000,
      unhealthyThreshold: health.failureThreshold,
      healthyThreshold: 1,
    },
    log: undefined,
    cpu: 1000,
    memory: 1024,
    // Under a debugger a start takes as long as it takes.
    readyTimeoutMs: 24 * 3_600_000,
    leaseMs: 30_000,
    labels: server.labels,
    annotations: server.annotations,
    counters: server.counters,
    lists: server.lists,
    tracked: server.players,
    restore: undefined,
  };
}

async function mustBeFree(port: number, option: string): Promise<void> {
  if (await isFree(port)) return;
  const fix = `end what listens there, or give another with ${option}`;
  throw new CliError("portTaken", EXIT.failed, `127.0.0.1:${port} is taken`, fix);
}
