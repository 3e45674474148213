/** A forge.toml for real servers that are small Node programs: `small-server.ts`, bundled. */
export function smallFleetToml(servers: number, script: string): string {
  return `
[scaling]
min_servers_per_region = ${servers}
max_servers_per_region = ${servers}
[[regions]]
name = "here"
engine = "embedded"
[experiences.small]
command = ${JSON.stringify(process.execPath)}
args = [${JSON.stringify(script)}]
version = "1"
max_players = 16
cpu = 50
memory = 128
ports = { game = "tcp" }
ready_timeout_secs = 60
[experiences.small.scaling]
min_servers = ${servers}
max_servers = ${servers}
`;
}
