import type { Arrival } from "../controller/core/arrival";
import type { Input } from "../controller/core/input";
import type { RegionSummary } from "../controller/core/resources";
import type { ControllerDeps } from "../controller/controller-deps";
import type { ControllerHost } from "./controller-host";
import type { Network } from "./network";
import type { Process } from "./process";

const POLL_MS = 1000;
const DOWN_AFTER = 3;
const TRANSFER_MS = 30_000;

type Transferred = Extract<Input, { type: "transferred" }>["result"];

/** What a controller hears of the run's other region: asked each second over the modelled network. */
export class VirtualPeers {
  private summary: RegionSummary | undefined;
  private missed = 0;
  private turn = 0;

  constructor(
    private readonly region: string,
    private readonly others: () =>
      { readonly region: string; readonly controllers: readonly ControllerHost[] } | undefined,
    private readonly network: Network,
    private readonly process: Process,
  ) {}

  start(onSummaries: (regions: readonly RegionSummary[]) => void): void {
    const poll = (): void => {
      const other = this.others();
      if (!other) return;
      this.missed += 1;
      onSummaries(this.summaries());
      this.ask(other.controllers[this.turn++ % Math.max(1, other.controllers.length)]);
      this.process.after(POLL_MS, poll);
    };
    poll();
  }

  all(): ReturnType<ControllerDeps["peers"]["all"]> {
    const other = this.others();
    const names = other ? [this.region, other.region] : [this.region];
    return names.map((name) => ({ name, url: undefined, location: undefined }));
  }

  summaries(): readonly RegionSummary[] {
    if (!this.summary) return [];
    return [this.missed > DOWN_AFTER ? { ...this.summary, state: "down" } : this.summary];
  }

  /** The other region is asked once; what has become of it where no answer comes nobody knows. */
  transfer(_region: string, arrival: Arrival): Promise<Transferred> {
    const other = this.others();
    const host = other?.controllers.find(({ leads, process }) => leads && process?.alive) ?? other?.controllers[0];
    return new Promise((resolve) => {
      const lost = (): void => resolve({ ok: false, problem: { code: "unavailable", detail: "no answer" } });
      this.process.after(TRANSFER_MS, lost);
      const reader = host?.process;
      if (!host || !reader?.alive) return lost();
      const { network, process } = this;
      const letter = {
        phase: "ask" as const,
        text: `take in ${arrival.players.map(({ playerId }) => playerId).join()}`,
      };
      const answer = (result: Transferred): void =>
        network.post({ ...letter, from: host.host, to: process.host, reader: process, deliver: () => resolve(result) });
      const deliver = (): void => {
        void host.command({ type: "takeIn", ...arrival }).then((result) => {
          if (reader.alive) answer(result as Transferred);
        });
      };
      network.post({ ...letter, from: process.host, to: host.host, reader, deliver });
    });
  }

  close(): void {
    this.summary = undefined;
  }

  private ask(host: ControllerHost | undefined): void {
    if (!host?.process?.alive) return;
    const { network, process } = this;
    const letter = { phase: "ask" as const, text: "summary", routine: true };
    network.post({
      ...letter,
      from: process.host,
      to: host.host,
      reader: host.process,
      deliver: () => {
        const summary = host.leads ? host.core?.summary() : undefined;
        if (!summary) return;
        network.post({
          ...letter,
          from: host.host,
          to: process.host,
          reader: process,
          deliver: () => {
            this.summary = summary;
            this.missed = 0;
          },
        });
      },
    });
  }
}
