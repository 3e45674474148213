/**
 * The AI of the arenas: a fleet role, a few servers that lead the NPCs of all arenas of a region. Arenas find it through
 * `FORGE_ROLE_AI` and the SDK's `peers` event, connect to its port `ai`, and ask in lines of JSON.
 */
import { createServer, type AddressInfo } from "node:net";
import { forgePort, GameServer } from "eustress-forge-sdk/server";
import { readLines, writeLine } from "../lines";
import { decide, readQuestion } from "./decide";

const MAX_LINE = 64 * 1024;

async function main(): Promise<void> {
  const env = process.env;
  const listener = createServer({ noDelay: true }, (socket) => {
    readLines(socket, MAX_LINE, (value) => {
      const question = readQuestion(value);
      if (question === undefined) socket.destroy(new Error("a line that is no question"));
      else writeLine(socket, decide(question, Math.random));
    });
    socket.on("error", (error) => console.error(`arena ai: an arena's connection: ${error.message}`));
  });
  await new Promise<void>((resolve, reject) => {
    listener.once("error", reject);
    listener.listen(forgePort(env, "ai"), env["NOMAD_IP_ai"] ?? "127.0.0.1", resolve);
  });
  const { address, port } = listener.address() as AddressInfo;
  console.log(`arena ai on ${address}:${port}`);

  // By hand it runs without Forge too.
  const forge = env["FORGE_SDK_URL"] ? await GameServer.connect() : undefined;
  await forge?.ready();
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      forge?.close();
      process.exit(0);
    });
  }
}

main().catch((error: unknown) => {
  console.error(`arena ai: ${(error as Error).message}`);
  process.exit(1);
});
