/**
 * A two-way stream of messages in order. Over a pipe in one process (`memoryChannelPair`) or a socket between two
 * (`socketChannel`): both serialise, so that what works in one process works in two.
 */
export interface Channel<Out, In> {
  /** Queues a message; returns false once more than the high-water mark is waiting (the caller may slow down). */
  send(message: Out): boolean;
  /** One listener; messages that arrive before it is set wait for it. */
  onMessage(listener: (message: In) => void): void;
  /** Called once, with the reason, when the other side is gone or `close` was called. */
  onClose(listener: (reason: string) => void): void;
  close(reason?: string): void;
  readonly closed: boolean;
}
