import type { CommandResult } from "../decision";
import type { Input } from "../input";
import { RegionDouble } from "./region-double";
import { testExperience, testSettings } from "./settings-double";

type Transferred = Extract<Input, { type: "transferred" }>["result"];

/** Two regions with the experience `arena` that know each other; what one asks of the other goes by `carry` alone. */
export class TwoRegions {
  readonly here: RegionDouble;
  readonly there: RegionDouble;

  constructor(over: Parameters<typeof testExperience>[1] = {}) {
    const region = (name: string): RegionDouble =>
      new RegionDouble(testSettings([testExperience("arena", over)], { region: name }), ["n1", "n2"]).start();
    this.here = region("here");
    this.there = region("there");
    this.tellPeers();
  }

  tellPeers(): void {
    for (const [region, other] of [
      [this.here, this.there],
      [this.there, this.here],
    ] as const)
      region.give({ type: "peers", regions: [other.core.summary()] });
  }

  /** Carries what was asked of the other region there, and its answers back. */
  carry(): void {
    for (const { transferId, arrival } of this.here.transfers.splice(0)) {
      const result = this.there.call({ type: "takeIn", ...arrival });
      this.here.give({ type: "transferred", transferId, result: asAnswer(result) });
    }
    this.here.run();
  }

  /** Time in both, with everything carried. */
  advance(ms: number): void {
    for (let left = ms; left > 0; left -= 500) {
      this.there.advance(Math.min(500, left));
      this.here.advance(Math.min(500, left));
      this.tellPeers();
      this.carry();
    }
  }
}

function asAnswer(result: CommandResult): Transferred {
  return result as Transferred;
}
