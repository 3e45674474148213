import { freePort } from "../../protocol/free-ports";
import { gateAgentPair } from "../../protocol/memory-channel";
import type { ExpectedServer } from "../../protocol/messages";
import type { GateLimits } from "../gate/limits";
import { Gate, type GateDeps } from "../gate/gate";
import { expectedServer, settled, TestNode } from "../test-node";

/**
 * For tests: the real gate before the real agent, in virtual time, with one server on Agones' SDK. Its clients come over
 * real sockets.
 */
export class AgonesNode {
  readonly node: TestNode;
  readonly gate: Gate;

  static async start(
    server: Partial<ExpectedServer> = {},
    gate: { readonly limits?: Partial<GateLimits>; readonly checkPeer?: GateDeps["checkPeer"] } = {},
  ): Promise<AgonesNode> {
    const node = await TestNode.start();
    const started = new AgonesNode(node, gate);
    await started.attach();
    await started.expect(server);
    return started;
  }

  private constructor(
    node: TestNode,
    { limits = {}, checkPeer }: { limits?: Partial<GateLimits>; checkPeer?: GateDeps["checkPeer"] },
  ) {
    this.node = node;
    const log = { info: () => undefined, warn: () => undefined };
    this.gate = new Gate({ clock: node.clock, version: "test", log, limits, ...(checkPeer ? { checkPeer } : {}) });
  }

  /** Of server `s1`, for both of its wires. */
  get port(): number {
    const port = this.gate.hello.servers[0]?.port;
    if (port === undefined) throw new Error("the gate holds no server");
    return port;
  }

  async expect(server: Partial<ExpectedServer> = {}): Promise<void> {
    const ports = { game: 7654, sdk: await freePort() };
    await this.node.controller.ask({ kind: "expect", server: agonesServer({ ports, ...server }) });
    while (this.gate.hello.servers.length === 0) await settled();
  }

  /** The agent goes and another comes, on the same journal; between them `meanwhile`. */
  async restartAgent(meanwhile: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    await this.node.agent.close();
    await settled();
    await meanwhile();
    await this.node.boot();
    await this.attach();
  }

  /** From now on the agent does what it is asked, and its answers are lost: it will die before it can give them. */
  async loseAnswers(): Promise<void> {
    const { gate, agent } = gateAgentPair();
    this.gate.attachAgent(gate);
    const send = agent.send.bind(agent);
    agent.send = (message) => message.type === "answer" || send(message);
    this.node.agent.attachGate(agent);
    await settled();
  }

  async rest(method: string, path: string, body?: unknown): Promise<{ status: number; body: Record<string, unknown> }> {
    const answer = await fetch(`http://127.0.0.1:${this.port}${path}`, {
      method,
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: (text === "" ? {} : JSON.parse(text)) as Record<string, unknown> };
  }

  async stop(): Promise<void> {
    await this.gate.stop();
    await this.node.stop();
  }

  /** The agent has this gate alone. */
  private async attach(): Promise<void> {
    this.node.gate.channel.close("the real gate comes");
    await settled();
    const { gate, agent } = gateAgentPair();
    this.gate.attachAgent(gate);
    this.node.agent.attachGate(agent);
    await settled();
  }
}

/** As an experience with `sdk = "agones"` is expected, with what Agones' conformance clients want to find. */
export function agonesServer(changes: Partial<ExpectedServer> = {}): ExpectedServer {
  return expectedServer({
    sdk: "agones",
    seats: "match",
    health: {
      check: { kind: "sdk", initialDelayMs: 5000 },
      intervalMs: 5000,
      timeoutMs: 5000,
      unhealthyThreshold: 3,
      healthyThreshold: 2,
    },
    counters: { rooms: { count: 1, capacity: 10 } },
    lists: { players: { capacity: 100, values: ["test0", "test1", "test2"] } },
    tracked: { capacity: 4, values: [] },
    ...changes,
  });
}
