import type { Socket } from "node:net";
import type { Channel } from "./channel";
import { ChannelEnd } from "./channel-end";
import type { Clock } from "./clock";
import { LineReader, MalformedMessage, type Codec } from "./codec";
import { FlushPace } from "./flush-pace";

/** More than this waiting and `send` says so. */
const HIGH_WATER = 1024 * 1024;
/** More than this and the other side is taken for gone: it has stopped reading, and memory is not endless. */
const MAX_WAITING = 256 * 1024 * 1024;
const CLOSE_WITHIN_MS = 1000;
/** How long a stream that is written to all the time gathers what is said. */
const GATHER_MS = 1;

export interface SocketChannelOptions {
  readonly clock: Clock;
  /** Where a handshake has read from the socket before: goes on with what it left. */
  readonly reader?: LineReader;
}

/**
 * A channel over a connected socket. What is sent in one turn of the event loop goes out in one write: at its end, since
 * one turn may hear from many other sockets, and a system call for each of them costs more than all that is said. Under
 * load it is a millisecond's instead: see `FlushPace`.
 */
export function socketChannel<Out, In>(
  socket: Socket,
  codec: Codec<Out, In>,
  { clock, reader }: SocketChannelOptions,
): Channel<Out, In> {
  return new SocketChannel(socket, codec, clock, reader);
}

class SocketChannel<Out, In> implements Channel<Out, In> {
  private readonly end = new ChannelEnd<In>();
  private readonly reader: LineReader;
  private readonly pace = new FlushPace();
  private lines: string[] = [];
  private queued = 0;
  private cancelDestroy: () => void = () => undefined;

  constructor(
    private readonly socket: Socket,
    private readonly codec: Codec<Out, In>,
    private readonly clock: Clock,
    reader: LineReader | undefined,
  ) {
    const onLine = (line: string): void => this.receive(line);
    this.reader = reader ?? new LineReader(onLine);
    reader?.become(onLine);
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => this.read(chunk));
    socket.on("error", (error) => this.end.end(error.message));
    socket.on("close", () => {
      this.cancelDestroy();
      this.end.end("the other side closed the connection");
    });
  }

  get closed(): boolean {
    return this.end.closed;
  }

  send(message: Out): boolean {
    if (this.closed) return false;
    const line = this.codec.encode(message);
    if (this.lines.push(line) === 1) this.flushSoon();
    this.queued += line.length;
    const waiting = this.queued + this.socket.writableLength;
    if (waiting > MAX_WAITING) this.abort(`the other side has not read ${waiting} bytes`);
    return waiting <= HIGH_WATER;
  }

  onMessage(listener: (message: In) => void): void {
    this.end.onMessage(listener);
  }

  onClose(listener: (reason: string) => void): void {
    this.end.onClose(listener);
  }

  /** What was sent before still goes out, within a second. */
  close(reason = "closed"): void {
    if (!this.end.end(reason)) return;
    this.flush();
    this.socket.end();
    this.cancelDestroy = this.clock.after(CLOSE_WITHIN_MS, () => this.socket.destroy());
  }

  private abort(reason: string): void {
    this.end.end(reason);
    this.lines = [];
    this.socket.destroy();
  }

  private flushSoon(): void {
    if (this.pace.atOnce(this.clock.now())) setImmediate(() => this.flush());
    else this.clock.after(GATHER_MS, () => this.flush());
  }

  private flush(): void {
    if (this.lines.length === 0 || this.socket.destroyed) return;
    this.socket.write(this.lines.length === 1 ? (this.lines[0] as string) : this.lines.join(""));
    this.lines = [];
    this.queued = 0;
  }

  private read(chunk: Buffer): void {
    if (this.closed) return;
    try {
      this.reader.push(chunk);
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error;
      this.close(`the other side sent ${error.message}`);
    }
  }

  private receive(line: string): void {
    if (this.closed) return;
    this.end.deliver(this.codec.decode(line));
  }
}
