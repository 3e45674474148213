/** What a large region did, minute by minute: printed as it comes, and summed up at the end. */
import { tellFigure } from "./figure";
import type { Lag } from "./region-program";

export interface Row {
  readonly minute: number;
  readonly sessions: number;
  readonly seats: number;
  readonly refused: number;
  readonly seatP99Ms: number;
  /** MiB. */
  readonly controller: number;
  readonly agents: number;
  readonly real: number;
  /** Cores that were busy with them: what makes a minute slower than another shows here, or in the machine. */
  readonly controllerCores: number;
  readonly agentsCores: number;
  readonly controllerLag: Lag;
  readonly agentLag: Lag;
}

export const HEAD =
  "minute  sessions  seats  refused  seat p99 ms   controller MiB  agents MiB  real run MiB   cores: controller  agents   lag p99/max ms: controller      agents";

export function print(row: Row): void {
  const lag = ({ p99Ms, maxMs }: Lag): string => `${p99Ms.toFixed(0)}/${maxMs.toFixed(0)}`.padStart(12);
  const cells = [
    String(row.minute).padStart(6),
    String(row.sessions).padStart(10),
    String(row.seats).padStart(7),
    String(row.refused).padStart(9),
    row.seatP99Ms.toFixed(0).padStart(13),
    row.controller.toFixed(0).padStart(17),
    row.agents.toFixed(0).padStart(12),
    row.real.toFixed(0).padStart(14),
    row.controllerCores.toFixed(2).padStart(20),
    row.agentsCores.toFixed(2).padStart(8),
    lag(row.controllerLag).padStart(29),
    lag(row.agentLag),
  ];
  console.log(cells.join(""));
}

/** What the second half has more than the first, by its mean, in MiB: about nothing where memory is flat. */
function growth(rows: readonly Row[], of: (row: Row) => number): number {
  const half = Math.ceil(rows.length / 2);
  const mean = (part: readonly Row[]): number => part.reduce((sum, row) => sum + of(row), 0) / part.length;
  return rows.length < 2 ? NaN : mean(rows.slice(half)) - mean(rows.slice(0, half));
}

/** Whether memory stayed flat and lateness bounded, over the minutes that there are. @param late players who came too late */
export function sumUp(rows: readonly Row[], late: number): void {
  if (rows.length === 0) return console.log("no minute was finished");
  const most = (of: (row: Row) => number): number => Math.max(...rows.map(of));
  const grown = { controller: growth(rows, (row) => row.controller), agents: growth(rows, (row) => row.agents) };
  const lags = (of: (row: Row) => Lag): string =>
    `${most((row) => of(row).p99Ms).toFixed(0)} ms p99, ${most((row) => of(row).maxMs).toFixed(0)} ms at most`;
  console.log(`late: controller ${lags((row) => row.controllerLag)}; agents ${lags((row) => row.agentLag)}`);
  console.log(
    `second half over first: controller ${grown.controller.toFixed(1)} MiB, agents ${grown.agents.toFixed(1)} MiB, real run ${growth(rows, (row) => row.real).toFixed(1)} MiB`,
  );
  tellFigure("largeRegion", {
    controllerMiB: most((row) => row.controller),
    agentsMiB: most((row) => row.agents),
    controllerGrownMiB: grown.controller,
    agentsGrownMiB: grown.agents,
    lagP99Ms: most((row) => row.controllerLag.p99Ms),
    seatP99Ms: most((row) => row.seatP99Ms),
    refused: rows.reduce((sum, row) => sum + row.refused, late),
  });
}

export function worst(lags: readonly Lag[]): Lag {
  return {
    p99Ms: Math.max(...lags.map(({ p99Ms }) => p99Ms)),
    maxMs: Math.max(...lags.map(({ maxMs }) => maxMs)),
  };
}
