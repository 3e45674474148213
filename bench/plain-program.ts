import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { PROGRAM_START } from "../config/program-start";
import type { RegionProgram } from "../config/region-names";
import { cpuMsOf, memoryOf, type Memory } from "./child-program";

/** One of Forge's own programs as it is shipped: a script and a file with its configuration. */
export class PlainProgram {
  private constructor(private readonly child: ChildProcess) {}

  static start(program: RegionProgram, script: string, configFile: string, config: unknown): PlainProgram {
    writeFileSync(configFile, JSON.stringify(config), { mode: 0o600 });
    const { nodeOptions, env } = PROGRAM_START[program];
    const child = spawn(process.execPath, [...nodeOptions, script, configFile], {
      stdio: ["ignore", "ignore", "inherit"],
      env: { ...process.env, ...env },
    });
    return new PlainProgram(child);
  }

  get pid(): number {
    return this.child.pid ?? NaN;
  }

  memory(): Memory {
    return memoryOf(this.pid);
  }

  cpuMs(): number {
    return cpuMsOf(this.pid);
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, "exit");
    this.child.kill("SIGTERM");
    await gone;
  }
}
