import pc from "picocolors";
import type { ServerState } from "../controller/core/resources";

/** Colours of the terminal, or functions that leave text as it is. */
export type Paints = ReturnType<typeof pc.createColors>;

export function paintsFor(color: boolean): Paints {
  return pc.createColors(color);
}

/** What is well is quiet, what needs a look is not. */
export function paintOfServerState(state: ServerState, paints: Paints): (text: string) => string {
  switch (state) {
    case "ready":
      return paints.green;
    case "allocated":
    case "reserved":
      return paints.cyan;
    case "starting":
    case "draining":
      return paints.yellow;
    case "suspect":
      return paints.magenta;
    case "unhealthy":
      return paints.red;
    case "terminated":
      return paints.dim;
  }
}

export function paintOfRegionState(state: "up" | "draining" | "down", paints: Paints): (text: string) => string {
  return state === "up" ? paints.green : state === "draining" ? paints.yellow : paints.red;
}
