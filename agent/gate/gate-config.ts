import * as z from "zod";
import { secretsSourceSchema } from "../../clients/secrets-source";

/** Everything one gate process is told at its start: a JSON file, written by `forge up` or by the gate's Nomad job. */
export const gateConfigSchema = z.strictObject({
  /** Unix socket that the gate listens on for its agent. */
  agentSocket: z.string().startsWith("/", "must be an absolute path"),
  secrets: secretsSourceSchema(["shared"]),
  /** What SIGTERM means: end at once (unless told), or leave new servers to the gate beside and end with the last one held. */
  onSigterm: z.enum(["end", "retire"]).optional(),
  logLevel: z.enum(["debug", "info", "warn", "error", "silent"]).default("info"),
});

export type GateConfig = z.output<typeof gateConfigSchema>;

/**
 * @param text of the file
 * @param file its name, for errors
 * @throws {Error} that names every wrong key, never a secret's value
 */
export function readGateConfig(text: string, file: string): GateConfig {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw new Error(`${file} is not JSON: ${(error as Error).message}`, { cause: error });
  }
  const read = gateConfigSchema.safeParse(content);
  if (read.success) return read.data;
  const problems = read.error.issues.map(({ path, message }) => `${path.join(".") || "the file"}: ${message}`);
  throw new Error(`${file}: ${problems.join("; ")}`);
}
