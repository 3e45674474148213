import type { TlsFiles } from "./nomad-agent";

/** Consul 1.8 and newer. */
export interface ConsulServerProps {
  /** Consul's datacenter: Forge's region. Certificates are for `server.DATACENTER.consul`. */
  readonly datacenter: string;
  readonly name: string;
  readonly dataDir: string;
  /** RPC and gossip: never 0.0.0.0. */
  readonly bindAddress: string;
  readonly ports: ConsulPorts;
  readonly tls: TlsFiles;
  /** Servers that elect the first leader together: 1, 3 or 5. */
  readonly bootstrapExpect: number;
  /** `HOST:PORT` of the others' gossip, or a cloud's auto-join; empty for a single one. */
  readonly join: readonly string[];
}

export interface ConsulPorts {
  readonly http: number;
  readonly dns: number;
  readonly rpc: number;
  readonly lan: number;
  readonly wan: number;
}

export interface ConsulClientProps extends Omit<ConsulServerProps, "bootstrapExpect" | "ports"> {
  readonly ports: Omit<ConsulPorts, "wan">;
}

export type ConsulConfig = Readonly<Record<string, unknown>>;

/** A server agent's configuration. HTTP and DNS are on loopback alone; what other hosts reach (RPC) is mutual TLS. */
export function consulServerConfig(props: ConsulServerProps): ConsulConfig {
  return {
    ...common(props, props.ports.wan),
    server: true,
    bootstrap_expect: props.bootstrapExpect,
    // The datacenter that ACLs are decided in: this one, until regions are federated.
    primary_datacenter: props.datacenter,
    autopilot: { cleanup_dead_servers: true, last_contact_threshold: "1s" },
    // A single server on a slow disk must not lose its lead to itself.
    performance: { raft_multiplier: 2 },
  };
}

/** A client agent's configuration: one beside each Nomad client. */
export function consulClientConfig(props: ConsulClientProps): ConsulConfig {
  return { ...common(props, -1), server: false, primary_datacenter: props.datacenter };
}

/** The gossip key's own file, 0600: 32 bytes in base64. */
export function consulGossipConfig(key: string): ConsulConfig {
  return { encrypt: key, encrypt_verify_incoming: true, encrypt_verify_outgoing: true };
}

function common(
  props: Omit<ConsulClientProps, "ports"> & { readonly ports: ConsulClientProps["ports"] },
  wan: number,
): ConsulConfig {
  const { datacenter, name, dataDir, bindAddress, ports, tls, join } = props;
  return {
    datacenter,
    node_name: name,
    data_dir: dataDir,
    bind_addr: bindAddress,
    client_addr: "127.0.0.1",
    ports: {
      http: ports.http,
      https: -1,
      grpc: -1,
      dns: ports.dns,
      server: ports.rpc,
      serf_lan: ports.lan,
      serf_wan: wan,
    },
    ...(join.length === 0 ? {} : { retry_join: join }),
    ca_file: tls.ca,
    cert_file: tls.cert,
    key_file: tls.key,
    verify_incoming_rpc: true,
    verify_outgoing: true,
    verify_server_hostname: true,
    tls_min_version: "tls12",
    acl: {
      enabled: true,
      default_policy: "deny",
      // What was known goes on being allowed while the servers are away.
      down_policy: "extend-cache",
      enable_token_persistence: true,
    },
    disable_remote_exec: true,
    enable_script_checks: false,
    enable_local_script_checks: false,
    disable_update_check: true,
    log_level: "INFO",
    leave_on_terminate: false,
    skip_leave_on_interrupt: true,
    rejoin_after_leave: true,
    dns_config: { allow_stale: true, max_stale: "10s", only_passing: true, service_ttl: { "*": "0s" } },
    telemetry: { prometheus_retention_time: "60s", disable_hostname: true },
    limits: { http_max_conns_per_client: 400 },
  };
}
