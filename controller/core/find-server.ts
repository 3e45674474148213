import { availableIn, meets, roomIn } from "../../protocol/count-rules";
import {
  FLEET_LABEL,
  SET_LABEL,
  type AllocationPriority,
  type AllocationRequest,
  type AllocationSelector,
  type LabelExpression,
} from "./allocation";
import type { Fleet } from "./fleet";
import { isTaken, seatsHeld, type GameServer } from "./game-server";
import { freshServer } from "./launch";
import type { CoreState } from "./state";
import { knowsRequest } from "../../protocol/versions";

/** A node with the servers on it that a selector may look at. */
interface Candidates {
  /** Of all experiences: servers that somebody has, and servers that are free. */
  readonly taken: number;
  readonly free: number;
  /** Isolated: it comes after all others. */
  readonly last: boolean;
  readonly servers: Iterable<GameServer>[];
}

/** And the selector that it satisfies. */
export interface Found {
  readonly server: GameServer;
  readonly selector: AllocationSelector;
}

/**
 * The server that an allocation gets: the first selector that any server satisfies decides, then the order of nodes,
 * then priorities; isolated nodes come last. `packed` fills the node that has most allocated servers, then most free ones; `distributed` takes the
 * node with fewest allocated, and with priorities looks at all nodes as one. A look costs the number of nodes, and of
 * servers until one fits; with priorities, and where taken servers are asked for, all servers of the fleets named.
 * Source: Agones, `pkg/gameserverallocations/find.go` and `allocation_cache.go`; where Agones draws lots
 * (`distributed`), the emptiest node is taken.
 *
 * @param passed servers that have refused this request
 */
export function findServer(
  s: CoreState,
  request: AllocationRequest,
  passed: ReadonlySet<GameServer>,
): Found | undefined {
  for (const selector of request.selectors) {
    const fits = (server: GameServer): boolean => !passed.has(server) && matches(server, selector);
    const nodes = nodesFor(s, selector, (nodeId) => canAllocate(s, nodeId));
    const server = best(nodes, request, fits);
    if (server) return { server, selector };
  }
  return undefined;
}

function best(
  nodes: Candidates[],
  { scheduling, priorities }: AllocationRequest,
  fits: (server: GameServer) => boolean,
): GameServer | undefined {
  const anyNode = scheduling === "distributed" && priorities.length > 0;
  const order = anyNode ? () => 0 : scheduling === "packed" ? fullestFirst : emptiestFirst;
  nodes.sort((a, b) => Number(a.last) - Number(b.last) || order(a, b));
  let found: GameServer | undefined;
  let on: Candidates | undefined;
  for (const node of nodes) {
    if (on && node.last && !on.last) return found;
    if (on && !anyNode && (on.taken !== node.taken || on.free !== node.free)) return found;
    for (const servers of node.servers) {
      for (const server of servers) {
        if (!fits(server)) continue;
        if (priorities.length === 0) return server;
        if (found && !precedes(server, found, priorities)) continue;
        found = server;
        on = node;
      }
    }
  }
  return found;
}

function fullestFirst(a: Candidates, b: Candidates): number {
  return b.taken - a.taken || b.free - a.free;
}

function emptiestFirst(a: Candidates, b: Candidates): number {
  return a.taken - b.taken || b.free - a.free;
}

/**
 * Free servers that the request would have, and that it cannot: their nodes' agents are of a version before allocations.
 * @param passed as in `findServer`
 */
export function outdated(
  s: CoreState,
  request: AllocationRequest,
  passed: ReadonlySet<GameServer>,
): readonly GameServer[] {
  return request.selectors.flatMap((selector) =>
    nodesFor(s, selector, (nodeId) => !canAllocate(s, nodeId))
      .flatMap(({ servers }) => servers.flatMap((some) => [...some]))
      .filter((server) => !passed.has(server) && matches(server, selector)),
  );
}

function canAllocate(s: CoreState, nodeId: string): boolean {
  return knowsRequest(s.nodes.get(nodeId)?.protocol ?? 0, "allocate");
}

