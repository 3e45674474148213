import { loadConfig } from "../config/load";
import { coreSettings } from "../controller/core-settings";
import type { CoreSettings } from "../controller/core/input";

/** Small servers and short times: so that in a few hundred steps everything happens that otherwise takes minutes. */
const FORGE_TOML = `
[scaling]
min_servers_per_region = 1
max_servers_per_region = 7
target_players_per_server = 3

[health]
check_interval_secs = 4
timeout_secs = 2
unhealthy_threshold = 2
healthy_threshold = 1

[[regions]]
name = "east"
engine = "embedded"

[[regions]]
name = "west"
engine = "embedded"

[experiences.arena]
command = "arena"
version = "1"
max_players = 3
sdk = "forge"
seats = "reported"
ports = { game = "udp" }
health = "sdk"
ready_timeout_secs = 10
routing = { queue_limit = 6, queue_deadline_secs = 20 }
scaling = { min_servers = 2, max_servers = 4, scale_up_cooldown_secs = 2, scale_down_cooldown_secs = 5 }

[experiences.duel]
command = "duel"
version = "1"
max_players = 2
sdk = "forge"
seats = "match"
ports = { game = "udp" }
health = "sdk"
ready_timeout_secs = 10
scaling = { min_servers = 1, max_servers = 3, scale_up_cooldown_secs = 2, scale_down_cooldown_secs = 5 }
`;

/** Seconds that a seat waits for its player in the virtual world. */
export const LEASE_SECS = 6;

export function simSettings(region: string): CoreSettings {
  const { config } = loadConfig({ file: "the virtual world's forge.toml", readFile: () => FORGE_TOML });
  return { ...coreSettings(config, region), leaseSecs: LEASE_SECS, scalingIntervalSecs: 2 };
}
