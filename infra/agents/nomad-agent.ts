import { GATE_STAYS_SECS } from "../../config/region-names";
import { smallChroot } from "./small-chroot";

/** Files of one agent's TLS, all PEM, as absolute paths on its host. */
export interface TlsFiles {
  readonly ca: string;
  readonly cert: string;
  /** Readable by the agent's user alone. */
  readonly key: string;
}

/** What server and client agents have in common. */
interface NomadAgentProps {
  /** Nomad's region: Forge's name of it. Certificates are for `server.REGION.nomad` and `client.REGION.nomad`. */
  readonly region: string;
  readonly datacenter: string;
  /** The agent's name among its region's: unique. */
  readonly name: string;
  /** Kept between starts: state, allocations, the server's keyring. */
  readonly dataDir: string;
  /** What the agent listens on and is reached at: never 0.0.0.0. */
  readonly bindAddress: string;
  readonly tls: TlsFiles;
  /** `http://HOST:PORT` of the node's Consul agent; Nomad registers nothing there, tasks may. */
  readonly consulAddress: string;
}

export interface NomadServerProps extends NomadAgentProps {
  readonly ports: { readonly http: number; readonly rpc: number; readonly serf: number };
  /** Servers that elect the first leader together: 1, 3 or 5. */
  readonly bootstrapExpect: number;
  /** `HOST:PORT` (gossip) of the other servers, or a cloud's auto-join; empty for a single one. */
  readonly join: readonly string[];
}

export interface NomadClientProps extends NomadAgentProps {
  readonly ports: { readonly http: number };
  /** `HOST:PORT` (RPC) of the servers. */
  readonly servers: readonly string[];
  /** Ports that allocations get, first and last. */
  readonly gamePorts: { readonly first: number; readonly last: number };
  /**
   * The interface whose address players are told.
   * @default the one of the default route
   */
  readonly networkInterface?: string;
  /**
   * Of the node; `public_address = "meta.KEY"` reads one.
   * @default none
   */
  readonly meta?: Readonly<Record<string, string>>;
  /**
   * The node's pool: `control` for the controllers' nodes.
   * @default "default"
   */
  readonly nodePool?: string;
  /**
   * More of the node's files for tasks of the `exec` driver.
   * @default none
   */
  readonly chrootExtra?: readonly string[];
  /**
   * Where the plugin of dynamic host volumes makes its folders: volumes of worlds.
   * @default `host_volumes` in the data folder
   */
  readonly hostVolumesDir?: string;
  /**
   * Control group that all tasks' groups lie in.
   * @default Nomad's own
   */
  readonly cgroupParent?: string;
}

/** A finished match's job is kept this long by the server itself; the controller removes it ten minutes after the end. */
const JOB_GC = "1h";
/** The longest that a task may take to end: a gate stays with its servers, which may be worlds. */
const MAX_KILL_TIMEOUT = `${String(GATE_STAYS_SECS)}s`;
/** They would ask addresses outside, and wait for them, on a machine that is no cloud's. */
const CLOUD_FINGERPRINTS = "env_aws,env_gce,env_azure,env_digitalocean";

/**
 * A server agent's configuration, as JSON that Nomad reads from a `.json` file. The gossip key is not in it: it stands in
 * a file of its own beside this one (`nomadGossipConfig`).
 */
export function nomadServerConfig(props: NomadServerProps): NomadConfig {
  const { ports, bindAddress, join } = props;
  return {
    ...common(props),
    ports,
    advertise: {
      http: `${bindAddress}:${String(ports.http)}`,
      rpc: `${bindAddress}:${String(ports.rpc)}`,
      serf: `${bindAddress}:${String(ports.serf)}`,
    },
    server: {
      enabled: true,
      bootstrap_expect: props.bootstrapExpect,
      ...(join.length === 0 ? {} : { server_join: { retry_join: join, retry_interval: "5s" } }),
      // Thousands of games end each day: what has ended must not fill the servers' memory.
      job_gc_interval: "1m",
      job_gc_threshold: JOB_GC,
      batch_eval_gc_threshold: JOB_GC,
      eval_gc_threshold: JOB_GC,
      deployment_gc_threshold: JOB_GC,
      node_gc_threshold: "24h",
      // Only the first start reads it; REGION-nomad keeps it from then on.
      default_scheduler_config: {
        scheduler_algorithm: "binpack",
        memory_oversubscription_enabled: false,
        preemption_config: {
          batch_scheduler_enabled: false,
          system_scheduler_enabled: false,
          sysbatch_scheduler_enabled: false,
          service_scheduler_enabled: false,
        },
      },
    },
    acl: { enabled: true, token_min_expiration_ttl: "1m", token_max_expiration_ttl: "24h" },
  };
}

