import { createConnection, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Address } from "./address";
import type { Channel } from "./channel";
import type { Clock } from "./clock";
import type { Codec } from "./codec";
import { dialHandshake, type SharedSecret } from "./handshake";
import { socketChannel } from "./socket-channel";
import type { TlsIdentity } from "./socket-listener";

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2000;
/** A connection that lasted so long was a good one: the next pause starts from the shortest again. */
const SETTLED_AFTER_MS = 5000;
/** A connection beside one that is silent: by then the host has taken it, whatever its process does. */
const TAKEN_WITHIN_MS = 1000;

export interface DialOptions<Out, In> {
  readonly codec: Codec<Out, In>;
  readonly secret: SharedSecret;
  readonly clock: Clock;
  /** 0 to 1, for jitter: many agents that lost one controller must not all come back in the same instant. */
  readonly random: () => number;
  /** Each attempt that failed: why. */
  readonly onFailure?: (reason: string) => void;
  readonly signal?: AbortSignal;
  /** Asked at each attempt: shows this certificate, and believes one of the same authority for the dialled address only. */
  readonly tls?: () => TlsIdentity;
}

export interface Dialling {
  /** No more attempts; the present channel is closed. */
  close(): void;
}

/**
 * What the user of a channel hears over it, told to whoever dialled it. A process that is stopped or busy says nothing for
 * a while and then goes on where it was, so silence alone is no reason to hang up: what was agreed on would be lost.
 */
export interface DialledLine {
  /** Nothing is heard for so many milliseconds. Another connection is dialled beside it; where nobody takes that, this one is closed. */
  silent(forMs: number): void;
  /** Something is heard again: this one stays. */
  heard(): void;
}

/**
 * Connects, and again whenever the connection is lost, until closed. Each success gives `onChannel` a new channel.
 *
 *     none ── taken, proved ──> up ── silent ──> doubted ── heard ────────────────────> up
 *      ^  └── again, later ──┘  │                   ├── another is proved ────────────> up, with that one
 *      └───────── lost ─────────┴──── lost, or no other is taken within 1 s ──┘
 */
export function dialSocket<Out, In>(
  address: Address,
  options: DialOptions<Out, In>,
  onChannel: (channel: Channel<Out, In>, line: DialledLine) => void,
): Dialling {
  const dialler = new Dialler(address, options, onChannel);
  if (options.signal?.aborted) return dialler;
  options.signal?.addEventListener("abort", () => dialler.close(), { once: true });
  dialler.dial();
  return dialler;
}

class Dialler<Out, In> implements Dialling {
  private failures = 0;
  private stopped = false;
  /** Being connected, or in its handshake. */
  private attempt: Socket | undefined;
  private channel: Channel<Out, In> | undefined;
  private cancelPause: () => void = () => undefined;

  constructor(
    private readonly address: Address,
    private readonly options: DialOptions<Out, In>,
    private readonly onChannel: (channel: Channel<Out, In>, line: DialledLine) => void,
  ) {}

  dial(): void {
    const { clock } = this.options;
    const socket = this.connect();
    this.attempt = socket;
    let taken = false;
    // The system takes connections for a process that is stopped: where it does not, the way is cut or the host gone.
    const cancelTaken = clock.after(TAKEN_WITHIN_MS, () => {
      // Where this process itself was held up, what the socket has to say waits still.
      setImmediate(() => {
        if (!taken && this.attempt === socket) this.giveUpDoubted(`not taken within ${TAKEN_WITHIN_MS} ms`);
      });
    });
    socket.once("connect", () => {
      taken = true;
      cancelTaken();
    });
    dialHandshake(
      socket,
      { ...this.options, attempt: this.failures },
      {
        done: (reader) => {
          const channel = socketChannel(socket, this.options.codec, { clock, reader });
          if (this.attempt === socket) this.connected(channel);
          else channel.close("no longer wanted");
        },
        failed: (error) => {
          cancelTaken();
          if (this.attempt !== socket) return;
          this.attempt = undefined;
          this.options.onFailure?.(error.message);
          if (!taken && this.channel) this.giveUpDoubted(error.message);
          else this.again();
        },
      },
    );
  }

  close(): void {
    this.stopped = true;
    this.giveUpAttempt();
    this.channel?.close("closed");
  }

  private connect(): Socket {
    const { address } = this;
    const { tls } = this.options;
    const where = typeof address === "string" ? { path: address } : { ...address };
    return tls === undefined ? createConnection(where) : connectTls({ ...where, ...tls(), minVersion: "TLSv1.3" });
  }

  private connected(channel: Channel<Out, In>): void {
    const { clock } = this.options;
    const doubted = this.channel;
    this.attempt = undefined;
    this.channel = channel;
    doubted?.close("another connection has taken its place");
    const sinceMs = clock.now();
    channel.onClose(() => {
      if (this.channel !== channel) return;
      this.channel = undefined;
      if (clock.now() - sinceMs >= SETTLED_AFTER_MS) this.failures = 0;
      if (!this.attempt) this.again();
    });
    this.onChannel(channel, {
      silent: (forMs) => this.doubt(channel, forMs),
      heard: () => {
        if (this.channel === channel) this.giveUpAttempt();
      },
    });
  }

  private doubt(channel: Channel<Out, In>, silentForMs: number): void {
    if (this.stopped || this.channel !== channel || this.attempt) return;
    this.options.onFailure?.(`nothing heard for ${silentForMs} ms`);
    this.cancelPause();
    this.dial();
  }

  private giveUpDoubted(reason: string): void {
    this.channel?.close(`nothing is heard, and another connection came to nothing: ${reason}`);
  }

  private giveUpAttempt(): void {
    const { attempt } = this;
    this.cancelPause();
    this.attempt = undefined;
    attempt?.destroy();
  }

  private again(): void {
    if (this.stopped) return;
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(this.failures, 10));
    this.failures += 1;
    this.cancelPause();
    this.cancelPause = this.options.clock.after(longest * (0.5 + this.options.random() / 2), () => this.dial());
  }
}
