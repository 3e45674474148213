import { nomadClientConfig, nomadServerConfig, type NomadConfig } from "../../infra/agents/nomad-agent";

/** Where Nomad listens on each machine: its usual ports. */
export const NOMAD_PORTS = { http: 4646, rpc: 4647, serf: 4648 } as const;
/** What the scheduler thinks a node has: jobs ask for more than they ever write on the small disks. */
const DISK_MB = 20_000;
/**
 * A node is given up so long after its heartbeat was due, which it is every 10 to 20 s. With Nomad's own 10 s that may be 30 s after
 * its cable was cut: as long as the players here look for their seat.
 */
const HEARTBEAT_GRACE = "5s";
const GAME_PORTS = { first: 20_000, last: 20_999 };

export interface MachineProps {
  readonly name: string;
  readonly address: string;
  readonly dataDir: string;
  readonly consulAddress: string;
}

/**
 * Nomad's server as Forge configures one, without access control and certificates, which cuts and kills have nothing to do
 * with. It spreads servers over nodes: packed onto one, they would leave the other with nothing to lose.
 */
export function serverConfig(props: MachineProps): NomadConfig {
  const { server, ...config } = nomadServerConfig({
    ...common(props),
    ports: NOMAD_PORTS,
    bootstrapExpect: 1,
    join: [],
  });
  const { default_scheduler_config: scheduler, ...rest } = server as { readonly default_scheduler_config: object };
  return open({
    ...config,
    server: {
      ...rest,
      heartbeat_grace: HEARTBEAT_GRACE,
      default_scheduler_config: { ...scheduler, scheduler_algorithm: "spread" },
    },
  });
}

/** @param cgroupParent control group of this run, which is taken away after it */
export function clientConfig(props: MachineProps, serverAddress: string, cgroupParent: string): NomadConfig {
  const { client, ...config } = nomadClientConfig({
    ...common(props),
    ports: { http: NOMAD_PORTS.http },
    servers: [`${serverAddress}:${String(NOMAD_PORTS.rpc)}`],
    gamePorts: GAME_PORTS,
    networkInterface: "eth0",
    cgroupParent,
  });
  return open({ ...config, client: { ...(client as object), disk_total_mb: DISK_MB, disk_free_mb: DISK_MB } });
}

function common({ name, address, dataDir, consulAddress }: MachineProps) {
  const tls = { ca: "", cert: "", key: "" };
  return { region: "global", datacenter: "dc1", name, dataDir, bindAddress: address, tls, consulAddress };
}

function open({ tls: _tls, acl: _acl, ...config }: NomadConfig): NomadConfig {
  return config;
}
