import { z } from "zod";
import { nomadEngineSchema } from "./adapters/nomad/nomad-config";

const secret = z.string().min(32, "must have at least 32 characters");
const absolutePath = z.string().startsWith("/", "must be an absolute path");

const embeddedEngineSchema = z.strictObject({
  kind: z.literal("embedded"),
  /** Of the run's root process. */
  rootSocket: absolutePath,
  rootSecret: z.string().min(1),
  runDir: absolutePath,
  dataDir: absolutePath,
  /** Where Forge is installed. */
  home: absolutePath,
  ports: z.strictObject({ first: z.int(), last: z.int() }),
});

/** Everything one controller process is told at its start: a JSON file, written by `forge up` or by the controller's Nomad job. */
export const controllerConfigSchema = z.strictObject({
  region: z.string().min(1),
  controllerId: z.string().min(1),
  /** The forge.toml to decide by; watched for changes. */
  configFile: absolutePath,
  /** Epoch and other small state of this controller. */
  dataDir: absolutePath,
  api: z.strictObject({ host: z.string(), port: z.int().min(1).max(65535) }),
  /** All regions of the run, this one included. */
  regions: z.array(
    z.strictObject({ name: z.string(), url: z.string(), location: z.tuple([z.number(), z.number()]).optional() }),
  ),
  /** Unix socket or HOST:PORT where agents dial in; none where they are in the same process. */
  agentSocket: z.string().optional(),
  /** Proves that a stream is one of this run's own. */
  secret,
  /** Tickets' keys are derived from it; shared by the regions of a run. */
  ticketSecret: secret,
  /** Signs API tokens; shared by the regions of a run. */
  tokenKey: secret,
  engine: z.discriminatedUnion("kind", [embeddedEngineSchema, nomadEngineSchema]),
  dashboardDir: absolutePath.optional(),
  logLevel: z.enum(["debug", "info", "warn", "error", "silent"]).default("info"),
});

export type ControllerConfig = z.output<typeof controllerConfigSchema>;

/**
 * Reads a controller's configuration from JSON.
 * @param source where it came from, for the error
 * @throws {Error} with every problem at once: path and what is wrong, never a secret's value
 */
export function readControllerConfig(json: string, source: string): ControllerConfig {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw new Error(`the controller cannot start: ${source} is not JSON`);
  }
  const read = controllerConfigSchema.safeParse(value);
  if (read.success) return read.data;
  const problems = read.error.issues.map(({ path, message }) => `${path.join(".") || "the whole"}: ${message}`);
  throw new Error(`the controller cannot start; in ${source}: ${problems.join("; ")}`);
}
