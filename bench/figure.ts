/** Before each line of figures, for whoever reads a benchmark's output by a program. */
const FIGURE_MARK = "figure ";

/**
 * Tells a benchmark's outcome as JSON on a line of its own where `forge bench` asks for it (FORGE_BENCH_FIGURES), beside
 * what it prints for people.
 */
export function tellFigure(name: string, figure: Readonly<Record<string, number>>): void {
  if (process.env["FORGE_BENCH_FIGURES"] !== undefined) console.log(FIGURE_MARK + JSON.stringify({ name, ...figure }));
}