/** The gossip key's own file, 0600: the agent merges it with the rest. */
export function nomadGossipConfig(key: string): NomadConfig {
  return { server: { encrypt: key } };
}

/** A client agent's configuration. */
export function nomadClientConfig(props: NomadClientProps): NomadConfig {
  const { ports, bindAddress, servers, gamePorts, networkInterface, meta, nodePool } = props;
  return {
    ...common(props),
    ports,
    // A client listens for neither RPC nor gossip; on loopback Nomad wants to be told all the same.
    advertise: { http: `${bindAddress}:${String(ports.http)}`, rpc: bindAddress, serf: bindAddress },
    client: {
      enabled: true,
      servers,
      // Loopback has an address of either family: this one comes first.
      ...(networkInterface === undefined
        ? {}
        : { network_interface: networkInterface, preferred_address_family: "ipv4" }),
      ...(nodePool === undefined ? {} : { node_pool: nodePool }),
      ...(meta === undefined ? {} : { meta }),
      ...(props.hostVolumesDir === undefined ? {} : { host_volumes_dir: props.hostVolumesDir }),
      ...(props.cgroupParent === undefined ? {} : { cgroup_parent: props.cgroupParent }),
      min_dynamic_port: gamePorts.first,
      max_dynamic_port: gamePorts.last,
      max_kill_timeout: MAX_KILL_TIMEOUT,
      gc_interval: "1m",
      gc_max_allocs: 500,
      gc_disk_usage_threshold: 90,
      chroot_env: smallChroot(props.chrootExtra),
      options: {
        "fingerprint.denylist": CLOUD_FINGERPRINTS,
        "user.denylist": "Administrator",
      },
    },
    acl: { enabled: true },
    plugin: [
      // Only namespaces that allow it may use it: that of Forge's own programs, and games on one's own machine.
      { raw_exec: [{ config: [{ enabled: true }] }] },
      { exec: [{ config: [{ no_pivot_root: false, default_pid_mode: "private", default_ipc_mode: "private" }] }] },
      {
        docker: [
          {
            config: [{ allow_privileged: false, volumes: [{ enabled: false }], allow_caps: DOCKER_CAPABILITIES }],
          },
        ],
      },
    ],
  };
}

/** Docker's defaults without those that reach out of the container's own business (raw sockets, device files). */
const DOCKER_CAPABILITIES = ["chown", "dac_override", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap"];

export type NomadConfig = Readonly<Record<string, unknown>>;

function common({ region, datacenter, name, dataDir, bindAddress, tls, consulAddress }: NomadAgentProps): NomadConfig {
  return {
    region,
    datacenter,
    name,
    data_dir: dataDir,
    bind_addr: bindAddress,
    log_level: "INFO",
    log_json: false,
    enable_syslog: false,
    disable_update_check: true,
    enable_debug: false,
    // A stopped server stays a member and a stopped client leaves its tasks alone: both come back.
    leave_on_interrupt: false,
    leave_on_terminate: false,
    tls: {
      http: true,
      rpc: true,
      ca_file: tls.ca,
      cert_file: tls.cert,
      key_file: tls.key,
      verify_server_hostname: true,
      // Consul and Vault fetch the keys of workload identities (JWKS) without a certificate of their own.
      verify_https_client: false,
      tls_min_version: "tls12",
    },
    telemetry: { prometheus_metrics: true, publish_allocation_metrics: true, publish_node_metrics: true },
    limits: { https_handshake_timeout: "5s", http_max_conns_per_client: 400, rpc_handshake_timeout: "5s" },
    // Neither finds the other through Consul, so neither needs it to start.
    consul: {
      address: consulAddress.replace(/^https?:\/\//, ""),
      ssl: consulAddress.startsWith("https://"),
      auto_advertise: false,
      server_auto_join: false,
      client_auto_join: false,
    },
    ui: { enabled: true },
  };
}
