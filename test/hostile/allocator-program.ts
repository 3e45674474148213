/** FOR TESTS: the allocation service as a program of its own, before a controller that always has a server. Prints its port twice. */
import pino from "pino";
import { startAllocatorService, type AllocatorOptions } from "../../controller/agones/allocator-service";
import { BackendDouble, serverSample } from "../../controller/api/backend-double";
import { Tokens } from "../../controller/tokens";
import { systemClock } from "../../protocol/clock";

/** `allocator-program OPTIONS`, the options as JSON. */
async function main(): Promise<void> {
  const options = JSON.parse(process.argv[2] ?? "{}") as AllocatorOptions;
  const server = serverSample({ state: "allocated" });
  const backend = new BackendDouble().when("allocateServer", () => ({ ok: true, value: server }));
  const tokens = new Tokens("a key of one run, for tests only, long enough", systemClock);
  const log = pino({ level: "error" }, pino.destination(2));
  const service = await startAllocatorService(options, { backend, tokens, token: () => "", clock: systemClock, log });
  process.stdout.write(`${service.port} ${service.port}\n`);
}

void main();
