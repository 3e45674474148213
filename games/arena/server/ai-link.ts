import { connect, type Socket } from "node:net";
import { readOrders, type Orders, type Question } from "../ai/decide";
import { readLines, writeLine } from "../lines";

const MAX_LINE = 64 * 1024;
const ASK_MS = 500;
/** Orders this old are nobody's any more. */
const SILENCE_MS = 2_500;

export interface AiLinkOptions {
  /** Where AI servers are now, as `host:port`. */
  readonly addresses: () => readonly string[];
  /** What to ask; undefined while nobody plays. */
  readonly question: () => Question | undefined;
  readonly onOrders: (orders: Orders) => void;
  /** Whether an AI leads the NPCs now. */
  readonly onPresent: (present: boolean) => void;
  readonly random: () => number;
}

/** Keeps a connection to one of the AI servers; the arena goes on without while there is none. */
export class AiLink {
  private socket: Socket | undefined;
  private heardAt = 0;
  private askedAt = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: AiLinkOptions) {}

  start(): void {
    this.timer = setInterval(() => this.turn(Date.now()), ASK_MS);
  }

  close(): void {
    clearInterval(this.timer);
    this.socket?.destroy();
  }

  private turn(now: number): void {
    if (this.socket === undefined) {
      this.dial();
      return;
    }
    const question = this.options.question();
    if (question === undefined) {
      this.askedAt = this.heardAt = now;
      return;
    }
    if (this.askedAt - this.heardAt > SILENCE_MS) {
      this.socket.destroy(new Error("it does not answer"));
      return;
    }
    this.askedAt = now;
    if (!this.socket.connecting) writeLine(this.socket, question);
  }

  /** Any one of them: with many arenas the choice by chance spreads the load. */
  private dial(): void {
    const addresses = this.options.addresses();
    const address = addresses[Math.floor(this.options.random() * addresses.length)];
    const parts = address === undefined ? null : /^\[?([^\]]+)\]?:(\d+)$/.exec(address);
    if (parts === null) return;
    const socket = connect({ host: parts[1] ?? "", port: Number(parts[2]), noDelay: true });
    this.socket = socket;
    this.askedAt = this.heardAt = Date.now();
    socket.on("connect", () => this.options.onPresent(true));
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.socket = undefined;
      this.options.onPresent(false);
    });
    readLines(socket, MAX_LINE, (value) => {
      const orders = readOrders(value);
      this.heardAt = Date.now();
      if (orders === undefined) socket.destroy(new Error("orders that are none"));
      else this.options.onOrders(orders);
    });
  }
}
