import type { Server } from "../../controller/core/resources";
import type { Clock } from "../../protocol/clock";
import type { ForgeApi } from "../api";
import { plannedFaults, type PlannedFault } from "./demo-plan";
import type { RunningRun } from "./running-run";

/** What was just broken on purpose. */
export interface DoneFault {
  readonly target: PlannedFault["target"];
  /** Of the server, or the program's name. */
  readonly id: string;
  readonly region: string;
  readonly pid: number | undefined;
  /** Players on the server when it was killed. */
  readonly players: number | undefined;
}

export interface DemoFaultsOptions {
  readonly run: Pick<RunningRun, "kill" | "mortal">;
  readonly api: ForgeApi;
  readonly experience: string;
  readonly forMs: number | undefined;
  readonly regions: readonly string[];
  readonly clock: Clock;
  readonly onFault: (fault: DoneFault) => void;
}

const AGAIN_MS = 1000;

/**
 * Kills what the demonstration promises to kill, with SIGKILL and without telling Forge. An endless demonstration
 * starts over.
 */
export class DemoFaults {
  private cancels: (() => void)[] = [];
  private stopped = false;

  constructor(private readonly options: DemoFaultsOptions) {
    this.plan();
  }

  stop(): void {
    this.stopped = true;
    for (const cancel of this.cancels.splice(0)) cancel();
  }

  private plan(): void {
    const { forMs, run, clock } = this.options;
    const faults = plannedFaults({ forMs, mortal: run.mortal });
    this.cancels = faults.map((fault) => clock.after(fault.atMs, () => void this.do(fault)));
    if (forMs === undefined)
      this.cancels.push(clock.after(2 * Math.max(...faults.map(({ atMs }) => atMs)), () => this.plan()));
  }

  private async do(fault: PlannedFault): Promise<void> {
    if (this.stopped) return;
    const done = await (fault.target === "server" ? this.killServer() : this.killProgram(fault.target)).catch(
      () => undefined,
    );
    if (done) this.options.onFault(done);
    else if (!this.stopped) this.cancels.push(this.options.clock.after(AGAIN_MS, () => void this.do(fault)));
  }

  /** The fullest one, which has most to lose; of several the oldest, which has saved most of it. */
  private async killServer(): Promise<DoneFault | undefined> {
    const { api, run, experience } = this.options;
    const { items } = await api.list<Server>("/v1/servers", { experienceId: experience });
    const [fullest] = items
      .filter(
        ({ role, state, players }) => role === "server" && (state === "allocated" || state === "ready") && players > 0,
      )
      .sort((a, b) => b.players - a.players || Date.parse(a.createdAt) - Date.parse(b.createdAt));
    if (!fullest) return undefined;
    const pid = await run.kill({ kind: "server", id: fullest.id, region: fullest.region });
    if (pid === undefined) return undefined;
    return { target: "server", id: fullest.id, region: fullest.region, pid, players: fullest.players };
  }

  private async killProgram(program: "controller" | "agent"): Promise<DoneFault | undefined> {
    const region = this.options.regions[0] ?? "";
    const pid = await this.options.run.kill({ kind: "program", program, region });
    return pid === undefined
      ? undefined
      : { target: program, id: `${program}.${region}`, region, pid, players: undefined };
  }
}
