import { stringify } from "smol-toml";
import type { Experience } from "../convert/agones";
import type { Answers } from "../answers";

/** Of one region, as forge.toml takes it. */
const MOST_SERVERS = 100_000;

/** A forge.toml for the converted Fleets. */
export function gameConfig(experiences: readonly Experience[], answers: Answers): string {
  const datacenters = answers.datacenters.filter((name) => name !== "*");
  const most = experiences.reduce(
    (sum, { table }) => sum + (table["scaling"] as { max_servers: number }).max_servers,
    0,
  );
  const config = {
    scaling: { max_servers_per_region: Math.min(MOST_SERVERS, Math.max(1, most)) },
    regions: [
      answers.engine === "embedded"
        ? { name: "region-1", engine: "embedded" }
        : {
            name: "region-1",
            engine: "nomad",
            hosts: "existing",
            manage: ["jobs"],
            datacenters: datacenters.length === 0 ? ["dc1"] : datacenters,
          },
    ],
    experiences: Object.fromEntries(experiences.map(({ id, table }) => [id, table])),
  };
  return `# Made by \`forge migrate\` from Agones' objects. Look at: the region's name, address and datacenters; max_players, which
# Agones does not know (16 unless a list or counter of players said it).
${stringify(config)}
`;
}
