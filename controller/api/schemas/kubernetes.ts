import { z } from "zod";
import { queryFlag, queryNumber } from "./common";

const namespace = z.string().min(1).max(64);
const name = z.string().min(1).max(128);

export const namespaceParams = z.strictObject({ namespace });
export const objectParams = z.strictObject({ namespace, name });

/** Of a list or a watch. What else clients send, such as `fieldManager` or `resourceVersionMatch`, changes nothing here. */
export const kubeListQuery = z.looseObject({
  watch: queryFlag.exactOptional(),
  labelSelector: z.string().max(4096).exactOptional(),
  fieldSelector: z.string().max(4096).exactOptional(),
  resourceVersion: z.string().max(64).exactOptional(),
  timeoutSeconds: queryNumber(0, 86_400).exactOptional(),
  allowWatchBookmarks: queryFlag.exactOptional(),
  sendInitialEvents: queryFlag.exactOptional(),
});
export const kubeQuery = z.looseObject({});

export const gameServerAllocationBody = z
  .looseObject({
    metadata: z.looseObject({ name: name.nullish() }).nullish(),
    spec: z.record(z.string(), z.unknown()).nullish(),
  })
  .meta({ id: "KubernetesGameServerAllocation", description: "An Agones GameServerAllocation" });
