/** What the demonstration breaks on purpose, and when. */
export interface PlannedFault {
  /** Milliseconds after the bots have started. */
  readonly atMs: number;
  readonly target: "server" | "controller" | "agent";
}

/** An endless demonstration kills a server each minute. */
const EVERY_MS = 60_000;

/**
 * One server is killed on the way; where they are processes of their own, then a controller, then an agent. They are spread over
 * the middle of a run that has an end, so that there are players to move and time to see them come back.
 */
export function plannedFaults(options: {
  readonly forMs: number | undefined;
  readonly mortal: readonly ("controller" | "agent")[];
}): readonly PlannedFault[] {
  const { forMs, mortal } = options;
  const targets = ["server", ...mortal] as const;
  const shares = mortal.length > 0 ? [0.35, 0.5, 0.65] : [0.5];
  const lengthMs = forMs ?? EVERY_MS;
  return targets.map((target, index) => ({ target, atMs: Math.round(lengthMs * (shares[index] ?? 0.5)) }));
}
