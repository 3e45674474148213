import { join } from "node:path/posix";
import type { RegionConfig } from "../config/config";
import { PROGRAM_START } from "../config/program-start";
import {
  CONSUL_AUDIENCE,
  nodeFolder as regionNodeFolder,
  PROGRAM_TASK,
  programJobId,
  systemNamespace,
  VAULT_AUDIENCE,
  type RegionProgram,
} from "../config/region-names";
import { vaultPlaces } from "../config/region-vault";
import { regionConstraints } from "./region-constraints";
import type { Json, JsonObject } from "./render";
import type {
  ArtifactSpec,
  DisconnectSpec,
  GroupSpec,
  IdentitySpec,
  JobSpec,
  PortSpec,
  ResourcesSpec,
  TaskSpec,
} from "./spec";

/** One bundle (docs/bundles.md): fetched by Nomad and held to its checksum, or on each node already. */
export type BundleSource = { readonly url: string; readonly sha256: string } | { readonly path: string };

/** How a program on a node reaches its Consul. */
export interface ConsulAccess {
  readonly address: string;
  /** PEM text of its authority, or a file on the node. */
  readonly ca?: string;
  /** Undefined: that Consul has no ACL. */
  readonly authMethod?: string;
}

/** Where a program finds the run's secrets. */
export type SecretsAccess =
  /** `ca`: PEM text, or a file on the node. */
  | { readonly kind: "vault"; readonly address: string; readonly ca?: string }
  /** The variables of its own job, which it reads over its task's socket. */
  | { readonly kind: "nomadVariables" };

/** What the jobs of all three programs are told. */
export interface ProgramJobProps {
  readonly region: RegionConfig;
  readonly bundle: BundleSource;
  /** Undefined: this region has no Consul. */
  readonly consul: ConsulAccess | undefined;
  readonly secrets: SecretsAccess;
  /**
   * Node.js on the nodes: an absolute path, or a name to look up on the PATH of Nomad's client.
   * @default "node"
   */
  readonly node?: string;
  /**
   * Folder on each node, outside any allocation, for what outlives a program there: the agent's journal, the gate's
   * socket, copies of secrets. Absolute.
   * @default `node_folder` of the region, else /var/lib/forge/REGION
   */
  readonly nodeFolder?: string;
}

export function nodeFolderOf({ region, nodeFolder }: Pick<ProgramJobProps, "region" | "nodeFolder">): string {
  return nodeFolder ?? regionNodeFolder(region);
}

/** Folder of the Unix sockets by which gates and the agent of a node meet; a socket's path may have 107 bytes. */
export function gateFolderOf(props: Pick<ProgramJobProps, "region" | "nodeFolder">): string {
  return join(nodeFolderOf(props), "gates");
}

/** What differs between the programs. */
interface ProgramJob {
  readonly program: RegionProgram;
  /** @default the program's only job */
  readonly id?: string;
  readonly type: "service" | "system";
  readonly count: number;
  readonly nodePool: string;
  readonly ports: readonly PortSpec[];
  /** Its JSON configuration; `${…}` is for Nomad to fill in. */
  readonly config: JsonObject;
  readonly identities: readonly ("nomad" | "consul" | "vault")[];
  readonly resources: ResourcesSpec;
  readonly killTimeoutSecs: number;
}

const LOGS = { maxFiles: 3, maxFileSizeMb: 10 };
/** An end is a fault, or an upgrade of Node under it: once a second, for ever. */
const RESTART = { attempts: 60, mode: "delay", intervalSecs: 60, delaySecs: 1 } as const;
/**
 * The programs of a node that Nomad has given up run on when it is back: otherwise Nomad ends them and starts others,
 * and nobody has a seat meanwhile. A controller is replaced elsewhere at once where there is room; then that one stays.
 */
const DISCONNECT: DisconnectSpec = { lostAfterSecs: 600, replace: true, reconcile: "keep_replacement" };

/**
 * The job of one of Forge's own programs: `raw_exec`, because it has to see the node as it is, in a namespace that may use
 * it. It has no `consul`, `vault`, `service` or `template` block: with one of them it would not start while Consul or
 * Vault is down. Its configuration comes in one environment variable and holds no secret.
 */
