import * as z from "zod";

/** PEM text, or the path of a file that holds it; the system's own CAs where not given. */
export const caField = z.string().min(1).optional();

/** How a program reaches its node's Consul agent. */
export const consulAccessSchema = z.strictObject({
  /** `http://HOST:PORT`, `https://…` or `unix:///PATH` of the HTTP API. */
  address: z.string().min(1),
  ca: caField,
  /** By which Nomad's workloads log in; none where this Consul has no ACL. */
  authMethod: z.string().min(1).optional(),
  /** Nomad's signed identity for Consul; where not given, the one that the job's `consul` identity block writes. */
  identityFile: z.string().startsWith("/", "must be an absolute path").optional(),
});

export type ConsulAccess = z.output<typeof consulAccessSchema>;
