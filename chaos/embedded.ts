/** `npm run chaos`: a whole run on the embedded engine, real processes, real faults. See docs/chaos.md. */
import { randomInt } from "node:crypto";
import { setMaxListeners } from "node:events";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findPart } from "../test/cluster/real-parts";
import { isInside, runInside, wayInside } from "./inside";
import { readOptions, USAGE, type ChaosOptions } from "./options";
import { impossibleFaults } from "./plan";
import { reportLines } from "./report";
import { ChaosRun } from "./run";
import { Stage } from "./stage";

const HOME = join(__dirname, "..");
const FOLDER = "FORGE_CHAOS_FOLDER";
const SEED = "FORGE_CHAOS_SEED";
const NO_WAY = "FORGE_CHAOS_NO_WAY";
const EXIT = { kept: 0, broken: 1, wrongOptions: 2, stopped: 130 } as const;

async function main(): Promise<number> {
  const env = process.env;
  let options: ChaosOptions;
  try {
    if (process.argv.includes("--help")) {
      console.log(USAGE);
      return EXIT.kept;
    }
    options = readOptions(process.argv.slice(2), () => Number(env[SEED] ?? randomInt(2 ** 31)));
  } catch (error) {
    console.error(`chaos: ${(error as Error).message}\n${USAGE}`);
    return EXIT.wrongOptions;
  }
  if (isInside()) return await chaos(options, env[FOLDER] ?? "");
  const folder = mkdtempSync(join(tmpdir(), "forge-chaos-"));
  try {
    const way = wayInside();
    const seed = String(options.seed);
    if (typeof way !== "string") return await runInside(way, { [FOLDER]: folder, [SEED]: seed });
    env[NO_WAY] = way;
    return await chaos(options, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function chaos(options: ChaosOptions, folder: string): Promise<number> {
  const say = (line: string): void => void (options.json ? undefined : console.log(line));
  const stopping = new AbortController();
  // Everything that waits listens to it.
  setMaxListeners(0, stopping.signal);
  const stop = (): void => stopping.abort();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, stop);
  process.on("message", stop);
  let run: ChaosRun | undefined;
  say(
    `seed ${String(options.seed)}: npm run chaos -- --seed ${String(options.seed)} --minutes ${String(options.minutes)} strikes the same again`,
  );
  let stage: Stage | undefined;
  try {
    stage = await Stage.start({
      folder,
      home: HOME,
      regions: options.regions,
      consul: findPart("consul"),
      inside: isInside(),
      onDeath: (program, how) => run?.onDeath(program, how),
    });
    for (const { name, lacks } of impossibleFaults(stage.have))
      say(`not possible here: ${name}, for want of ${lacks.join(" and ")}`);
    const noWay = process.env[NO_WAY];
    if (noWay !== undefined) say(`no namespaces of its own: ${noWay}`);
    run = new ChaosRun(
      stage,
      options,
      (line) => say(`${new Date().toISOString().slice(11, 23)} ${line}`),
      stopping.signal,
    );
    const result = await run.run();
    if (options.json) console.log(JSON.stringify(result));
    else for (const line of reportLines(result)) console.log(line);
    if (result.broken.length > 0) return EXIT.broken;
    return result.stopped ? EXIT.stopped : EXIT.kept;
  } finally {
    stopping.abort();
    await stage?.stop();
    if (options.keep !== undefined)
      cpSync(folder, options.keep, { recursive: true, filter: (path) => !path.endsWith(".sock") });
    if (process.connected) process.disconnect();
  }
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(`chaos: ${(error as Error).message}`);
    process.exit(1);
  },
);
