import type { FromAgent, FromController } from "../protocol/messages";
import type { FromGate, ToGate } from "../protocol/gate-messages";

/** What may be under way when a fault strikes: the kinds of messages between all parts. */
export const PHASES = [
  "greeting",
  "snapshot",
  "epoch",
  "expect",
  "grant",
  "claim",
  "release",
  "close",
  "forget",
  "notice",
  "report",
  "join",
  "leave",
  "sdk",
  "ask",
  "engine",
  "lock",
  "kept",
] as const;

export type Phase = (typeof PHASES)[number];

/** Those of a plain world: in it nothing is kept of fleets. */
export const PLAIN_PHASES: readonly Phase[] = PHASES.filter((phase) => phase !== "kept");

type Message = FromAgent | FromController | FromGate | ToGate;

const REQUESTS: Readonly<Record<string, Phase>> = {
  epoch: "epoch",
  expect: "expect",
  grant: "grant",
  claim: "claim",
  allocate: "claim",
  release: "release",
  close: "close",
  forget: "forget",
  ended: "forget",
  notice: "notice",
  labels: "notice",
};

/** Which phase a message belongs to; undefined for pings. An answer belongs to what it answers: see `asked`. */
export function phaseOf(message: Message, asked: Map<number, Phase>): Phase | undefined {
  switch (message.type) {
    case "ping":
      return undefined;
    case "hello":
    case "welcome":
    case "refused":
      return "greeting";
    case "snapshot":
      return "snapshot";
    case "report":
      return "report";
    case "request": {
      const phase = REQUESTS[message.body.kind] ?? "notice";
      asked.set(message.id, phase);
      return phase;
    }
    case "call": {
      const phase = message.path.endsWith("/join") ? "join" : message.path.endsWith("/leave") ? "leave" : "sdk";
      asked.set(message.id, phase);
      return phase;
    }
    case "ack":
    case "answer": {
      const phase = asked.get(message.id);
      asked.delete(message.id);
      return phase ?? "report";
    }
    default:
      return "sdk";
  }
}
