import pino from "pino";
import { joinConsul } from "../../controller/adapters/consul/join-consul";
import { systemClock } from "../../protocol/clock";

/**
 * A candidate for the leadership of a region as a program of its own, to be killed and stopped: it says each change of
 * where it stands as a line of JSON with its time, and hands over at SIGTERM.
 */
const [, , address = "", region = "", controllerId = ""] = process.argv;
const parts = joinConsul(
  { address },
  {
    region,
    controllerId,
    publicUrl: "http://127.0.0.1:9",
    agentListen: undefined,
    seenEpoch: () => 0,
    clock: systemClock,
    random: Math.random,
    env: process.env,
    log: pino({ level: "warn" }, pino.destination(2)),
  },
);
// Timers of the clock let a process end.
setInterval(() => undefined, 1000);
void parts.leadership.start((change) => {
  process.stdout.write(`${JSON.stringify({ ...change, controllerId, atMs: Date.now() })}\n`);
  parts.showLeader(change.leader);
});
process.once("SIGTERM", () => {
  void parts.leadership
    .close()
    .then(() => parts.close())
    .then(() => process.exit(0));
});
