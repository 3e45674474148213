import { WebSocket, type RawData } from "ws";
import { decodeState, type ClientMessage, type ServerMessage, type State } from "../wire";

/** How a connection to an arena ended. */
export type GameEnd =
  /** The server said that the seat is elsewhere. */
  | { readonly kind: "moved" }
  | { readonly kind: "refused"; readonly code: string; readonly detail: string }
  | { readonly kind: "broken"; readonly reason: string }
  /** We left, and the server knows. */
  | { readonly kind: "left" };

export type Welcome = Extract<ServerMessage, { type: "welcome" }>;

export interface GameEvents {
  onWelcome(welcome: Welcome): void;
  onState(state: State): void;
  onPong(n: number): void;
  onGarbage(): void;
}

/** Before a welcome and after a leave the server gets so long. */
const PATIENCE_MS = 8_000;
const LEAVE_MS = 1_500;

/** One connection of a bot to an arena, from its join to its end. */
export class GameSocket {
  readonly over: Promise<GameEnd>;
  private readonly socket: WebSocket;
  private end: (end: GameEnd) => void = () => undefined;
  private said: GameEnd | undefined;
  private timer: NodeJS.Timeout | undefined;
  private welcomed = false;

  constructor(
    url: string,
    ticket: string,
    private readonly events: GameEvents,
  ) {
    this.over = new Promise((resolve) => (this.end = resolve));
    this.socket = new WebSocket(url, { perMessageDeflate: false, handshakeTimeout: PATIENCE_MS });
    this.giveUpAfter(PATIENCE_MS, "no welcome");
    this.socket.on("open", () => this.send({ type: "join", ticket }));
    this.socket.on("message", (data, isBinary) => this.receive(data, isBinary));
    this.socket.on("error", (error) => (this.said ??= { kind: "broken", reason: error.message }));
    this.socket.on("close", (code) => {
      clearTimeout(this.timer);
      this.end(this.said ?? { kind: "broken", reason: `closed with ${code}` });
    });
  }

  send(message: ClientMessage): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  /** Leaves the game; `over` resolves when the server has closed, or has not in time. */
  leave(): void {
    if (this.said === undefined && this.welcomed && this.socket.readyState === WebSocket.OPEN) {
      this.said = { kind: "left" };
      this.send({ type: "leave" });
      this.giveUpAfter(LEAVE_MS, "no answer to leaving");
    } else {
      this.drop("left before it was in");
    }
  }

  /** Ends the connection at once, e.g. because nothing comes any more. */
  drop(reason: string): void {
    this.said ??= { kind: "broken", reason };
    this.socket.terminate();
  }

  private giveUpAfter(ms: number, reason: string): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (this.said?.kind === "left") this.said = { kind: "broken", reason };
      this.drop(reason);
    }, ms);
  }

  private receive(data: RawData, isBinary: boolean): void {
    if (isBinary) {
      const state = decodeState(data as Buffer);
      if (state) this.events.onState(state);
      else this.events.onGarbage();
      return;
    }
    let message: ServerMessage;
    try {
      message = JSON.parse((data as Buffer).toString("utf8")) as ServerMessage;
    } catch {
      this.events.onGarbage();
      return;
    }
    this.hear(message);
  }

  private hear(message: ServerMessage): void {
    switch (message.type) {
      case "welcome":
        this.welcomed = true;
        clearTimeout(this.timer);
        this.events.onWelcome(message);
        break;
      case "pong":
        this.events.onPong(message.n);
        break;
      case "moved":
        // Before its deadline a draining server is as good as any.
        if (!message.final) break;
        this.said ??= { kind: "moved" };
        this.socket.close();
        this.giveUpAfter(1_000, "moved");
        break;
      case "refused":
        this.said ??= { kind: "refused", code: message.code, detail: message.detail };
        break;
      default:
        this.events.onGarbage();
    }
  }
}
