import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import type { Clock } from "../../protocol/clock";
import type { FromGate, GateAnswer, GateCall, OpenServer } from "../../protocol/gate-messages";
import { gateAgentPair } from "../../protocol/memory-channel";
import { Gate, type GateDeps } from "./gate";

export const quietLog = { info: () => undefined, warn: () => undefined };

type Answering = (call: GateCall) => Omit<GateAnswer, "type" | "id"> | undefined;

/** The agent's side of a gate in tests: records what it hears and answers calls as it is told. */
export class TestAgent {
  readonly heard: FromGate[] = [];
  answering: Answering = () => ({ status: 200, body: {} });
  readonly channel;
  private readonly waiting = new Set<() => void>();

  constructor(gate: Gate) {
    const pair = gateAgentPair();
    this.channel = pair.agent;
    pair.agent.onMessage((message) => {
      this.heard.push(message);
      if (message.type === "call") {
        const answer = this.answering(message);
        if (answer !== undefined) pair.agent.send({ type: "answer", id: message.id, ...answer });
      }
      for (const look of this.waiting) look();
    });
    gate.attachAgent(pair.gate);
  }

  get calls(): GateCall[] {
    return this.heard.filter((message) => message.type === "call");
  }

  /** The first message heard, before or from now on, that is what is looked for. */
  async hears<T extends FromGate["type"]>(
    type: T,
    matches: (message: Extract<FromGate, { type: T }>) => boolean = () => true,
  ): Promise<Extract<FromGate, { type: T }>> {
    const find = () => (this.heard as Extract<FromGate, { type: T }>[]).find((m) => m.type === type && matches(m));
    return new Promise((resolve) => {
      const look = () => {
        const found = find();
        if (found === undefined) return;
        this.waiting.delete(look);
        resolve(found);
      };
      this.waiting.add(look);
      look();
    });
  }

  /** Opens a server's port and resolves with its number. */
  async open(serverId: string, server: Partial<OpenServer> = {}): Promise<number> {
    const from = this.heard.length;
    this.channel.send({
      type: "open",
      serverId,
      allocationId: "alloc-1",
      port: 0,
      token: `token-${serverId}`,
      ...server,
    });
    const opened = await this.hears("opened", (m) => m.serverId === serverId && this.heard.indexOf(m) >= from);
    return opened.port;
  }

  leave(): Promise<unknown> {
    const closed = new Promise((resolve) => this.channel.onClose(resolve));
    this.channel.close("the agent left");
    return closed;
  }
}

export function newGate(clock: Clock, deps: Partial<GateDeps> = {}): Gate {
  return new Gate({ clock, version: "test", log: quietLog, ...deps });
}

export interface SdkAnswer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: Record<string, unknown>;
}

/** One SDK call over a socket of its own. `body` goes out as JSON, a string or bytes as they are. */
export async function sdkCall(
  port: number,
  method: string,
  path: string,
  { token = "token-a", body }: { token?: string; body?: unknown } = {},
): Promise<SdkAnswer> {
  const content = body === undefined || typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const sent = request({ host: "127.0.0.1", port, method, path, agent: false });
  if (token !== "") sent.setHeader("authorization", `Bearer ${token}`);
  sent.end(content);
  const [answer] = (await once(sent, "response")) as [IncomingMessage];
  let text = "";
  for await (const chunk of answer.setEncoding("utf8")) text += chunk as string;
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: parse(text) };
}

/** An SDK stream that is read: `text` grows. */
export class TestStream {
  text = "";
  readonly ended: Promise<void>;
  private looks = new Set<() => void>();

  private constructor(private readonly response: IncomingMessage) {
    response.setEncoding("utf8").on("data", (chunk: string) => {
      this.text += chunk;
      for (const look of this.looks) look();
    });
    response.on("error", () => undefined);
    this.ended = new Promise((resolve) => response.on("close", resolve));
  }

  static async open(port: number, token = "token-a"): Promise<TestStream> {
    const headers = { authorization: `Bearer ${token}` };
    const sent = request({ host: "127.0.0.1", port, path: "/v1/watch", headers, agent: false });
    sent.end();
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    if (response.statusCode !== 200) throw new Error(`the stream was answered with ${response.statusCode}`);
    return new TestStream(response);
  }

  reads(wanted: string): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!this.text.includes(wanted)) return;
        this.looks.delete(look);
        resolve();
      };
      this.looks.add(look);
      look();
    });
  }

  pause(): void {
    this.response.pause();
  }

  resume(): void {
    this.response.resume();
  }

  close(): Promise<void> {
    this.response.destroy();
    return this.ended;
  }
}

function parse(text: string): Record<string, unknown> {
  return JSON.parse(text === "" ? "{}" : text) as Record<string, unknown>;
}
