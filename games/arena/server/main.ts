/**
 * One arena server. Forge starts it with its environment: ports `game` (WebSocket, /health, /metrics) and `physics`
 * (the task beside it), `FORGE_SDK_URL` and `FORGE_SDK_TOKEN`; AI servers are found by `FORGE_ROLE_AI` and events.
 */
import { forgePort, GameServer } from "eustress-forge-sdk/server";
import { Arena } from "./arena";
import { PhysicsLink } from "./physics-link";

const PHYSICS_START_MS = 10_000;
/** What is still being sent when the arena ends gets so long. */
const FAREWELL_MS = 300;

async function main(): Promise<void> {
  const env = process.env;
  const log = (line: string): void => console.log(`arena: ${line}`);
  const [forge, physics] = await Promise.all([
    GameServer.connect(),
    PhysicsLink.connect(forgePort(env, "physics"), PHYSICS_START_MS),
  ]);

  const end = (code: number): void => {
    forge.close();
    setTimeout(() => process.exit(code), FAREWELL_MS);
  };
  const arena = new Arena({
    forge,
    physics,
    host: env["NOMAD_IP_game"] ?? "127.0.0.1",
    port: forgePort(env, "game"),
    random: Math.random,
    now: Date.now,
    log,
    onFailure: (reason) => {
      console.error(`arena: ${reason}`);
      process.exit(1);
    },
  });
  const port = await arena.start();
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => void arena.stop(signal).then(() => end(0)));
  }
  await forge.ready();
  log(`${forge.info.serverId} plays on port ${port}`);
}

main().catch((error: unknown) => {
  console.error(`arena: ${(error as Error).message}`);
  process.exit(1);
});
