import type { ControlledCore } from "../controller/controller-deps";
import { Core, type CoreCounts, type CoreOptions } from "../controller/core/core";
import type { Decision } from "../controller/core/decision";
import type { Input } from "../controller/core/input";

/**
 * The real core with a second one beside it that is given the same inputs, copied: every decision must come out the same
 * (P9). What one of them had by accident, a shared object or a clock, the other has not.
 */
export class RecordedCore implements ControlledCore {
  readonly core: Core;
  private readonly replay: Core;
  inputs = 0;

  /**
   * @param options called twice, for two equal sets: ids from two generators of the same seed
   * @param onDecision told of each decision of the one that counts
   * @param onDifference told where the replay decided otherwise
   */
  constructor(
    options: () => CoreOptions,
    private readonly onDecision: (input: Input, decision: Decision) => void,
    private readonly onDifference: (evidence: string) => void,
  ) {
    this.core = new Core(options());
    this.replay = new Core(options());
  }

  handle(input: Input): readonly Decision[] {
    this.inputs += 1;
    const copy = JSON.parse(JSON.stringify(input)) as Input;
    const decisions = this.core.handle(input);
    const again = this.replay.handle(copy);
    const told = JSON.stringify(decisions);
    const replayed = JSON.stringify(again);
    if (told !== replayed)
      this.onDifference(`input ${String(this.inputs)} (${input.type}) gave ${told} and, replayed, ${replayed}`);
    for (const decision of decisions) this.onDecision(input, decision);
    return decisions;
  }

  get places(): boolean {
    return this.core.places;
  }

  summary(): ReturnType<Core["summary"]> {
    return this.core.summary();
  }

  numbers(nowMs: number): ReturnType<Core["numbers"]> {
    return this.core.numbers(nowMs);
  }

  counts(): CoreCounts {
    return this.core.counts();
  }
}
