import { loadConfig } from "../config/load";
import { coreSettings } from "../controller/core-settings";
import type { CoreSettings } from "../controller/core/input";

/** Soon after the last server was added, and one after the other: a run is over in seconds. */
const EMPTIED = 'defragment = "move", defragment_interval_secs = 1';

/** In a busy world there is all that in a plain one, and what operators, matchmakers and autoscalers do beside: see `Office`. */
export type WorldKind = "plain" | "busy";

/** Small servers and short times: so that in a few hundred steps everything happens that otherwise takes minutes. */
const forgeToml = (kind: WorldKind): string => `
[scaling]
min_servers_per_region = 1
max_servers_per_region = ${kind === "plain" ? "7" : "12"}
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
max_players = ${kind === "plain" ? "3" : "5"}
sdk = "forge"
seats = "reported"
ports = { game = "udp" }
health = "sdk"
ready_timeout_secs = 10
routing = { queue_limit = 6, queue_deadline_secs = 20 }
scaling = { min_servers = 2, max_servers = 4, scale_up_cooldown_secs = 2, scale_down_cooldown_secs = ${kind === "plain" ? "5" : `1, target_players = 5, ${EMPTIED}`} }
${kind === "plain" ? "" : ROLLOUT}
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
${kind === "plain" ? "" : MORE}`;

const ROLLOUT = `rollout = { promote_after_secs = 6, max_failures = 2 }
`;

/** Servers that are taken as Agones takes them, scaled by a chain; and an experience that nobody plays most of the time. */
const MORE = `
[experiences.lobby]
command = "lobby"
version = "1"
max_players = 4
sdk = "forge"
seats = "match"
ports = { game = "udp" }
health = "sdk"
ready_timeout_secs = 10
counters = { rooms = { count = 0, capacity = 3 } }
lists = { guests = { capacity = 4 } }
rollout = { promote_after_secs = 6, max_failures = 2 }

[experiences.lobby.scaling]
min_servers = 0
max_servers = 4
scale_up_cooldown_secs = 2
scale_down_cooldown_secs = 4

[[experiences.lobby.scaling.chain]]
id = "rush"
schedule = { active_period = { start_cron = "* * * * *", duration_secs = 20 } }
list = { key = "guests", buffer_size = 5, max_capacity = 16 }

[[experiences.lobby.scaling.chain]]
id = "rooms"
counter = { key = "rooms", buffer_size = 2, max_capacity = 12 }

[experiences.raid]
command = "raid"
version = "1"
max_players = 4
sdk = "forge"
seats = "reported"
ports = { game = "udp" }
health = "sdk"
ready_timeout_secs = 10
routing = { queue_limit = 6, queue_deadline_secs = 20 }
scaling = { min_servers = 0, max_servers = 3, target_players = 4, scale_up_cooldown_secs = 1, scale_down_cooldown_secs = 1, ${EMPTIED} }
`;

/** Seconds that a seat waits for its player in the virtual world. */
export const LEASE_SECS = 6;

export function simSettings(region: string, kind: WorldKind): CoreSettings {
  const { config } = loadConfig({ file: "the virtual world's forge.toml", readFile: () => forgeToml(kind) });
  return { ...coreSettings(config, region), leaseSecs: LEASE_SECS, scalingIntervalSecs: 2 };
}
