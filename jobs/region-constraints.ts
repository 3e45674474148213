import type { RegionConfig } from "../config/config";
import type { NodeConstraint } from "./spec";

/** Which nodes a region's jobs may run on, as Nomad has it. */
export function regionConstraints({ constraints }: Pick<RegionConfig, "constraints">): readonly NodeConstraint[] {
  return Object.entries(constraints).map(([property, value]) => ({
    attribute: `\${${property}}`,
    operator: "=",
    value,
  }));
}
