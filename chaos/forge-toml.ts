export const EXPERIENCE = "arena";
/** More than the bots of a region need, so that whoever is moved finds room. */
const SEATS = 8;

export function regionNames(count: number): readonly string[] {
  return ["east", "west"].slice(0, count);
}

/** The sample game on small servers that are soon found to hang. */
export function chaosToml(regions: number): string {
  const names = regionNames(regions);
  return `
[scaling]
min_servers_per_region = 2
max_servers_per_region = 8
target_players_per_server = ${SEATS}

[health]
check_interval_secs = 2
timeout_secs = 2
unhealthy_threshold = 3
healthy_threshold = 1

${names.map((name) => `[[regions]]\nname = "${name}"\nengine = "embedded"\n`).join("\n")}
[experiences.${EXPERIENCE}]
command = "node"
args = ["\${FORGE_HOME}/dist/games/arena-server.js"]
version = "1.0.0"
max_players = ${SEATS}
sdk = "forge"
seats = "reported"
cpu = 100
memory = 256
ports = { game = "ws" }
health = "sdk"

[experiences.${EXPERIENCE}.scaling]
min_servers = 2
max_servers = 8
buffer = "20%"
scale_up_cooldown_secs = 2
scale_down_cooldown_secs = 10

[experiences.${EXPERIENCE}.roles.physics]
per = "server"
command = "node"
args = ["\${FORGE_HOME}/dist/games/arena-physics.js"]
cpu = 50
memory = 128
ports = { physics = "tcp" }
`;
}
