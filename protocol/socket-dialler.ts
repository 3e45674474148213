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

/** Connects, and again whenever the connection is lost, until closed. Each success gives `onChannel` a new channel. */
export function dialSocket<Out, In>(
  address: Address,
  options: DialOptions<Out, In>,
  onChannel: (channel: Channel<Out, In>) => void,
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
  private socket: Socket | undefined;
  private channel: Channel<Out, In> | undefined;
  private cancelPause: () => void = () => undefined;

  constructor(
    private readonly address: Address,
    private readonly options: DialOptions<Out, In>,
    private readonly onChannel: (channel: Channel<Out, In>) => void,
  ) {}

  dial(): void {
    const { address } = this;
    const { tls } = this.options;
    const where = typeof address === "string" ? { path: address } : { ...address };
    const socket =
      tls === undefined ? createConnection(where) : connectTls({ ...where, ...tls(), minVersion: "TLSv1.3" });
    this.socket = socket;
    dialHandshake(
      socket,
      { ...this.options, attempt: this.failures },
      {
        done: (reader) =>
          this.connected(socketChannel(socket, this.options.codec, { clock: this.options.clock, reader })),
        failed: (error) => {
          this.options.onFailure?.(error.message);
          this.again();
        },
      },
    );
  }

  close(): void {
    this.stopped = true;
    this.cancelPause();
    if (this.channel) this.channel.close("closed");
    else this.socket?.destroy();
  }

  private connected(channel: Channel<Out, In>): void {
    this.channel = channel;
    const sinceMs = this.options.clock.now();
    channel.onClose(() => {
      this.channel = undefined;
      if (this.options.clock.now() - sinceMs >= SETTLED_AFTER_MS) this.failures = 0;
      this.again();
    });
    this.onChannel(channel);
  }

  private again(): void {
    if (this.stopped) return;
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(this.failures, 10));
    this.failures += 1;
    this.cancelPause = this.options.clock.after(longest * (0.5 + this.options.random() / 2), () => this.dial());
  }
}
