import type { Channel } from "../../protocol/channel";
import type { FromGate, GateCall, ToGate } from "../../protocol/gate-messages";

/** Told of each SDK call with its answer, in the order of the answers. */
export type OnCall = (call: GateCall, status: number, body: unknown) => void;

/** The gate's end of its pipe to the agent, with an ear on the calls that go through. */
export function tapped(channel: Channel<FromGate, ToGate>, onCall: OnCall): Channel<FromGate, ToGate> {
  const waiting = new Map<number, GateCall>();
  return {
    get closed() {
      return channel.closed;
    },
    send(message) {
      if (message.type === "call") waiting.set(message.id, message);
      return channel.send(message);
    },
    onMessage: (listener) =>
      channel.onMessage((message) => {
        const call = message.type === "answer" ? waiting.get(message.id) : undefined;
        if (message.type === "answer" && call) {
          waiting.delete(message.id);
          onCall(call, message.status, message.body);
        }
        listener(message);
      }),
    onClose: (listener) => channel.onClose(listener),
    close: (reason) => channel.close(reason),
  };
}
