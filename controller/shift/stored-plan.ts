import type { Logger } from "pino";
import { shiftPlanSchema } from "../api/schemas/shift";
import type { ShiftPlan } from "../core/shift-plan";
import type { SharedDocument } from "../document";
import { ProblemError } from "../problems";

/** A region's plan where its leaders keep it. */
export class StoredPlan {
  constructor(
    private readonly store: SharedDocument<ShiftPlan>,
    private readonly log: Pick<Logger, "warn">,
  ) {}

  /**
   * Undefined where there is none, or none that can be read: that must not stand in the way of matches.
   * @throws {ProblemError} unavailable
   */
  async read(): Promise<{ readonly plan: ShiftPlan; readonly revision: number } | undefined> {
    const stored = await this.store.read().catch((error: unknown) => {
      throw new ProblemError("unavailable", `the shift's plan cannot be read: ${(error as Error).message}`);
    });
    if (stored === undefined) return undefined;
    const read = shiftPlanSchema.safeParse(stored.value);
    if (read.success) return { plan: read.data, revision: stored.revision };
    this.log.warn({ err: read.error }, "the stored shift's plan cannot be read: there is none");
    return undefined;
  }

  /**
   * @param before the revision that was read or written last; 0 where there is none
   * @returns the new one; undefined where somebody else has written meanwhile
   * @throws {ProblemError} unavailable
   */
  async write(plan: ShiftPlan, before: number): Promise<number | undefined> {
    return this.store.write(plan, before).catch((error: unknown) => {
      throw new ProblemError("unavailable", `the shift's plan cannot be written: ${(error as Error).message}`);
    });
  }
}
