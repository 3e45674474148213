import type { Metric } from "./api/metric";
import type { ExperienceNumbers, RegionNumbers } from "./core/region-numbers";

type Read = (of: ExperienceNumbers) => number | Readonly<Record<string, number>>;

/** A region's servers, seats, lines and nodes in numbers. A standby tells what its agents told it. */
export function regionGauges({ experiences, nodes }: RegionNumbers): readonly Metric[] {
  const gauge = (name: string, help: string, read: Read): Metric => ({
    name: `forge_${name}`,
    help,
    type: "gauge",
    series: experiences.flatMap((numbers) => {
      const experience = numbers.experienceId;
      const value = read(numbers);
      if (typeof value === "number") return [{ labels: { experience }, value }];
      return Object.entries(value).map(([state, count]) => ({ labels: { experience, state }, value: count }));
    }),
  });
  return [
    gauge("servers", "Servers that players join, by state", ({ servers }) => servers),
    gauge("servers_desired", "Servers that scaling wants", ({ desired }) => desired),
    gauge("servers_max", "Servers that there may be at most", ({ most }) => most),
    gauge("seats", "Seats of servers that take players: taken, free, or closed for now", ({ seats }) => seats),
    gauge("players", "Players with a seat", ({ players }) => players),
    gauge("queue_players", "Players waiting for a seat", ({ waiting }) => waiting.players),
    gauge("queue_groups", "Players, parties and matches waiting for a place", ({ waiting }) => waiting.groups),
    gauge(
      "queue_oldest_wait_seconds",
      "How long whoever is first in line waits",
      ({ waiting }) => waiting.oldestMs / 1000,
    ),
    {
      name: "forge_nodes",
      help: "Nodes whose agents were heard of, by state",
      type: "gauge",
      series: Object.entries(nodes).map(([state, value]) => ({ labels: { state }, value })),
    },
  ];
}
