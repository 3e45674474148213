import type { ConsulConfig } from "./agents/consul-agent";
import type { NomadConfig } from "./agents/nomad-agent";
import type { VaultConfig, VaultKind } from "./agents/vault-agent";

/** What a host is: one that decides and keeps, or one that runs game servers. */
export interface ServerHostProps extends HostProps {
  readonly role: "server";
  /** `nomadServerConfig` */
  readonly nomad: NomadConfig;
  /** `consulServerConfig` */
  readonly consul: ConsulConfig;
  /** `vaultServerConfig` */
  readonly vault: VaultConfig;
  readonly vaultKind: VaultKind;
}

export interface ClientHostProps extends HostProps {
  readonly role: "client";
  /** `nomadClientConfig` */
  readonly nomad: NomadConfig;
  /** `consulClientConfig` */
  readonly consul: ConsulConfig;
}

interface HostProps {
  readonly hostname: string;
  /**
   * Command that puts the host's secrets into place: `tls/` and the gossip keys' files below `SECRETS_FOLDER`. It runs once, as
   * root, before any agent; where it gets them (a cloud's secret store by the machine's own identity) is the image's
   * affair. Its arguments are references, never secrets: whoever can read a machine's user data would have them.
   */
  readonly fetchSecrets: readonly string[];
}

/** Where agents find what is secret: certificates, keys, gossip keys. Owned by root, 0700. */
export const SECRETS_FOLDER = "/etc/forge/secrets";
const CONFIG_FOLDER = "/etc/forge";

interface AgentUnit {
  readonly name: string;
  readonly command: string;
  readonly config: unknown;
  /** An account without rights of its own; a Nomad client has to be root to keep tasks apart. */
  readonly user: string;
  /** More lines of `[Service]`. */
  readonly service?: readonly string[];
}

/**
 * User data for any image with systemd, cloud-init and the programs in /usr/local/bin: agents' configurations and units,
 * and no secret. JSON, which is YAML, so that nothing has to be escaped twice.
 */
export function cloudInit(props: ServerHostProps | ClientHostProps): string {
  const agents = agentsOf(props);
  const files = agents.flatMap(({ name, config }) => [file(`${CONFIG_FOLDER}/${name}/agent.json`, config)]);
  const units = agents.map((agent) => ({
    path: `/etc/systemd/system/forge-${agent.name}.service`,
    permissions: "0644",
    content: unit(agent),
  }));
  const accounts = [...new Set(agents.map(({ user }) => user))].filter((user) => user !== "root");
  const document = {
    hostname: props.hostname,
    preserve_hostname: false,
    ssh_pwauth: false,
    disable_root: true,
    users: [
      "default",
      ...accounts.map((name) => ({ name, system: true, shell: "/usr/sbin/nologin", no_create_home: true })),
    ],
    // Vault's memory would end up there, and a game that is swapped is a game that lags.
    swap: { size: 0 },
    write_files: [
      ...files,
      ...units,
      {
        path: "/etc/sysctl.d/60-forge.conf",
        permissions: "0644",
        content: "kernel.core_pattern = |/bin/false\nfs.suid_dumpable = 0\n",
      },
    ],
    runcmd: [
      ["sysctl", "--system"],
      ["install", "-d", "-m", "0700", SECRETS_FOLDER],
      [...props.fetchSecrets],
      ...agents.map(({ name, user }) => ["install", "-d", "-m", "0700", "-o", user, `/var/lib/forge/${name}`]),
      ["systemctl", "daemon-reload"],
      ...agents.map(({ name }) => ["systemctl", "enable", "--now", `forge-${name}.service`]),
    ],
  };
  return `#cloud-config\n${JSON.stringify(document, null, 2)}\n`;
}

function agentsOf(props: ServerHostProps | ClientHostProps): readonly AgentUnit[] {
  // A gossip key is a file of its own in the secrets' folder, which the agent merges with the rest.
  const gossip = (name: string): string => `${SECRETS_FOLDER}/${name}-gossip.json`;
  const consul: AgentUnit = {
    name: "consul",
    command: `/usr/local/bin/consul agent -config-dir ${CONFIG_FOLDER}/consul -config-file ${gossip("consul")}`,
    config: props.consul,
    user: "consul",
  };
  const nomad = `/usr/local/bin/nomad agent -config ${CONFIG_FOLDER}/nomad`;
  if (props.role === "client") {
    const service = [
      // Tasks outlive their agent: a new one takes them over.
      "KillMode=process",
      "Delegate=yes",
      "OOMScoreAdjust=-500",
    ];
    return [consul, { name: "nomad", command: nomad, config: props.nomad, user: "root", service }];
  }
  const vault = props.vaultKind === "bao" ? "bao" : "vault";
  return [
    consul,
    {
      name: "vault",
      command: `/usr/local/bin/${vault} server -config ${CONFIG_FOLDER}/vault`,
      config: props.vault,
      user: "vault",
      service: ["MemorySwapMax=0"],
    },
    { name: "nomad", command: `${nomad} -config ${gossip("nomad")}`, config: props.nomad, user: "nomad" },
  ];
}

function file(
  path: string,
  config: unknown,
): { readonly path: string; readonly permissions: string; readonly content: string } {
  return { path, permissions: "0644", content: `${JSON.stringify(config, null, 2)}\n` };
}

function unit({ name, command, user, service = [] }: AgentUnit): string {
  const root = user === "root";
  return [
    "[Unit]",
    `Description=Forge: ${name}`,
    "Wants=network-online.target",
    "After=network-online.target",
    "StartLimitIntervalSec=0",
    "",
    "[Service]",
    `ExecStart=${command}`,
    `User=${user}`,
    "Restart=always",
    "RestartSec=2",
    "LimitCORE=0",
    "LimitNOFILE=65536",
    "TimeoutStopSec=60",
    "UMask=" + (root ? "0022" : "0077"),
    // A client has to be able to start anything; the others need nothing but their own folder.
    ...(root
      ? []
      : [
          "NoNewPrivileges=yes",
          "ProtectSystem=strict",
          "ProtectHome=yes",
          "PrivateTmp=yes",
          `ReadWritePaths=/var/lib/forge/${name}`,
        ]),
    ...service,
    "",
    "[Install]",
    "WantedBy=multi-user.target",
    "",
  ].join("\n");
}