export function programJob(props: ProgramJobProps, job: ProgramJob): JobSpec {
  const { region } = props;
  const group: GroupSpec = {
    name: PROGRAM_TASK,
    count: job.count,
    network: { mode: "host", ports: job.ports },
    restart: RESTART,
    disconnect: DISCONNECT,
    // A system job is on each node anyway.
    ...(job.type === "service"
      ? { reschedule: { attempts: 0, unlimited: true, delaySecs: 5, maxDelaySecs: 60 } as const }
      : {}),
    diskMb: 50 + LOGS.maxFiles * LOGS.maxFileSizeMb * 2,
    volumes: [],
    tasks: [programTask(props, job)],
  };
  return {
    id: job.id ?? programJobId(region.name, job.program),
    type: job.type,
    namespace: systemNamespace(region),
    datacenters: region.datacenters,
    nodePool: job.nodePool,
    // Without them the games do not count: they come first where there is no room for all.
    priority: 80,
    constraints: [{ attribute: "${attr.kernel.name}", operator: "=", value: "linux" }, ...regionConstraints(region)],
    meta: { region: region.name },
    groups: [group],
  };
}

function programTask(props: ProgramJobProps, { program, config, identities, ...job }: ProgramJob): TaskSpec {
  const file = `${program}.js`;
  const { bundle, node = "node" } = props;
  const { nodeOptions, env } = PROGRAM_START[program];
  const artifacts: readonly ArtifactSpec[] = "url" in bundle ? [{ ...bundle, destination: `local/${file}` }] : [];
  return {
    name: PROGRAM_TASK,
    driver: "raw_exec",
    config: { command: node, args: [...nodeOptions, "path" in bundle ? bundle.path : `\${NOMAD_TASK_DIR}/${file}`] },
    env: { ...env, [`FORGE_${program.toUpperCase()}_CONFIG_JSON`]: JSON.stringify(config), NODE_ENV: "production" },
    resources: job.resources,
    logs: LOGS,
    killSignal: "SIGTERM",
    killTimeoutSecs: job.killTimeoutSecs,
    leader: false,
    volumes: [],
    identities: identities.map((name) => IDENTITIES[name]),
    artifacts,
  };
}

/** Names and files as docs/nomad-region.md has them. */
const IDENTITIES: Readonly<Record<"nomad" | "consul" | "vault", IdentitySpec>> = {
  // Nomad takes no TTL for its own: it is good as long as the allocation.
  nomad: { name: "default", audience: ["nomadproject.io"], env: true },
  consul: { name: "consul", audience: [CONSUL_AUDIENCE], env: false, ttlSecs: 3600 },
  vault: { name: "vault", audience: [VAULT_AUDIENCE], env: false, ttlSecs: 3600 },
};

/** `secrets` of a program's configuration: where they are, and the copy on the node that a start without Vault reads. */
export function secretsConfig(
  props: ProgramJobProps,
  program: RegionProgram,
  job = programJobId(props.region.name, program),
): JsonObject {
  const { region, secrets } = props;
  const copy = join(nodeFolderOf(props), `${program}-secrets.json`);
  if (secrets.kind === "vault") {
    const places = vaultPlaces(region);
    if (places === undefined) throw new Error(`region ${region.name} names no auth_mount in its Vault`);
    const { authMount, role, kvMount, kvPath } = places;
    return { ...defined(secrets), authMount, role: role(program), kvMount, kvPath, copy };
  }
  return {
    kind: secrets.kind,
    namespace: systemNamespace(region),
    job,
    copy,
  };
}

/**
 * `tls` of a program's configuration, where the region's Vault certifies its programs.
 * @param ipSans addresses that the program is called by
 */
export function tlsConfig(
  props: ProgramJobProps,
  program: RegionProgram,
  ipSans: readonly string[] = [],
): { readonly tls?: JsonObject } {
  const { region, secrets } = props;
  const places = vaultPlaces(region);
  if (!region.tls || secrets.kind !== "vault" || places?.pki === undefined) return {};
  return {
    tls: {
      address: secrets.address,
      ...(secrets.ca === undefined ? {} : { ca: secrets.ca }),
      authMount: places.authMount,
      role: places.role(program),
      pkiMount: places.pki.mount,
      pkiRole: places.pki.role,
      commonName: `${program}.${region.name}.forge`,
      ipSans,
      copy: join(nodeFolderOf(props), `${program}-certificate.json`),
    },
  };
}

/** `consul` of a program's configuration, where the region has one. */
export function consulConfig({ consul }: ProgramJobProps): JsonObject {
  return consul === undefined ? {} : { consul: defined(consul) };
}

/** Which identities a program needs beside the one for Nomad. */
export function identitiesOf({ consul, secrets }: ProgramJobProps, withConsul: boolean): ProgramJob["identities"] {
  return [
    "nomad",
    ...(withConsul && consul?.authMethod !== undefined ? (["consul"] as const) : []),
    ...(secrets.kind === "vault" ? (["vault"] as const) : []),
  ];
}

function defined(table: object): JsonObject {
  const entries = Object.entries(table) as [string, Json | undefined][];
  return Object.fromEntries(entries.filter((entry): entry is [string, Json] => entry[1] !== undefined));
}
