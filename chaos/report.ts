import type { ChaosResult, SeenFault } from "./run";

/** The table for people: a row for each kind of fault, then what was broken. */
export function reportLines(result: ChaosResult): readonly string[] {
  const kinds = new Map<string, SeenFault[]>();
  for (const fault of result.faults) kinds.set(fault.name, [...(kinds.get(fault.name) ?? []), fault]);
  const heading = ["fault", "times", "next seat ms", "longest wait ms", "moved", "came back", "lost"];
  const rows = [...kinds]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([name, faults]) => [
      name,
      String(faults.length),
      spread(faults.map(({ nextSeatMs }) => nextSeatMs)),
      spread(faults.map(({ longestWaitMs }) => longestWaitMs)),
      total(faults, "moved"),
      total(faults, "reconnected"),
      total(faults, "lost"),
    ]);
  const { players, broken, agreedMs, seed } = result;
  return [
    ...columns([heading, ...rows]),
    "",
    `seed ${String(seed)}: ${String(result.faults.length)} faults; players placed ${String(players.placed)}, moved ${String(players.moved)}, told of an end ${String(players.told)}, lost ${String(players.lost)}, in two seats ${String(players.doubled)}, over capacity ${String(players.overCapacity)}`,
    ...Object.entries(players.reasons).map(([reason, count]) => `  ${String(count)} × ${reason}`),
    agreedMs === null
      ? "it did not come to agree"
      : `all agreed ${(agreedMs / 1000).toFixed(1)} s after the last fault`,
    `promises broken: ${String(broken.length)}`,
    ...broken.map(
      ({ promise, check, evidence, atMs }) => `  ${promise} ${check} (at ${(atMs / 1000).toFixed(1)} s): ${evidence}`,
    ),
    ...(result.stopped ? ["stopped before its end"] : []),
  ];
}

/** The middle and the worst; `none` where some never came. */
function spread(values: readonly (number | null)[]): string {
  const known = values.filter((value) => value !== null).sort((a, b) => a - b);
  const worst = known.length < values.length ? "none" : String(known.at(-1) ?? "");
  return known.length === 0 ? "none" : `${String(known[Math.floor((known.length - 1) / 2)])} / ${worst}`;
}

function total(faults: readonly SeenFault[], key: "moved" | "reconnected" | "lost"): string {
  return String(faults.reduce((sum, fault) => sum + fault[key], 0));
}

function columns(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => (row[at] ?? "").length)));
  return rows.map((row) =>
    row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart((widths[at] ?? 0) + 2))).join(""),
  );
}
