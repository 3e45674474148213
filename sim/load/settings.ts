import { loadConfig } from "../../config/load";
import { coreSettings } from "../../controller/core-settings";
import type { CoreSettings } from "../../controller/core/input";

export const REGION = "east";
export const EXPERIENCE = "arena";

export interface LoadSize {
  readonly seatsPerServer: number;
  /** 1 where it is left out. */
  readonly minServers?: number;
  readonly maxServers: number;
  readonly queueLimit: number;
}

export function loadSettings({ seatsPerServer, minServers = 1, maxServers, queueLimit }: LoadSize): CoreSettings {
  const toml = `
[scaling]
min_servers_per_region = ${String(minServers)}
max_servers_per_region = ${String(maxServers)}

[[regions]]
name = "${REGION}"
engine = "embedded"

[experiences.${EXPERIENCE}]
command = "arena"
version = "1"
max_players = ${String(seatsPerServer)}
sdk = "forge"
seats = "reported"
ports = { game = "udp" }
health = "sdk"
routing = { queue_limit = ${String(queueLimit)}, queue_deadline_secs = 60 }
scaling = { min_servers = ${String(minServers)}, max_servers = ${String(maxServers)}, buffer = "10%" }
`;
  const { config } = loadConfig({ file: "the load's forge.toml", readFile: () => toml });
  return coreSettings(config, REGION);
}
