import { chaosToml } from "../forge-toml";

export const REGION = "east";
/** So many servers are always there: two on each of two nodes. */
export const SERVERS = 4;

export interface NodesTomlProps {
  readonly nomadAddress: string;
  readonly consulAddress: string;
  /** Absolute; on each node another folder is mounted there. */
  readonly nodeFolder: string;
  readonly controllers: number;
}

/** The game of `chaos`, in a region on somebody's Nomad. */
export function nodesToml({ nomadAddress, consulAddress, nodeFolder, controllers }: NodesTomlProps): string {
  const region = `[[regions]]
name = "${REGION}"
engine = "nomad"
hosts = "existing"
manage = ["jobs"]
controllers = ${String(controllers)}
node_folder = "${nodeFolder}"
[regions.nomad]
address = "${nomadAddress}"
namespace = "default"
[regions.consul]
address = "${consulAddress}"
`;
  return (
    chaosToml(1)
      .replace(/\[\[regions\]\][^[]*/, region)
      // Packed, players would soon all be on one node.
      .replace("[experiences.arena]\n", '[experiences.arena]\nrouting = { strategy = "spread" }\n')
      .replace("\nmin_servers = 2\n", `\nmin_servers = ${String(SERVERS)}\n`)
  );
}
