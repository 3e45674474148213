import { join } from "node:path/posix";
import {
  consulConfig,
  identitiesOf,
  nodeFolderOf,
  programJob,
  secretsConfig,
  tlsConfig,
  type ProgramJobProps,
} from "./program";
import type { JsonObject } from "./render";
import type { JobSpec } from "./spec";

export interface ControllerJobProps extends ProgramJobProps {
  /** The text of the forge.toml to decide by until Consul's KV answers. */
  readonly forgeToml: string;
  /**
   * File on each node that has this text, absolute: so the job stays what it is when a game in it changes.
   * @default none: the job carries the text
   */
  readonly forgeTomlFile?: string;
  /**
   * Ports of `[allocator]` and `[ping]`, which the job then has for itself on its node.
   * @default none of the two
   */
  readonly services?: Readonly<Partial<Record<"allocator" | "ping", number>>>;
  /** The run's regions that this one can reach; its own address it knows itself. */
  readonly regions: readonly RegionAddress[];
  /**
   * Folder on the node with the dashboard's files.
   * @default none: the API is all there is
   */
  readonly dashboardFolder?: string;
  /**
   * The one address, IPv4, at which callers and agents look for it on each node. Where the node's interface has several,
   * Nomad gives a static port on another one while it still counts the last controller's as taken: of a node that it had
   * given up and that is back.
   * @default the one that Nomad gives each port
   */
  readonly address?: string;
  /**
   * How the controller reaches Nomad. On hosts = local the socket's path is longer than a socket's path may be.
   * @default the socket that Nomad gives each task
   */
  readonly nomad?: { readonly address: string; readonly caFile?: string | undefined };
  /**
   * How many of a new version run beside the old ones before any of those goes. Each needs a node of the pool that has
   * no controller, for each node has one at most.
   * @default 0: one after the other is replaced
   */
  readonly canaries?: number;
}

export interface RegionAddress {
  readonly name: string;
  /** Of the HTTP API. */
  readonly url: string;
  /** Degrees: latitude, longitude. */
  readonly location?: readonly [number, number];
}

/**
 * The controllers of a region: a service job in the control pool, each replica on a node of its own, because a node's
 * ports and a node's death are one controller's only. A version that does not keep running is taken back by Nomad.
 */
export function controllerJob(props: ControllerJobProps): JobSpec {
  const { region, canaries = 0 } = props;
  const several = region.controllers > 1;
  const job = programJob(props, {
    program: "controller",
    type: "service",
    count: region.controllers,
    nodePool: region.pools.control,
    ports: [
      { label: "api", static: region.ports.api },
      { label: "agents", static: region.ports.agents },
      ...Object.entries(props.services ?? {}).map(([label, port]) => ({ label, static: port })),
    ],
    config: configOf(props),
    identities: identitiesOf(props, true),
    resources: { cpu: 500, cores: undefined, memory: 512 },
    // Calls under way are answered and the lock is given back: a takeover need not wait for its session to end.
    killTimeoutSecs: 10,
  });
  return {
    ...job,
    constraints: [...(job.constraints ?? []), ...(several ? (["distinct_hosts"] as const) : [])],
    ...(several ? { spreads: [{ attribute: "${node.datacenter}", weight: 100 }] } : {}),
    update: {
      maxParallel: 1,
      canaries,
      autoPromote: canaries > 0,
      autoRevert: true,
      minHealthySecs: 5,
      healthyDeadlineSecs: 120,
      progressDeadlineSecs: 300,
    },
  };
}

function configOf(props: ControllerJobProps): JsonObject {
  const { region, forgeToml, forgeTomlFile, regions, dashboardFolder, nomad, services = {} } = props;
  const own = regions.some(({ name }) => name === region.name);
  const ip = props.address ?? "${NOMAD_IP_api}";
  const at = (label: string): string =>
    props.address === undefined ? `\${NOMAD_ADDR_${label}}` : `${props.address}:\${NOMAD_PORT_${label}}`;
  const tls = tlsConfig(props, "controller", [ip]);
  const url = `${tls.tls === undefined ? "http" : "https"}://${at("api")}`;
  return {
    region: region.name,
    controllerId: "${NOMAD_ALLOC_ID}",
    config:
      forgeTomlFile === undefined
        ? // Base64, because Nomad would fill in what looks like a variable in it.
          { kind: "carried", base64: Buffer.from(forgeToml, "utf8").toString("base64") }
        : { kind: "file", path: forgeTomlFile },
    dataDir: join(nodeFolderOf(props), "controller"),
    api: { host: ip, port: "${NOMAD_PORT_api}" },
    ...(Object.keys(services).length === 0 ? {} : { services: portsOf(services) }),
    publicUrl: url,
    agentListen: at("agents"),
    regions: [
      ...(own ? [] : [addressOf({ name: region.name, url, ...located(region.location) })]),
      ...regions.map(addressOf),
    ],
    engine: {
      kind: "nomad",
      address: nomad?.address ?? "unix://${NOMAD_SECRETS_DIR}/api.sock",
      ...(nomad?.caFile === undefined ? {} : { caFile: nomad.caFile }),
      tokenFile: "${NOMAD_SECRETS_DIR}/nomad_token",
      namespace: region.nomad.namespace,
      publicAddress: region.publicAddress,
    },
    ...consulConfig(props),
    secrets: secretsConfig(props, "controller"),
    ...tls,
    ...(dashboardFolder === undefined ? {} : { dashboardDir: dashboardFolder }),
  };
}

/** As Nomad fills them in. */
function portsOf(services: object): JsonObject {
  return Object.fromEntries(Object.keys(services).map((label) => [label, `\${NOMAD_PORT_${label}}`]));
}

function located(location: readonly [number, number] | undefined): Pick<RegionAddress, "location"> {
  return location === undefined ? {} : { location };
}

function addressOf({ name, url, location }: RegionAddress): JsonObject {
  return { name, url, ...(location === undefined ? {} : { location }) };
}
