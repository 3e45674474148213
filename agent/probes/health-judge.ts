import type { ExpectedHealth } from "../../protocol/messages";
import type { Finding, KnownHealth } from "../finding";

export type HealthRules = Pick<ExpectedHealth, "intervalMs" | "unhealthyThreshold" | "healthyThreshold">;

/** What one look at a server found. */
export type Look =
  | { readonly ok: true; readonly findings?: readonly Finding[] }
  /** `hopeless`: no further look can end better, so nobody need wait for it. */
  | { readonly ok: false; readonly reason: string; readonly hopeless?: boolean };

/** Thrown by a look that was asked for something impossible; the message says what to write instead. */
export class ProbeMisconfigured extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ProbeMisconfigured";
  }
}

/** While a server starts it is looked at often, so that it counts as ready soon after it is. */
const STARTING_EVERY_MS = 250;
const STARTING_OFTEN = 40;
/** A look that failed, or a server that is ill, is looked at again so soon. */
const DOUBTFUL_EVERY_MS = 1000;

type State = "starting" | "healthy" | "unhealthy";

/**
 * Turns looks into findings, by counting.
 *
 *     state      look               becomes                              says
 *     starting   succeeds           healthy                              ready
 *     starting   fails              starting                             nothing: how long it may take is the agent's affair
 *     any        is hopeless        unhealthy                            unhealthy, with the reason
 *     healthy    fails              unhealthy at `unhealthyThreshold`    unhealthy, with the last reason
 *                                   failures in a row
 *     unhealthy  succeeds           healthy at `healthyThreshold`        healthy
 *                                   successes in a row
 */
export class HealthJudge {
  #state: State;
  #inARow = 0;
  #looks = 0;

  constructor(
    private readonly rules: HealthRules,
    known: KnownHealth = { ready: false, healthy: true },
  ) {
    this.#state = known.ready ? (known.healthy ? "healthy" : "unhealthy") : "starting";
  }

  /** @returns what there is to say now, the server's own findings first */
  judge(look: Look): readonly Finding[] {
    this.#looks++;
    const verdict = this.#verdict(look);
    const findings = look.ok ? (look.findings ?? []) : [];
    return verdict === undefined ? findings : [verdict, ...findings];
  }

  /** How long until the next look, in milliseconds from the begin of the last. */
  get pauseMs(): number {
    const { intervalMs } = this.rules;
    if (this.#state === "starting") {
      return Math.min(intervalMs, this.#looks < STARTING_OFTEN ? STARTING_EVERY_MS : DOUBTFUL_EVERY_MS);
    }
    const doubtful = this.#state === "unhealthy" || this.#inARow > 0;
    return doubtful ? Math.min(intervalMs, DOUBTFUL_EVERY_MS) : intervalMs;
  }

  #verdict(look: Look): Finding | undefined {
    if (!look.ok && look.hopeless === true) {
      const { reason } = look;
      return this.#state === "unhealthy" ? undefined : this.#become("unhealthy", { kind: "unhealthy", reason });
    }
    switch (this.#state) {
      case "starting":
        return look.ok ? this.#become("healthy", { kind: "ready" }) : undefined;
      case "healthy": {
        this.#inARow = look.ok ? 0 : this.#inARow + 1;
        if (look.ok || this.#inARow < this.rules.unhealthyThreshold) return undefined;
        const reason = `${this.#inARow} probes in a row failed, the last with: ${look.reason}`;
        return this.#become("unhealthy", { kind: "unhealthy", reason });
      }
      case "unhealthy":
        this.#inARow = look.ok ? this.#inARow + 1 : 0;
        return this.#inARow < this.rules.healthyThreshold ? undefined : this.#become("healthy", { kind: "healthy" });
    }
  }

  #become(state: State, finding: Finding): Finding {
    this.#state = state;
    this.#inARow = 0;
    return finding;
  }
}
