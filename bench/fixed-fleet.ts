/** The region and the one experience of benchmarks whose servers are virtual. */
export const REGION = "bench";
export const EXPERIENCE = "arena";
export const SECRETS = {
  shared: "what the programs of this benchmark share",
  ticket: "for the tickets of this benchmark only",
  token: "for the tokens of this benchmark only",
};

/** A forge.toml whose fleet neither grows nor shrinks. */
export function fixedFleetToml(servers: number, seats: number): string {
  return `
[scaling]
min_servers_per_region = ${servers}
max_servers_per_region = ${servers}
target_players_per_server = ${seats}
[health]
check_interval_secs = 10
[[regions]]
name = "${REGION}"
engine = "embedded"
[experiences.${EXPERIENCE}]
command = "true"
version = "1.0.0"
max_players = ${seats}
ports = { game = "udp" }
[experiences.${EXPERIENCE}.scaling]
min_servers = ${servers}
max_servers = ${servers}
`;
}
