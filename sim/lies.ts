import type { FromAgent } from "../protocol/messages";
import type { Random } from "./random";

const SHARE = 0.25;

/** How a faulty agent says what is not so: refusals that are none, sessions that nobody knows, and plain rubbish. */
export function liar(random: Random): (line: string) => string {
  return (line) => {
    if (!random.chance(SHARE)) return line;
    const message = JSON.parse(line) as FromAgent;
    const lie = twisted(message, random);
    return lie === undefined ? line : `${JSON.stringify(lie)}\n`;
  };
}

function twisted(message: FromAgent, random: Random): unknown {
  switch (message.type) {
    case "ack":
      if (random.chance(0.2)) return { ...message, id: message.id + 1000 };
      if (message.ok && random.chance(0.5)) {
        const { id, epoch } = message;
        return { type: "ack", id, ok: false, epoch, code: "full", detail: "a lie" };
      }
      return { ...message, free: 99 };
    case "report": {
      const [first] = message.events;
      if (!first) return undefined;
      const { serverId, allocationId, atMs } = first;
      const foreign = { serverId, allocationId, atMs, kind: "joined", sessionId: "nobody's", generation: 7 };
      const unknown = { serverId: "no-server", allocationId: "none", atMs, kind: "gone", reason: "a lie" };
      return { ...message, events: [foreign, unknown, ...message.events, ...message.events] };
    }
    case "snapshot":
      return random.chance(0.3) ? { type: "snapshot", servers: "rubbish" } : { ...message, epoch: 0 };
    case "hello":
    case "ping":
      return undefined;
  }
}
