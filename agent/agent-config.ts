import * as z from "zod";
import { consulAccessSchema } from "../clients/consul-access";
import { certificateSourceSchema } from "../clients/live-certificate";
import { secretsSourceSchema } from "../clients/secrets-source";
import { formatAddress, parseAddress } from "../protocol/address";

const address = z.string().transform((text, context) => {
  try {
    return formatAddress(parseAddress(text));
  } catch (error) {
    context.addIssue({ code: "custom", message: (error as Error).message });
    return z.NEVER;
  }
});

const name = z.string().min(1).max(128);
/** Nomad fills in a node's attributes as text. */
const amount = z.coerce.number().positive();
/** `N` MiB, or `NB` bytes, which is how Nomad knows a node's memory. */
const memory = z.union([
  amount,
  z
    .string()
    .regex(/^[0-9]+B$/)
    .transform((text) => Math.floor(Number(text.slice(0, -1)) / 2 ** 20))
    .pipe(z.number().positive()),
]);

/** What one agent process is told: how it is called, where its journal is, and whom it talks to. */
export const agentConfigSchema = z
  .strictObject({
    nodeId: name,
    region: name,
    /** A folder outside any server's own; made where it is not there. */
    journalDir: z.string().startsWith("/", "must be an absolute path"),
    /** Every controller replica: paths of Unix sockets, or HOST:PORT; or those that `consul` knows, as they come and go. */
    controllers: z.union([
      z.array(address).min(1, "name at least one controller"),
      z.strictObject({ kind: z.literal("consul") }),
    ]),
    /** Where the gate waits for its agent; or the folder of its socket, where a new gate comes to stand beside the old. */
    gateSocket: z.union([address, z.strictObject({ folder: z.string().startsWith("/", "must be an absolute path") })]),
    secrets: secretsSourceSchema(["shared", "ticket"]),
    /** As the controllers', whose port then speaks TLS. */
    tls: certificateSourceSchema.optional(),
    /** Where each server of the node is registered; without it nowhere. */
    consul: consulAccessSchema.optional(),
    node: z.strictObject({
      address: z.string().min(1),
      /** MHz. */
      cpu: amount,
      /** MiB. */
      memory,
      limits: z.strictObject({ cpu: z.boolean(), memory: z.boolean(), detail: z.string() }),
    }),
    /** `find`: the engine cannot tell servers' process ids, so they are found by their Nomad allocation. */
    processes: z.enum(["told", "find"]).optional(),
    logLevel: z.enum(["debug", "info", "warn", "error", "silent"]).default("info"),
  })
  .refine(({ controllers, consul }) => Array.isArray(controllers) || consul !== undefined, {
    path: ["controllers"],
    message: "are to be found through Consul, and `consul` is not given: name it, or the controllers' addresses",
  });

export type AgentConfig = z.output<typeof agentConfigSchema>;

/**
 * Reads an agent's configuration from JSON.
 * @param source where it came from, for the error
 * @throws {Error} with every problem at once: path and what is wrong, never a secret's value
 */
export function readAgentConfig(json: string, source: string): AgentConfig {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw new Error(`the agent cannot start: ${source} is not JSON`);
  }
  const read = agentConfigSchema.safeParse(value);
  if (read.success) return read.data;
  const problems = read.error.issues.map(({ path, message }) => `${path.join(".") || "the whole"}: ${message}`);
  throw new Error(`the agent cannot start; in ${source}: ${problems.join("; ")}`);
}
