import { z } from "zod";
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
const secret = z.string().min(16, "must have at least 16 characters");

/** What one agent process is told: how it is called, where its journal is, and whom it talks to. */
export const agentConfigSchema = z.strictObject({
  nodeId: name,
  region: name,
  /** A folder outside any server's own; made where it is not there. */
  journalDir: z.string().startsWith("/", "must be an absolute path"),
  /** Every controller replica: paths of Unix sockets, or HOST:PORT. */
  controllers: z.array(address).min(1, "name at least one controller"),
  /** Where the gate waits for its agent. */
  gateSocket: address,
  /** Shared by the programs of one run; proves to each that the other belongs to it. */
  secret,
  /** The region run's; every server's ticket key comes from it. */
  ticketSecret: secret,
  node: z.strictObject({
    address: z.string().min(1),
    /** MHz. */
    cpu: z.number().positive(),
    /** MiB. */
    memory: z.number().positive(),
    limits: z.strictObject({ cpu: z.boolean(), memory: z.boolean(), detail: z.string() }),
  }),
  logLevel: z.enum(["debug", "info", "warn", "error", "silent"]).default("info"),
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
