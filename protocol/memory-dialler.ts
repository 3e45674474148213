import type { Channel } from "./channel";
import type { Clock } from "./clock";
import type { Codec } from "./codec";
import { memoryChannelPair } from "./memory-channel";
import type { Dialling } from "./socket-dialler";

const PAUSE_MS = 50;

/**
 * As `dialSocket`, within one process: connects two programs that would dial each other, and again whenever their channel
 * is closed, until this is.
 * @param onAccepted given the listening side's end of each new pair
 * @param onChannel given the dialling side's
 */
export function dialMemory<Out, In>(
  codecs: { readonly dialling: Codec<Out, In>; readonly listening: Codec<In, Out> },
  clock: Clock,
  onAccepted: (channel: Channel<In, Out>) => void,
  onChannel: (channel: Channel<Out, In>) => void,
): Dialling {
  let stopped = false;
  let current: Channel<Out, In> | undefined;
  let cancel: () => void = () => undefined;
  const dial = (): void => {
    const [here, there] = memoryChannelPair(codecs.dialling, codecs.listening);
    current = here;
    here.onClose(() => {
      if (!stopped) cancel = clock.after(PAUSE_MS, dial);
    });
    onAccepted(there);
    onChannel(here);
  };
  dial();
  return {
    close: () => {
      stopped = true;
      cancel();
      current?.close("closed");
    },
  };
}
