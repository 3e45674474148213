import type { RawData, WebSocket } from "ws";
import { CLOSE, readClientMessage, type ClientMessage, type ServerMessage } from "../wire";

/** A connection that has not asked to join by then is closed, as is one that says nothing for so long. */
export const SILENCE_MS = 10_000;
/** Bots send about ten inputs a second; people's hands fewer. */
const MAX_MESSAGES_A_SECOND = 60;
const MAX_BAD_MESSAGES = 5;
/** A client this far behind gets no deltas until it has caught up, then everything at once. */
const MAX_WAITING_BYTES = 32 * 1024;

export interface ConnectionEvents {
  onJoin(ticket: string): void;
  onInput(message: Extract<ClientMessage, { type: "input" }>): void;
  onLeave(): void;
  onClose(): void;
}

/** One client's WebSocket: lets only well-formed messages in the right order through, and bounds what waits. */
export class PlayerConnection {
  private asked = false;
  private joined = false;
  private bad = 0;
  private second = 0;
  private inSecond = 0;
  private heardAt: number;
  /** Missed a delta, or never had anything: the next state must be whole. */
  private behind = true;

  constructor(
    private readonly socket: WebSocket,
    private readonly events: ConnectionEvents,
    private readonly now: () => number,
  ) {
    this.heardAt = now();
    socket.on("message", (data, isBinary) => this.receive(data, isBinary));
    // An error is always followed by the close.
    socket.on("error", () => undefined);
    socket.on("close", () => events.onClose());
  }

  get open(): boolean {
    return this.socket.readyState === this.socket.OPEN;
  }

  send(message: ServerMessage): void {
    if (this.open) this.socket.send(JSON.stringify(message));
  }

  welcome(message: Extract<ServerMessage, { type: "welcome" }>): void {
    this.joined = true;
    this.send(message);
  }

  /** Sends a delta that was encoded once for all, or the whole to one who has missed some. Returns the bytes sent. */
  sendState(delta: Buffer, whole: () => Buffer): number {
    if (!this.joined || !this.open) return 0;
    if (this.socket.bufferedAmount > MAX_WAITING_BYTES) {
      this.behind = true;
      return 0;
    }
    const buffer = this.behind ? whole() : delta;
    this.behind = false;
    this.socket.send(buffer, { binary: true, compress: false });
    return buffer.length;
  }

  close(code: number, reason: string): void {
    // 123 bytes is what a close frame has room for.
    this.socket.close(
      code,
      Buffer.from(reason)
        .subarray(0, 123)
        .toString("utf8")
        .replace(/\uFFFD+$/, ""),
    );
  }

  refuse(code: string, detail: string): void {
    this.send({ type: "refused", code, detail });
    this.close(CLOSE.refused, code);
  }

  /** Ends a connection whose other side is gone without a word. Called about once a second. */
  checkSilence(): void {
    if (this.now() - this.heardAt > SILENCE_MS) {
      this.close(CLOSE.idle, "silent");
      // Where nobody reads, nobody answers the close either.
      setTimeout(() => this.socket.terminate(), 1_000).unref();
    }
  }

  private receive(data: RawData, isBinary: boolean): void {
    this.heardAt = this.now();
    if (this.tooMany()) {
      this.close(1008, "too many messages");
      return;
    }
    const message = isBinary ? undefined : readClientMessage((data as Buffer).toString("utf8"));
    if (message === undefined) this.reject("malformed", "not a message of this game");
    else if (message.type === "ping") this.send({ type: "pong", n: message.n });
    else if (message.type === "join") this.join(message.ticket);
    else if (!this.joined) this.reject("notJoined", `"${message.type}" comes after a join`);
    else if (message.type === "input") this.events.onInput(message);
    else this.events.onLeave();
  }

  private join(ticket: string): void {
    if (this.asked) {
      this.reject("alreadyJoined", "a connection carries one player");
      return;
    }
    this.asked = true;
    this.events.onJoin(ticket);
  }

  private reject(code: string, detail: string): void {
    this.bad++;
    this.send({ type: "error", code, detail });
    if (this.bad >= MAX_BAD_MESSAGES) this.close(CLOSE.badMessage, code);
  }

  private tooMany(): boolean {
    const second = Math.floor(this.heardAt / 1000);
    if (second !== this.second) {
      this.second = second;
      this.inSecond = 0;
    }
    return ++this.inSecond > MAX_MESSAGES_A_SECOND;
  }
}
