import { asName } from "../../config/names";
import { tagOf } from "../../config/resolve-experience";
import type { Answers } from "../answers";
import type { Cursor } from "../ledger/claims";
import type { KubeObject } from "../object";
import { overflowOf, prioritiesOf, rolloutOf } from "./fleet-rules";
import { fleetScaling } from "./fleet-scaling";
import { fleetStateOf, stateTables } from "./fleet-state";
import { claimCommon, claimMetadata } from "./metadata";
import { portLabel, unused } from "./names";
import { standInOf } from "./stand-in";
import type { GameSources } from "./game-environment";
import { programOf, rolesOf, sizeOf } from "./game-program";

/** An experience as forge.toml takes it. */
export interface Experience {
  readonly id: string;
  readonly table: Readonly<Record<string, unknown>>;
}

const TARGET = "forge.toml";
const SIZED_BY = ["Fleet", "GameServerSet"];

export function isGameServers({ group, kind }: KubeObject): boolean {
  return group === "agones.dev" && ["Fleet", "GameServer", "GameServerSet"].includes(kind);
}

/** Why no experience can be made of it. */
export function whyNoExperience(object: KubeObject): "partialPatch" | "ownedByOther" | undefined {
  const { node } = object.root.get("metadata", "ownerReferences");
  if (node?.kind === "list" && node.items.length > 0) return "ownedByOther";
  const server = gameServerOf(object);
  const containers = server.get("template", "spec", "containers");
  if (containers.node?.kind !== "list") return "partialPatch";
  const image = primaryOf(server, containers.items())?.get("image").text() ?? "";
  return image === "" ? "partialPatch" : undefined;
}

function gameServerOf({ kind, root }: KubeObject): Cursor {
  return kind === "GameServer" ? root.get("spec") : root.get("spec", "template", "spec");
}

/**
 * A Fleet, GameServerSet or single GameServer as an experience whose servers keep the Agones SDK.
 *
 * @param autoscaler the FleetAutoscaler that names the Fleet
 * @param sources what it has beside its object
 */
export function experienceOf(
  object: KubeObject,
  autoscaler: KubeObject | undefined,
  answers: Answers,
  id: string,
  sources: GameSources,
): Experience {
  const target = `${TARGET}#experiences.${id}`;
  claimCommon(object, target);
  const spec = object.root.get("spec");
  const isSized = SIZED_BY.includes(object.kind);
  if (isSized) claimMetadata(object, "spec/template/metadata", [target]);
  // Of the servers: what allocations select by.
  (isSized ? spec.get("template", "metadata", "labels") : object.root.get("metadata", "labels")).note("fleetLabel");
  spec.get("scheduling").note("converted", `${target}.routing.strategy`);
  const replicas = isSized
    ? Math.max(0, spec.get("replicas").note("fleetReplicas", `${target}.scaling`).int() ?? 0)
    : 1;
  const server = gameServerOf(object);
  const state = fleetStateOf(server, target);
  server.get("scheduling").note("converted");
  server.get("sdkServer").note("sdkServer");
  server.get("sdkServer", "logLevel").note("ignoredField");
  server.get("eviction").note("eviction");
  server.get("immutableReplicas").note("noRule");
  claimMetadata(object, isSized ? "spec/template/spec/template/metadata" : "spec/template/metadata", [target]);
  const pod = server.get("template", "spec");
  const primary = claimContainers(server, pod);
  const ports = portsOf(server.get("ports"), target, isSized ? undefined : sources.fixedPorts);
  claimPortOwners(server.get("ports"), primary, target);
  const spread = (spec.get("scheduling").text() ?? server.get("scheduling").text()) === "Distributed";
  const isWorld = !isSized && Object.values(ports).some((port) => typeof port === "object");
  return {
    id,
    table: {
      // One server that has a port of its own is one that players know by it.
      ...(isWorld ? { kind: "world" } : {}),
      ...programOf(primary, target, answers, sources),
      ...versionOf(primary, answers),
      sdk: "agones",
      max_players: seatsOf(server),
      ...sizeOf(primary, target, answers),
      ports,
      ...stateTables(server, state, target),
      ...healthOf(server.get("health"), `${target}.health`),
      scaling: {
        ...fleetScaling({ replicas, autoscaler, state, target }),
        ...(isSized ? prioritiesOf(spec.get("priorities"), state, target) : {}),
        ...(isSized ? overflowOf(spec.get("allocationOverflow"), target) : {}),
      },
      ...(object.kind === "Fleet" ? { rollout: rolloutOf(spec.get("strategy"), target) } : {}),
      ...(spread ? { routing: { strategy: "spread" } } : {}),
      ...graceOf(pod, target),
      ...rolesOf(pod, primary, target, answers, sources),
    },
  };
}

/** Of what stands in for an image; an image brings it along. */
function versionOf(container: Cursor | undefined, answers: Answers): { readonly version?: string } {
  if (container === undefined || standInOf(container, answers) === undefined) return {};
  const version = tagOf(container.get("image").text());
  return version === undefined ? {} : { version };
}

