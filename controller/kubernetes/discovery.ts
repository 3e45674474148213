import { AGONES_GROUP, ALLOCATION_GROUP } from "./objects";

/** What a Kubernetes client asks before anything else: which groups and resources there are, and which version this is. */

const group = (groupVersion: string): object => {
  const version = { groupVersion, version: "v1" };
  return { name: groupVersion.split("/")[0], versions: [version], preferredVersion: version };
};

const resource = (name: string, singularName: string, kind: string, shortNames: string[], verbs: string[]): object => ({
  name,
  singularName,
  namespaced: true,
  kind,
  verbs,
  ...(shortNames.length > 0 ? { shortNames } : {}),
});

const resources = (groupVersion: string, list: readonly object[]): object => ({
  kind: "APIResourceList",
  apiVersion: "v1",
  groupVersion,
  resources: list,
});

const READ = ["get", "list", "watch"];

export const DISCOVERY = {
  versions: { kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: [] },
  core: resources("v1", []),
  groups: { kind: "APIGroupList", apiVersion: "v1", groups: [group(AGONES_GROUP), group(ALLOCATION_GROUP)] },
  agones: resources(AGONES_GROUP, [
    resource("gameservers", "gameserver", "GameServer", ["gs"], READ),
    resource("fleets", "fleet", "Fleet", ["flt"], READ),
  ]),
  allocation: resources(ALLOCATION_GROUP, [
    resource("gameserverallocations", "gameserverallocation", "GameServerAllocation", ["gsa"], ["create"]),
  ]),
  /** Of the oldest Kubernetes whose ways these few routes are. */
  version: { major: "1", minor: "32", gitVersion: "v1.32.0-forge", platform: "linux/amd64" },
} as const;
