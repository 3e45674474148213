import { z } from "zod";

const absolutePath = z.string().startsWith("/", "must be an absolute path");

/** What a controller is told of the Nomad that runs its region's servers: `engine` of its configuration. */
export const nomadEngineSchema = z.strictObject({
  kind: z.literal("nomad"),
  /** `http://HOST:PORT`, `https://HOST:PORT`, or `unix:///PATH` of the socket that Nomad gives each task. */
  address: z.string().regex(/^(https?:\/\/|unix:\/\/\/)/, "must begin with http://, https:// or unix:///"),
  /** PEM file of the CA that Nomad's certificate comes from; the system's own where not given. */
  caFile: absolutePath.optional(),
  /** File that holds the token, as Nomad renews it for a task with `identity { file = true }`; none: no token is sent. */
  tokenFile: absolutePath.optional(),
  /** Namespace of the game servers' jobs. */
  namespace: z.string().min(1).default("default"),
  /** What players are told: `auto` (the port's address on its node), `meta.KEY` of the node, or the address itself. */
  publicAddress: z.string().min(1).default("auto"),
  /** Seconds after its end that a server is purged from Nomad, so that finished jobs do not fill its memory. */
  purgeAfterSecs: z.number().positive().default(600),
});

export type NomadEngineConfig = z.output<typeof nomadEngineSchema>;
