import type { Channel } from "./channel";
import { ChannelEnd } from "./channel-end";
import type { Clock } from "./clock";
import type { Ping } from "./messages";

export interface LivenessTimes {
  /** How often to say that this side is there; DESIGN: 1000. */
  readonly pingMs: number;
  /** Silence for so long makes the other side suspect; DESIGN: 3000. */
  readonly silentMs: number;
}

/**
 * Pings over a channel and watches for silence, until it closes. `onSilent` is called once for each silence, `onBack`
 * when something is heard again.
 * @returns the channel to use from now on: the same without the pings, which end here
 */
export function watchLiveness<Out, In>(
  channel: Channel<Out | Ping, In | Ping>,
  clock: Clock,
  times: LivenessTimes,
  onSilent: (silentForMs: number) => void,
  onBack: () => void,
): Channel<Out, In> {
  const end = new ChannelEnd<In>();
  let heardMs = clock.now();
  let tickedMs = heardMs;
  let silent = false;
  let cancel: () => void = () => undefined;

  const tick = (): void => {
    const now = clock.now();
    // Where this process itself was held up, what the other side said meanwhile waits unread: that is not its silence.
    if (now - tickedMs > 2 * times.pingMs) heardMs = Math.max(heardMs, now - times.pingMs);
    tickedMs = now;
    channel.send({ type: "ping", atMs: now });
    if (!silent && now - heardMs >= times.silentMs) {
      silent = true;
      onSilent(now - heardMs);
    }
    if (!channel.closed) cancel = clock.after(times.pingMs, tick);
  };
  cancel = clock.after(times.pingMs, tick);

  channel.onMessage((message) => {
    heardMs = clock.now();
    if (silent) {
      silent = false;
      onBack();
    }
    if (!isPing(message)) end.deliver(message);
  });
  channel.onClose((reason) => {
    cancel();
    end.end(reason);
  });
  return {
    send: (message) => channel.send(message),
    onMessage: (listener) => end.onMessage(listener),
    onClose: (listener) => end.onClose(listener),
    close: (reason) => channel.close(reason),
    get closed() {
      return channel.closed;
    },
  };
}

function isPing(message: unknown): message is Ping {
  return typeof message === "object" && message !== null && "type" in message && message.type === "ping";
}
