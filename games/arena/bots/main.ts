/**
 * A swarm of bots that play the arena as people would: they ask Forge for places, connect, play, report, follow their
 * session when a server goes, and leave. Prints one line of JSON a second and a summary at the end.
 */
import { readOptions, USAGE, type SwarmOptions } from "./options";
import { seeded } from "./random";
import { Swarm } from "./swarm";
import { Tally } from "./tally";

/** Leaving takes a moment; who told us to stop waits for three seconds. */
const LEAVE_MS = 2_300;

async function main(options: SwarmOptions): Promise<void> {
  const random = seeded(options.seed);
  const tally = new Tally(random);
  const print = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);
  const swarm = new Swarm(options, tally, random, Date.now, (line) => console.error(`bots: ${line}`));

  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopping ??= end());
  const end = async (): Promise<void> => {
    clearInterval(lines);
    let slow: NodeJS.Timeout | undefined;
    await Promise.race([swarm.stop(), new Promise((resolve) => (slow = setTimeout(resolve, LEAVE_MS)))]);
    clearTimeout(slow);
    process.stdout.write(`${JSON.stringify(tally.summary())}\n`, () => process.exit(0));
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => void stop());
  // Whoever reads our lines is gone, and with it the reason to play.
  process.stdout.on("error", () => process.exit(0));

  const lines = setInterval(() => print(tally.line(swarm.wanted)), 1_000);
  if (options.durationMs !== undefined) setTimeout(() => void stop(), options.durationMs);
  await swarm.start();
}

let options: SwarmOptions;
try {
  options = readOptions(process.argv.slice(2), process.env);
} catch (error) {
  console.error(`arena-bots: ${(error as Error).message}\n${USAGE}`);
  process.exit(2);
}
main(options).catch((error: unknown) => {
  console.error(`arena-bots: ${(error as Error).message}`);
  process.exit(1);
});
