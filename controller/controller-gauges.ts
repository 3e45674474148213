import type { Metric } from "./api/metric";

export interface ControllerNumbers {
  readonly leader: boolean;
  readonly holding: boolean;
  readonly epoch: number;
  readonly agents: number;
  readonly requestsInFlight: number;
  readonly commandsWaiting: number;
  readonly configRejected: boolean;
}

/** What /metrics tells of a controller itself, beside what the API counts. */
export function controllerGauges(numbers: ControllerNumbers): readonly Metric[] {
  const gauge = (name: string, help: string, value: number | boolean): Metric => ({
    name: `forge_${name}`,
    help,
    type: "gauge",
    series: [{ labels: {}, value: Number(value) }],
  });
  return [
    gauge("leader", "1 where this controller leads its region", numbers.leader),
    gauge(
      "leader_holding",
      "1 where it leads without reaching the lock: nothing is started or stopped",
      numbers.holding,
    ),
    gauge("epoch", "The epoch it leads with", numbers.epoch),
    gauge("agents_connected", "Agents that are connected", numbers.agents),
    gauge("agent_requests_in_flight", "Requests to agents without an answer yet", numbers.requestsInFlight),
    gauge("commands_waiting", "Commands without an answer yet", numbers.commandsWaiting),
    gauge(
      "config_rejected",
      "1 where forge.toml as it is now cannot be used and an earlier one is in force",
      numbers.configRejected,
    ),
  ];
}