function nodesFor(
  s: CoreState,
  { state, matchLabels }: AllocationSelector,
  wanted: (nodeId: string) => boolean,
): Candidates[] {
  const byNode = new Map<string, Candidates>();
  const at = (nodeId: string): Candidates => {
    let node = byNode.get(nodeId);
    if (!node) {
      const { taken = 0, free = 0, isolation = null } = s.nodes.get(nodeId) ?? {};
      byNode.set(nodeId, (node = { taken, free, last: isolation !== null, servers: [] }));
    }
    return node;
  };
  for (const fleet of fleetsNamed(s, matchLabels[FLEET_LABEL])) {
    if (state === "Ready")
      for (const [nodeId, servers] of fleet.index.freeByNode.nodes()) at(nodeId).servers.push(servers);
    else for (const [nodeId, servers] of takenByNode(s, fleet)) at(nodeId).servers.push(servers);
  }
  return [...byNode].flatMap(([nodeId, node]) => (wanted(nodeId) ? [node] : []));
}

/** The fleet whose next server would satisfy the request; undefined where none would. */
export function fleetToGrow(s: CoreState, request: AllocationRequest): Fleet | undefined {
  for (const selector of request.selectors) {
    if (selector.state !== "Ready") continue;
    const fleet = fleetsNamed(s, selector.matchLabels[FLEET_LABEL]).find((each) => {
      const fresh = freshServer(s, each);
      return fresh !== undefined && matches(fresh, selector);
    });
    if (fleet) return fleet;
  }
  return undefined;
}

/** A world is nobody's to take whole. */
function fleetsNamed(s: CoreState, name: string | undefined): Fleet[] {
  const fleets = name === undefined ? [...s.fleets.values()] : [s.fleets.get(name)];
  return fleets.filter((fleet): fleet is Fleet => fleet?.config?.kind === "match");
}

function takenByNode(s: CoreState, fleet: Fleet): Map<string, GameServer[]> {
  const byNode = new Map<string, GameServer[]>();
  for (const server of fleet.servers) {
    const { nodeId, state, closing, doubt } = server;
    if (state !== "allocated" || closing !== "open" || doubt !== null || !isTaken(server)) continue;
    if (nodeId === null || !s.usable(nodeId)) continue;
    const there = byNode.get(nodeId);
    if (there) there.push(server);
    else byNode.set(nodeId, [server]);
  }
  return byNode;
}

/** A server's label as allocations see it: those of Agones that name its fleet are made up here. */
function labelOf(server: GameServer, key: string): string | undefined {
  if (key === FLEET_LABEL) return server.experienceId;
  if (key === SET_LABEL) return setName(server);
  return Object.hasOwn(server.labels, key) ? server.labels[key] : undefined;
}

/** All of them. */
export function allocationLabels(
  server: Pick<GameServer, "labels" | "experienceId" | "version">,
): Record<string, string> {
  return { ...server.labels, [FLEET_LABEL]: server.experienceId, [SET_LABEL]: setName(server) };
}

function setName({ experienceId, version }: Pick<GameServer, "experienceId" | "version">): string {
  return `${experienceId}-${version}`;
}

function matches(server: GameServer, selector: AllocationSelector): boolean {
  const { matchLabels, matchExpressions, players } = selector;
  for (const key in matchLabels) if (labelOf(server, key) !== matchLabels[key]) return false;
  if (!matchExpressions.every((expression) => expressionHolds(server, expression))) return false;
  if (players.maxAvailable !== 0) {
    const available = server.maxPlayers - seatsHeld(server);
    if (available < players.minAvailable || available > players.maxAvailable) return false;
  }
  return meets(server, selector);
}

/** As Kubernetes has it: a server without the label satisfies NotIn. */
function expressionHolds(server: GameServer, expression: LabelExpression): boolean {
  const value = labelOf(server, expression.key);
  switch (expression.operator) {
    case "In":
      return value !== undefined && expression.values.includes(value);
    case "NotIn":
      return value === undefined || !expression.values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
  }
}

/** Whether `a` comes before `b`: by what the first counter or list that tells them apart has left. */
export function precedes(a: GameServer, b: GameServer, priorities: readonly AllocationPriority[]): boolean {
  for (const { type, key, order } of priorities) {
    const [left, right] = [leftOf(a, type, key), leftOf(b, type, key)];
    if (left === right) continue;
    if (left === undefined || right === undefined) return right === undefined;
    return order === "Ascending" ? left < right : left > right;
  }
  return false;
}

function leftOf({ counters, lists }: GameServer, type: "Counter" | "List", key: string): number | undefined {
  if (type === "Counter") return Object.hasOwn(counters, key) && counters[key] ? availableIn(counters[key]) : undefined;
  return Object.hasOwn(lists, key) && lists[key] ? roomIn(lists[key]) : undefined;
}
