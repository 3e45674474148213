import type { Metric, Series } from "./api/metric";
import type { RegionSummary } from "./core/resources";

type Row = RegionSummary["experiences"][string][number];

/** A region's fleets in numbers, by version. */
export function fleetGauges({ experiences }: RegionSummary): readonly Metric[] {
  const gauge = (name: string, help: string, read: (row: Row) => number): Metric => ({
    name: `forge_fleet_${name}`,
    help,
    type: "gauge",
    series: Object.entries(experiences).flatMap(([experience, rows]) => byVersion(experience, rows, read)),
  });
  return [
    gauge("free_seats", "Seats free on servers that take players, by version", ({ free }) => free),
    gauge("queued", "Players waiting for a seat, by version", ({ queued }) => queued),
    gauge("cpu", "Mean share of the CPU that servers asked for", ({ cpu }) => cpu),
  ];
}

function byVersion(experience: string, rows: readonly Row[], read: (row: Row) => number): Series[] {
  return rows.map((row) => ({ labels: { experience, version: row.version }, value: read(row) }));
}