/** The container that is the game server: the one that `container` names, else the first. */
function primaryOf(server: Cursor, containers: readonly Cursor[]): Cursor | undefined {
  const wanted = server.get("container").text();
  return containers.find((container) => container.get("name").text() === wanted) ?? containers[0];
}

function claimContainers(server: Cursor, pod: Cursor): Cursor | undefined {
  const containers = pod.get("containers").items();
  const primary = primaryOf(server, containers);
  server.get("container").converted(TARGET);
  primary?.get("name").converted(TARGET);
  return primary;
}

/** Where a GameServer says how many may play; else 16, which is said in the report. */
function seatsOf(server: Cursor): number {
  const known = [
    server.get("lists", "players", "capacity"),
    server.get("players", "initialCapacity"),
    server.get("counters", "players", "capacity"),
  ];
  const seats = known.map((each) => each.int()).find((each) => each !== undefined && each > 0);
  return Math.min(10_000, seats ?? 16);
}

/** The name that each server's port of the SDK has. */
const SDK_PORT = "sdk";

/** @param fixed the nodes' ports that others have, for one server alone; its own are put there too */
function portsOf(ports: Cursor, target: string, fixed: Set<number> | undefined): Record<string, unknown> {
  const isOne = fixed !== undefined;
  const found: Record<string, unknown> = {};
  const own = new Map<number, string>();
  for (const [index, port] of ports.items().entries()) {
    const policy = port.get("portPolicy").text() ?? "Dynamic";
    const hostPort = port.get("hostPort").int();
    const isStatic = isOne && policy === "Static" && hostPort !== undefined && hostPort > 0 && hostPort < 65_536;
    const same = isStatic ? own.get(hostPort) : undefined;
    if (same !== undefined) {
      port.note("bothProtocols", `${target}.ports.${same}`);
      continue;
    }
    const isTaken = (name: string): boolean => name === SDK_PORT || Object.hasOwn(found, name);
    const label = unused(forgeLabel(port.get("name").text(), index), isTaken, "_");
    const at = `${target}.ports.${label}`;
    const protocol = port.get("protocol").converted(at).text() ?? "UDP";
    port.get("name").converted(at);
    port.get("portPolicy").note(policy === "Passthrough" ? "passthrough" : "converted", at);
    port.get("containerPort").note(policy === "Passthrough" ? "passthrough" : "gamePort", at);
    port.get("range").note("portRange", at);
    port.get("hostPort").note(isOne ? "converted" : "fleetPort", at);
    const isFixed = isStatic && !fixed.has(hostPort);
    if (isFixed) {
      fixed.add(hostPort);
      own.set(hostPort, label);
    } else if (isStatic) port.get("hostPort").note("fixedPortTaken", at);
    const name = protocol.startsWith("TCP") && protocol !== "TCPUDP" ? "tcp" : "udp";
    if (protocol === "TCPUDP") port.get("protocol").note("bothProtocols", at);
    found[label] = isFixed ? { protocol: name, static: hostPort } : name;
  }
  return found;
}

/** The container that has a port; to Forge it is the game server, whichever it is. */
function claimPortOwners(ports: Cursor, primary: Cursor | undefined, target: string): void {
  const server = primary?.get("name").text();
  for (const port of ports.items()) {
    const owner = port.get("container");
    owner.note((owner.text() ?? server) === server ? "converted" : "rolePort", `${target}.ports`);
  }
}

function forgeLabel(name: string | undefined, index: number): string {
  const label = portLabel(name?.toLowerCase(), index).slice(0, 28);
  return /^[a-z]/.test(label) ? label : `p${index}`;
}

function graceOf(pod: Cursor, target: string): Record<string, unknown> {
  const grace = pod.get("terminationGracePeriodSeconds").converted(`${target}.stop.grace_secs`).int();
  return grace === undefined || grace < 0 ? {} : { stop: { grace_secs: Math.min(86_400, grace) } };
}

/** Times as Agones counts them; of those that are not above 0 the defaults, which are Agones' own. */
function healthOf(health: Cursor, target: string): Record<string, unknown> {
  if (health.get("disabled").converted(target).flag() === true) return { health: "process" };
  const read = (key: string): number | undefined => {
    const at = health.get(key);
    const value = at.int();
    at.note(value !== undefined && value <= 86_400 ? "converted" : "wrongType", target);
    return value !== undefined && value > 0 && value <= 86_400 ? value : undefined;
  };
  const times = {
    period_secs: read("periodSeconds"),
    failure_threshold: read("failureThreshold"),
    initial_delay_secs: read("initialDelaySeconds"),
  };
  const said = Object.entries(times).filter(([, value]) => value !== undefined);
  return said.length === 0 ? {} : { health: { sdk: true, ...Object.fromEntries(said) } };
}

/** The experience's name: the object's own where forge.toml takes it. */
export function experienceName(object: KubeObject, isTaken: (name: string) => boolean): string {
  const name = asName(object.name) ?? "game";
  if (!isTaken(name)) return name;
  for (let at = 2; ; at++) {
    const next = `${name.slice(0, 28)}-${at}`;
    if (!isTaken(next)) return next;
  }
}
