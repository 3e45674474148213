import type { Gauge } from "./api/backend";
import type { RegionSummary } from "./core/resources";

/** A region's fleets in numbers, by version: what /metrics tells beside the controller's own. */
export function fleetGauges({ region, experiences }: RegionSummary): Gauge[] {
  return Object.entries(experiences).flatMap(([experience, versions]) =>
    versions.flatMap(({ version, free, queued, cpu }) => {
      const labels = { region, experience, version };
      return [
        { name: "forge_fleet_free_seats", help: "Seats free on servers that take players", labels, value: free },
        { name: "forge_fleet_queued", help: "Players waiting for a seat", labels, value: queued },
        { name: "forge_fleet_cpu", help: "Mean share of the CPU that servers asked for", labels, value: cpu },
      ];
    }),
  );
}
