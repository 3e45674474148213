import { Metadata, ServerInterceptingCall, type ServerInterceptor } from "@grpc/grpc-js";
import type { Clock } from "../../../protocol/clock";
import { CODE } from "../../agones/agones-status";
import type { GateLimits } from "../limits";

/**
 * Bounds what one game server may have begun to send: each call whose message is not there yet may hold as much as a body
 * may have, and all servers of a node share the gate's memory. Streams of messages count until they end.
 *
 * @returns what refuses calls beyond `arrivingCalls`, and ends single messages that take longer than `requestMs`
 */
export function boundArriving(
  { arrivingCalls, requestMs }: Pick<GateLimits, "arrivingCalls" | "requestMs">,
  clock: Clock,
): ServerInterceptor {
  let arriving = 0;
  return ({ requestStream }, call) => {
    let endWait: (() => void) | undefined;
    const refuse = (code: number, details: string): void =>
      call.sendStatus({ code, details, metadata: new Metadata() });
    const begin = (): void => {
      arriving += 1;
      const late = (): void => refuse(CODE.deadlineExceeded, `not sent within ${requestMs / 1000} s`);
      endWait = requestStream ? () => undefined : clock.after(requestMs, late);
    };
    const arrive = (): void => {
      if (endWait === undefined) return;
      arriving -= 1;
      endWait();
      endWait = undefined;
    };
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          // A call that is over before this is not begun, and hears of no end either.
          onReceiveMetadata: (metadata, pass) => {
            if (arriving >= arrivingCalls) {
              const details = `${arriving} calls of this server are still being sent; send each at once`;
              return refuse(CODE.resourceExhausted, details);
            }
            begin();
            pass(metadata);
          },
          onReceiveMessage: (message, pass) => {
            if (!requestStream) arrive();
            pass(message);
          },
          // Comes at every end, also at a good one.
          onCancel: arrive,
        }),
    });
  };
}
