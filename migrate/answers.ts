import { parse, stringify } from "smol-toml";
import { z } from "zod";

/** A program in an image's place: for nodes without containers, or to try a migration out. */
const standInSchema = z.strictObject({
  driver: z.enum(["exec", "raw_exec"]).default("exec"),
  /** The program, and words before the container's own `args`. The container's `command` is the image's, and left out. */
  command: z.array(z.string().min(1)).min(1),
  /** Beside the container's own, and in their place. `${NOMAD_…}` is Nomad's, as in `command`. */
  env: z.record(z.string().regex(/^[A-Za-z_]\w*$/), z.string()).default({}),
});

export type StandIn = z.output<typeof standInSchema>;

/** What manifests do not say and a migration has to know. Every answer has a default that is safe rather than fast. */
const answersSchema = z.strictObject({
  datacenters: z.array(z.string().min(1)).min(1).default(["*"]),
  /** MHz that one Kubernetes core stands for: what `nomad node status -verbose` shows, divided by the cores. */
  mhz_per_core: z.int().min(100).max(20_000).default(2_000),
  /** MHz and MiB of a container that asks for nothing. Nomad gives 100 and 300, and kills at 300. */
  default_cpu: z.int().min(1).default(200),
  default_memory: z.int().min(10).default(512),
  /** Whether the nodes allow memory oversubscription, which `memory_max` needs. */
  memory_oversubscription: z.boolean().default(true),
  /** `static`: a Service's own port on the node, so clients need no change. `dynamic`: any, found by SRV record. */
  ports: z.enum(["static", "dynamic"]).default("static"),
  /** Where services are registered. Checks by command need Consul. */
  services: z.enum(["consul", "nomad"]).default("consul"),
  /** Where secrets are: Nomad's variables, or Vault's KV version 2 below `vault_mount`. */
  secrets: z.enum(["nomad", "vault"]).default("nomad"),
  vault_mount: z
    .string()
    .regex(/^[\w-]+(\/[\w-]+)*$/)
    .default("kv"),
  /** Name servers of tasks; empty: the node's, which then has to answer for `.consul`. */
  dns_servers: z.array(z.string().min(1)).default([]),
  /** Of forge.toml's region, where there are game servers. */
  engine: z.enum(["nomad", "embedded"]).default("nomad"),
  /** Programs of the nodes that run in an image's place, by the image as manifests write it. */
  stand_ins: z.record(z.string().min(1), standInSchema).default({}),
  /** Codes of the ledger that `--strict` and the exit code pass over. */
  suppress: z.array(z.string()).default([]),
});

export type Answers = z.output<typeof answersSchema>;

export class AnswersError extends Error {}

/**
 * @param source the file's name, for the error
 * @throws {AnswersError} with every problem at once
 */
export function readAnswers(text: string, source: string): Answers {
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    throw new AnswersError(`${source} is not TOML: ${(error as Error).message.split("\n")[0]}`);
  }
  const read = answersSchema.safeParse(value);
  if (read.success) return read.data;
  const problems = read.error.issues.map(({ path, message }) => `${path.join(".") || "the whole"}: ${message}`);
  throw new AnswersError(`${source}: ${problems.join("; ")}`);
}

export const DEFAULT_ANSWERS: Answers = answersSchema.parse({});

/** What was taken as given, to be looked at, changed and given back. */
export function writeAnswers(answers: Answers): string {
  return `# What this run took as given. Change it and run again with --answers: docs/leaving-kubernetes.md explains each.
${stringify(answers)}
`;
}
