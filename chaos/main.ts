/** `npm run chaos`: the one way in; `--on` says where faults strike. See docs/chaos.md. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { nomadEnv, whereOf, type Place } from "./where";

const WRONG_OPTIONS = 2;

async function main(): Promise<void> {
  const { on, rest } = whereOf(process.argv.slice(2));
  if (on === "nomad") {
    process.exitCode = await onNomad(nomadEnv(rest));
    return;
  }
  // What runs there starts itself anew inside its namespaces, with the arguments that this process has.
  process.argv.splice(1, Infinity, programOf(on), ...rest);
  await (on === "nodes" ? import("./nodes/main") : import("./embedded"));
}

function programOf(on: Exclude<Place, "nomad">): string {
  return on === "nodes" ? join(__dirname, "nodes", "main.ts") : join(__dirname, "embedded.ts");
}

/** A test file, which `npm test` ends everything of, and says why where this machine has no such region. */
async function onNomad(env: Readonly<Record<string, string>>): Promise<number> {
  const home = join(__dirname, "..");
  const args = [join(home, "scripts", "test.mjs"), "./test/cluster/nomad-chaos.test.ts"];
  const child = spawn(process.execPath, args, { cwd: home, stdio: "inherit", env: { ...process.env, ...env } });
  // From a terminal the signal is the child's too.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => void child.kill(signal));
  const [code] = (await once(child, "exit")) as [number | null];
  return code ?? 1;
}

main().catch((error: unknown) => {
  console.error(`chaos: ${(error as Error).message}`);
  process.exitCode = WRONG_OPTIONS;
});
