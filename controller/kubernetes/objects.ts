import { addressType, gamePorts } from "../agones/allocation-answer";
import { allocationLabels } from "../core/find-server";
import type { Fleet, Server, ServerState } from "../core/resources";

/** Any object of Kubernetes' API, as far as lists and watches look at it. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: KubeMeta;
  readonly [part: string]: unknown;
}

export interface KubeMeta {
  readonly name: string;
  readonly namespace: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly resourceVersion?: string;
  readonly [part: string]: unknown;
}

export const AGONES_GROUP = "agones.dev/v1";
export const ALLOCATION_GROUP = "allocation.agones.dev/v1";

/** A server that has ended is no GameServer any more: Agones deletes it. */
export function gameServerObject(server: Server, namespace: string): KubeObject {
  const { id, allocationId, annotations, createdAt, counters, lists, tracked, address, nodeId } = server;
  const ports = gamePorts(server);
  return {
    apiVersion: AGONES_GROUP,
    kind: "GameServer",
    metadata: {
      name: id,
      namespace,
      uid: allocationId ?? id,
      generation: 1,
      creationTimestamp: toTheSecond(createdAt),
      labels: allocationLabels(server),
      annotations,
    },
    spec: {
      container: "server",
      ports: ports.map(({ name, port }) => ({ name, portPolicy: "Dynamic", containerPort: port, hostPort: port })),
      scheduling: "Packed",
      // What it runs is forge.toml's; clients that insist on a template find an empty one.
      template: { metadata: {}, spec: { containers: [] } },
    },
    status: {
      state: gameServerState(server),
      ports,
      address: address ?? "",
      addresses: address === null ? [] : [{ type: addressType(address), address }],
      nodeName: nodeId ?? "",
      reservedUntil: null,
      ...(tracked === null
        ? {}
        : { players: { count: tracked.values.length, capacity: tracked.capacity, ids: tracked.values } }),
      counters,
      lists,
    },
  };
}

const STATES: Readonly<Record<ServerState, string>> = {
  starting: "Scheduled",
  ready: "Ready",
  reserved: "Reserved",
  allocated: "Allocated",
  draining: "Shutdown",
  // Its node is silent: whoever has it still has it, and nobody else gets it.
  suspect: "Allocated",
  unhealthy: "Unhealthy",
  terminated: "Shutdown",
};

function gameServerState({ state, matchId, players }: Server): string {
  return state === "suspect" && matchId === null && players === 0 ? "Reserved" : STATES[state];
}

/** All versions of one experience in a region are one Fleet, as a rolling update is under Agones. */
export function fleetObject(versions: readonly Fleet[], namespace: string): KubeObject {
  const count = (...states: readonly ServerState[]): number =>
    versions.reduce((sum, { servers }) => sum + states.reduce((of, state) => of + servers[state], 0), 0);
  const [{ experienceId, version, kind } = { experienceId: "", version: "", kind: "match" }] = versions;
  return {
    apiVersion: AGONES_GROUP,
    kind: "Fleet",
    metadata: {
      name: experienceId,
      namespace,
      uid: `${namespace}-${experienceId}`,
      generation: 1,
      creationTimestamp: null,
      labels: { "forge.dev/version": version, "forge.dev/kind": kind },
      annotations: {},
    },
    spec: {
      replicas: versions.reduce((sum, { desired }) => sum + desired, 0),
      scheduling: "Packed",
      strategy: { type: "RollingUpdate" },
      template: { metadata: {}, spec: { template: { metadata: {}, spec: { containers: [] } } } },
    },
    status: {
      replicas: count("starting", "ready", "reserved", "allocated", "suspect"),
      readyReplicas: count("ready"),
      reservedReplicas: count("reserved"),
      allocatedReplicas: count("allocated"),
    },
  };
}

/** Kubernetes' times have no fractions, and its clients refuse them. */
export function toTheSecond(time: string): string {
  return `${new Date(time).toISOString().slice(0, 19)}Z`;
}
