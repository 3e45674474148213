/** The load generator: POSTs over connections that it keeps, from a process of its own. Asked `load`, see `Load`. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { performance } from "node:perf_hooks";
import { answerParent } from "./child-program";
import { distribution, type Distribution } from "./distribution";
import { playerName } from "./player-name";

export interface Load {
  readonly port: number;
  readonly path: string;
  /** One for all requests, or one for each. */
  readonly tokens: readonly string[];
  /** Each `PLAYER` in it becomes a player's id, another for each request. */
  readonly body: string;
  /** Comes before the number in each player's id; the same from run to run would be the same players. */
  readonly players: string;
  readonly count: number;
  readonly connections: number;
  /** Requests a second, sent when they are due whatever has been answered; as fast as answers come where not given. */
  readonly rate?: number;
  /** Sends nothing more after so many seconds, and waits for what is under way. */
  readonly maxSeconds: number;
  /** Whether to hand back what was answered. */
  readonly keep: boolean;
}

export interface LoadResult {
  readonly seconds: number;
  readonly statuses: Readonly<Record<number, number>>;
  /** Milliseconds from when a request was due to the last byte of its answer. */
  readonly latency: Distribution;
  readonly cpuSeconds: number;
  readonly bytes: number;
  readonly answers: readonly { readonly playerId: string; readonly status: number; readonly body: string }[];
}

const PLACE = "PLAYER";

class Generator {
  private readonly latencies: number[] = [];
  private readonly statuses: Record<number, number> = {};
  private readonly answers: { playerId: string; status: number; body: string }[] = [];
  private readonly idle: Connection[] = [];
  private bytes = 0;
  private sent = 0;
  private answered = 0;
  private stopped = false;
  private beginMs = 0;
  private finish: () => void = () => undefined;
  private fail: (error: Error) => void = () => undefined;

  constructor(private readonly load: Load) {}

  async run(): Promise<LoadResult> {
    const { load } = this;
    const ended = new Promise<void>((resolve, reject) => {
      this.finish = resolve;
      this.fail = reject;
    });
    const connections = await Promise.all(
      Array.from({ length: load.connections }, () => Connection.open(load, (c, answer) => this.onAnswer(c, answer))),
    );
    const cpuBefore = process.cpuUsage();
    this.beginMs = performance.now();
    const timeUp = setTimeout(() => this.stopSending(), load.maxSeconds * 1000);
    for (const connection of connections) connection.onError = (error) => this.fail(error);
    this.idle.push(...connections);
    const pace = setInterval(() => this.sendDue(), 1);
    this.sendDue();
    await ended;
    clearTimeout(timeUp);
    clearInterval(pace);
    const seconds = (performance.now() - this.beginMs) / 1000;
    const { user, system } = process.cpuUsage(cpuBefore);
    for (const connection of connections) connection.close();
    const { statuses, answers, bytes } = this;
    const latency = distribution(this.latencies);
    return { seconds, statuses, latency, cpuSeconds: (user + system) / 1e6, bytes, answers };
  }

  private stopSending(): void {
    this.stopped = true;
    if (this.answered === this.sent) this.finish();
  }

  private sendDue(): void {
    if (this.stopped) return;
    const { count, rate } = this.load;
    const now = performance.now();
    const due = rate === undefined ? count : Math.min(count, Math.floor(((now - this.beginMs) * rate) / 1000) + 1);
    while (this.sent < due) {
      // The one that has rested longest, so that none rests until the server closes it.
      const connection = this.idle.shift();
      if (!connection) return;
      this.send(connection, now);
    }
  }

  private send(connection: Connection, now: number): void {
    const { rate, players, tokens } = this.load;
    const number = this.sent++;
    const token = tokens[number % tokens.length] ?? "";
    connection.send(
      playerName(players, number),
      token,
      rate === undefined ? now : this.beginMs + (number * 1000) / rate,
    );
  }

  private onAnswer(connection: Connection, { status, body }: { status: number; body: string }): void {
    const now = performance.now();
    this.latencies.push(now - connection.dueMs);
    this.statuses[status] = (this.statuses[status] ?? 0) + 1;
    this.bytes += body.length;
    if (this.load.keep) this.answers.push({ playerId: connection.playerId, status, body });
    this.answered += 1;
    if (this.answered === (this.stopped ? this.sent : this.load.count)) return this.finish();
    this.idle.push(connection);
    this.sendDue();
  }
}

/** One HTTP/1.1 connection with one request under way; just enough of HTTP to cost little beside what is measured. */
class Connection {
  playerId = "";
  dueMs = 0;
  onError: (error: Error) => void = () => undefined;
  private text = "";

  private constructor(
    private readonly socket: Socket,
    private readonly head: string,
    private readonly parts: readonly string[],
    private readonly onAnswer: (connection: Connection, answer: { status: number; body: string }) => void,
  ) {
    socket.setNoDelay(true);
    socket.setEncoding("latin1");
    socket.on("data", (chunk: string) => this.read(chunk));
    socket.on("error", (error) => this.onError(error));
    socket.on("close", () => this.onError(new Error("the server closed a connection")));
  }

  static async open(
    { port, path, body, players }: Load,
    onAnswer: (connection: Connection, answer: { status: number; body: string }) => void,
  ): Promise<Connection> {
    const parts = body.split(PLACE);
    const length = Buffer.byteLength(parts.join("")) + (parts.length - 1) * playerName(players, 0).length;
    const head =
      `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/json\r\n` +
      `content-length: ${length}\r\nauthorization: Bearer `;
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    return new Connection(socket, head, parts, onAnswer);
  }

  send(playerId: string, token: string, dueMs: number): void {
    this.playerId = playerId;
    this.dueMs = dueMs;
    this.socket.write(`${this.head}${token}\r\n\r\n${this.parts.join(playerId)}`, "latin1");
  }

  close(): void {
    this.onError = () => undefined;
    this.socket.destroy();
  }

  private read(chunk: string): void {
    this.text += chunk;
    const headEnd = this.text.indexOf("\r\n\r\n");
    if (headEnd < 0) return;
    const length = /\r\ncontent-length: (\d+)\r\n/i.exec(this.text.slice(0, headEnd + 2))?.[1];
    if (length === undefined) {
      this.onError(new Error(`an answer without content-length: ${this.text.slice(0, headEnd)}`));
      return;
    }
    const end = headEnd + 4 + Number(length);
    if (this.text.length < end) return;
    const status = Number(this.text.slice(9, 12));
    const body = this.text.slice(headEnd + 4, end);
    this.text = this.text.slice(end);
    this.onAnswer(this, { status, body });
  }
}

answerParent({ load: (load: Load) => new Generator(load).run() });
