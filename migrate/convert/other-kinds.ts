import type { Code } from "../ledger/codes";
import type { KubeObject } from "../object";
import { claimCommon } from "./metadata";

/** Kinds that have one fate as a whole, by group and kind; `*` is every kind of the group. */
const FATES: Readonly<Record<string, Code>> = {
  "/Binding": "requestOnly",
  "/ComponentStatus": "clusterState",
  "/Endpoints": "endpoints",
  "/Event": "clusterState",
  "/LimitRange": "quota",
  "/Node": "clusterState",
  "/PersistentVolume": "storageClass",
  "/PodTemplate": "requestOnly",
  "/ResourceQuota": "quota",
  "/ServiceAccount": "serviceAccount",
  "admissionregistration.k8s.io/*": "clusterExtension",
  "allocation.agones.dev/GameServerAllocation": "allocationRequest",
  "apiextensions.k8s.io/*": "clusterExtension",
  "apiregistration.k8s.io/*": "clusterExtension",
  "apps/ControllerRevision": "clusterState",
  "apps/DeploymentRollback": "requestOnly",
  "apps/Scale": "requestOnly",
  "autoscaling/Scale": "requestOnly",
  "certificates.k8s.io/*": "clusterExtension",
  "coordination.k8s.io/*": "clusterState",
  "discovery.k8s.io/*": "endpoints",
  "events.k8s.io/*": "clusterState",
  "gateway.networking.k8s.io/*": "gatewayApi",
  "linkerd.io/*": "mesh",
  "multicluster.agones.dev/GameServerAllocationPolicy": "allocationPolicy",
  "networking.istio.io/*": "mesh",
  "networking.k8s.io/IPAddress": "clusterState",
  "networking.k8s.io/IngressClass": "ingressGateway",
  "networking.k8s.io/NetworkPolicy": "networkPolicy",
  "networking.k8s.io/ServiceCIDR": "clusterState",
  "policy/Eviction": "requestOnly",
  "policy/PodSecurityPolicy": "clusterExtension",
  "rbac.authorization.k8s.io/*": "rbac",
  "policy.linkerd.io/*": "mesh",
  "security.istio.io/*": "mesh",
  "storage.k8s.io/CSINode": "clusterState",
  "storage.k8s.io/CSIStorageCapacity": "clusterState",
  "storage.k8s.io/VolumeAttachment": "clusterState",
  "storage.k8s.io/*": "storageClass",
};

/** Says of an object that nothing is made of what becomes of it: by its kind, or that the kind is unknown. */
export function claimOther(object: KubeObject): void {
  const fate = FATES[`${object.group}/${object.kind}`] ?? FATES[`${object.group}/*`];
  object.root.note(fate ?? "unknownKind");
  if (fate !== undefined) claimCommon(object);
  for (const field of ["apiVersion", "kind"]) object.root.get(field).note(fate ?? "unknownKind");
  for (const field of ["name", "namespace"]) object.root.get("metadata", field).note(fate ?? "unknownKind");
}
