import type { Answers } from "../answers";
import type { Cursor } from "../ledger/claims";
import type { KubeObject } from "../object";
import type { Service } from "../model/nomad-job";
import type { PodParts } from "./pod";
import { isPort, type PortTags } from "./routes";
import type { ServiceNames } from "./service-names";
import { entryOf } from "./table";

/** A Service and what it is called in Consul. */
export interface NamedService {
  readonly object: KubeObject;
  readonly name: string;
  /** Of what leads to it from outside. */
  readonly tags: readonly PortTags[];
}

/** Fields that say how a cluster carries traffic to the pods. */
const FIXED = {
  allocateLoadBalancerNodePorts: "loadBalancer",
  clusterIPs: "clusterIp",
  externalIPs: "externalIps",
  externalTrafficPolicy: "trafficPolicy",
  healthCheckNodePort: "loadBalancer",
  internalTrafficPolicy: "trafficPolicy",
  ipFamilies: "ignoredField",
  ipFamilyPolicy: "ignoredField",
  loadBalancerClass: "loadBalancer",
  loadBalancerIP: "loadBalancer",
  loadBalancerSourceRanges: "loadBalancer",
  publishNotReadyAddresses: "notReady",
  sessionAffinity: "sessionAffinity",
  sessionAffinityConfig: "sessionAffinity",
  topologyKeys: "trafficPolicy",
  trafficDistribution: "trafficPolicy",
} as const;

/** Whether a Service's selector takes a pod; one without a selector takes none. */
export function selectsPod(service: KubeObject, labels: Readonly<Record<string, string>>): boolean {
  const { node } = service.root.get("spec", "selector");
  if (node?.kind !== "map" || node.entries.size === 0) return false;
  return [...node.entries].every(
    ([key, value]) => value.kind === "scalar" && entryOf(labels, key) === String(value.value),
  );
}

/** Registers one workload in its Services. Ports are fixed on the node where clients are to find them unchanged. */
export function registrations(
  services: readonly NamedService[],
  parts: PodParts,
  { answers, names, target }: { readonly answers: Answers; readonly names: ServiceNames; readonly target: string },
): readonly Service[] {
  const registered = services.flatMap(({ object, name, tags }): readonly Service[] => {
    const spec = object.root.get("spec");
    claimService(spec, `${target}#service.${name}`);
    const ports = spec.get("ports").items();
    // A name alone, as headless Services are that lead to pods and not to a port of theirs.
    if (ports.length === 0) {
      spec.get("selector").note("portlessService", `${target}#service.${name}`);
      return [{ name, port: undefined, provider: answers.services, tags: [], checks: [] }];
    }
    return ports.flatMap((port, index) => {
      const label = portOf(port, spec, parts, answers, target);
      if (label === undefined) return [];
      const own = port.get("name").text();
      // Consul has one port a service: what a Service has more gets its own name.
      const called = index === 0 || own === undefined ? name : names.nameOfPort(name, own);
      const led = tags.filter((each) => isPort(port, index, each.port)).flatMap((each) => each.tags);
      const list = [...new Set(led)];
      return [{ name: called, port: label, provider: answers.services, tags: list, checks: [] }];
    });
  });
  return merged(registered);
}

/** Nomad takes a name with a port once: TCP and UDP of one number are one port. */
function merged(services: readonly Service[]): readonly Service[] {
  const found = new Map<string, Service>();
  for (const service of services) {
    const key = JSON.stringify([service.name, service.port]);
    const tags = [...new Set([...(found.get(key)?.tags ?? []), ...service.tags])];
    found.set(key, { ...service, tags });
  }
  return [...found.values()];
}

function claimService(spec: Cursor, target: string): void {
  for (const [field, code] of Object.entries(FIXED)) spec.get(field).note(code);
  spec.get("selector").note("label", target);
  const type = spec.get("type");
  type.note(type.text() === "LoadBalancer" ? "loadBalancer" : "converted", target);
  const address = spec.get("clusterIP");
  address.note(address.text() === "None" ? "headless" : "clusterIp", target);
}

function portOf(port: Cursor, spec: Cursor, parts: PodParts, answers: Answers, target: string): string | undefined {
  const number = port.get("port").int();
  const targetAt = port.get("targetPort");
  const wanted = targetAt.present ? targetAt.intOrText() : number;
  const isNone = spec.get("clusterIP").text() === "None";
  if (number === undefined || wanted === undefined || parts.ports.labelOf(wanted) === undefined) {
    port.note("unresolvedPort");
    return undefined;
  }
  port.get("name").converted(target);
  port.get("appProtocol").note("ignoredField");
  port.get("protocol").note(port.get("protocol").text() === "SCTP" ? "sctp" : "converted", target);
  const nodePort = port.get("nodePort").int();
  if (nodePort !== undefined && nodePort > 0) {
    const label = parts.ports.fixed(wanted, nodePort, "node");
    port
      .get("nodePort")
      .note(label === undefined ? unreachable(parts) : "staticPort", `${target}#network.port.${label ?? ""}`);
  }
  if (answers.ports === "dynamic") {
    for (const field of [port.get("port"), targetAt]) field.note("dynamicPort", target);
    return parts.ports.labelOf(wanted);
  }
  // Of a headless Service clients reach the pod itself, so at the pod's own port.
  const label =
    isNone && typeof wanted === "number"
      ? parts.ports.fixed(wanted, wanted, "pod")
      : parts.ports.fixed(wanted, number, port.get("name").text() ?? "service");
  for (const field of [port.get("port"), targetAt])
    field.note(label === undefined ? unreachable(parts) : "servicePort", target);
  return label ?? parts.ports.labelOf(wanted);
}

/** Why a port is not at the number that clients know. */
function unreachable({ ports }: PodParts): "hostNetworkPort" | "portTaken" {
  return ports.isHost ? "hostNetworkPort" : "portTaken";
}
