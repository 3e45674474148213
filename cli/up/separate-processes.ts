import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PROGRAM_START } from "../../config/program-start";
import type { RegionProgram } from "../../config/region-names";
import type { RootClient } from "../../controller/adapters/embedded/root-client";
import type { EntryView } from "../../controller/adapters/embedded/root-protocol";
import { agentConfigOf, controllerConfigOf, gateConfigOf, type RootAccess } from "./program-configs";
import type { RunParts } from "./run-parts";
import type { PlannedRegion, RunPlan } from "./run-plan";
import type { RunSecrets } from "./run-secrets";

const GRACE_SECS = 5;

/** Controller, agent and gate of each region as programs under root, which starts them again when they die. */
export async function startSeparateProcesses(
  plan: RunPlan,
  secrets: RunSecrets,
  root: RootAccess & { readonly client: RootClient },
  env: Readonly<Record<string, string>>,
): Promise<RunParts> {
  const { client } = root;
  for (const region of plan.regions) {
    const configs = {
      gate: gateConfigOf(region, secrets),
      controller: controllerConfigOf(plan, region, secrets, root, "sockets"),
      agent: agentConfigOf(region, secrets, client.welcome.limits),
    };
    for (const program of ["gate", "controller", "agent"] as const) {
      const name = programName(program, region);
      const { nodeOptions, env: startEnv } = PROGRAM_START[program];
      await client.runProgram({
        name,
        nodeOptions,
        script: join(plan.home, "dist", `${program}.js`),
        args: [writeConfig(plan, name, configs[program])],
        env: { ...startEnv, ...env },
        restart: "always",
        cwd: plan.runDir,
        logDir: join(plan.runDir, "logs"),
        graceSecs: GRACE_SECS,
      });
    }
  }
  return {
    pids: async () => Object.fromEntries((await client.list()).flatMap((entry) => programPid(entry))),
    stopDeciding: async () => {
      for (const region of plan.regions)
        await client.stop(programName("controller", region), GRACE_SECS).catch(() => undefined);
    },
    // Root ends its programs itself, servers first.
    close: () => Promise.resolve(),
  };
}

/** Root's name for a region's program. */
export function programName(program: RegionProgram, region: Pick<PlannedRegion, "name">): string {
  return `${program}.${region.name}`;
}

function programPid({ id, kind, tasks: [task] }: EntryView): readonly (readonly [string, number])[] {
  return kind === "program" && typeof task?.pid === "number" ? [[id, task.pid]] : [];
}

/** It holds secrets, so only its owner may read it, from its first moment. */
function writeConfig(plan: RunPlan, name: string, config: unknown): string {
  const folder = join(plan.runDir, "programs");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, `${name}.json`);
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  return file;
}
