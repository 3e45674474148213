import type { TlsFiles } from "./nomad-agent";

/** OpenBao is Vault's free fork; a few settings differ. */
export type VaultKind = "vault" | "bao";

export interface VaultServerProps {
  readonly kind: VaultKind;
  readonly name: string;
  /** Of the raft store. */
  readonly dataDir: string;
  /** Never 0.0.0.0. */
  readonly bindAddress: string;
  readonly ports: { readonly api: number; readonly cluster: number };
  readonly tls: TlsFiles;
  /** `https://HOST:PORT` of the API of the others; empty for a single one. */
  readonly join: readonly string[];
}

export type VaultConfig = Readonly<Record<string, unknown>>;

/**
 * A server's configuration, as JSON. It holds no secret: unsealing is the bootstrap's.
 * Core dumps are kept off by whoever starts it (`ulimit -c 0`, `LimitCORE=0`).
 */
export function vaultServerConfig(props: VaultServerProps): VaultConfig {
  const { kind, name, dataDir, bindAddress, ports, tls, join } = props;
  return {
    storage: {
      raft: {
        path: dataDir,
        node_id: name,
        ...(join.length === 0
          ? {}
          : { retry_join: join.map((address) => ({ leader_api_addr: address, leader_ca_cert_file: tls.ca })) }),
      },
    },
    listener: [
      {
        tcp: {
          address: `${bindAddress}:${String(ports.api)}`,
          cluster_address: `${bindAddress}:${String(ports.cluster)}`,
          tls_cert_file: tls.cert,
          tls_key_file: tls.key,
          tls_min_version: "tls12",
          telemetry: { unauthenticated_metrics_access: false },
        },
      },
    ],
    api_addr: `https://${bindAddress}:${String(ports.api)}`,
    cluster_addr: `https://${bindAddress}:${String(ports.cluster)}`,
    // Locked memory and the raft store's mapped file do not go together; hosts have no swap, or an encrypted one.
    // OpenBao never locks memory and knows no such setting.
    ...(kind === "vault" ? { disable_mlock: true } : {}),
    // OpenBao declares audit devices in its configuration only, unless told that the API may add them, as Vault's may.
    ...(kind === "bao" ? { unsafe_allow_api_audit_creation: true } : {}),
    ui: false,
    raw_storage_endpoint: false,
    disable_performance_standby: true,
    default_lease_ttl: "1h",
    max_lease_ttl: "768h",
    log_level: "info",
    telemetry: { prometheus_retention_time: "60s", disable_hostname: true },
  };
}
