/** FOR TESTS: the gate as a program of its own, with an agent that opened the ports of two servers and answers each call. Prints the ports. */
import { newGate, TestAgent } from "../../agent/gate/test-agent";
import type { GateLimits } from "../../agent/gate/limits";
import { systemClock } from "../../protocol/clock";

/** `gate-program LIMITS`, the limits as JSON. */
async function main(): Promise<void> {
  const limits = JSON.parse(process.argv[2] ?? "{}") as Partial<GateLimits>;
  const agent = new TestAgent(newGate(systemClock, { limits }));
  const [first, second] = [await agent.open("a", { sdk: "agones" }), await agent.open("b", { sdk: "agones" })];
  process.stdout.write(`${first} ${second}\n`);
  // What it heard is of no use here, and its memory is measured.
  setInterval(() => agent.heard.splice(0), 100);
}

void main();
