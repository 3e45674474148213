import { z } from "zod";
import { consulAccessSchema } from "../clients/consul-access";
import { certificateSourceSchema } from "../clients/live-certificate";
import { secretsSourceSchema } from "../clients/secrets-source";
import { nomadEngineSchema } from "./adapters/nomad/nomad-config";

const absolutePath = z.string().startsWith("/", "must be an absolute path");
/** Nomad fills in ports as text. */
const port = z.coerce.number().pipe(z.int().min(1).max(65535));

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
  /**
   * The forge.toml to decide by: a file, watched for changes, or what the controller's job carries, in base64 because
   * Nomad would fill in what looks like a variable. With `consul`, what its KV says outranks both once it answers.
   */
  config: z.discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("file"),
      path: absolutePath,
      /** Where programs that it names by a relative path are looked for; its own folder where not given. */
      baseDir: absolutePath.optional(),
    }),
    z.strictObject({ kind: z.literal("carried"), base64: z.base64() }),
  ]),
  /** Epoch and other small state of this controller. */
  dataDir: absolutePath,
  api: z.strictObject({ host: z.string(), port }),
  /** Ports that its job reserves for `[allocator]` and `[ping]`; by the file's own rule where not given. */
  services: z.strictObject({ allocator: port.optional(), ping: port.optional() }).optional(),
  /** Where the other replicas and programs reach the API: `http://HOST:PORT`; host and port of `api` where not given. */
  publicUrl: z.url().optional(),
  /** All regions of the run, this one included. */
  regions: z.array(
    z.strictObject({ name: z.string(), url: z.string(), location: z.tuple([z.number(), z.number()]).optional() }),
  ),
  /** Unix socket or HOST:PORT where agents dial in; none where they are in the same process. */
  agentListen: z.string().optional(),
  /** With a certificate of the region's Vault the API and the agents' port speak TLS; without it they speak plainly. */
  tls: certificateSourceSchema.optional(),
  secrets: secretsSourceSchema(["shared", "ticket", "token"]),
  /** Leadership, live configuration and registration; without it this is its region's only controller. */
  consul: consulAccessSchema.optional(),
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
