import { z } from "zod";
import { DEFAULT_COUNT_CAPACITY, MAX_LIST_CAPACITY } from "./count-limits";
import {
  absolutePathSchema,
  envSchema,
  message,
  nameSchema,
  patternSchema,
  playerPatternSchema,
  portNameSchema,
  positiveCountSchema,
  positiveSecondsSchema,
  countNameSchema,
  secondsSchema,
  serverCountSchema,
  textSchema,
} from "./fields";
import { scalingPolicySchema } from "./scaling-schema";

/** `[experiences.NAME]` and what stands in it. Defaults for CPU and memory are those of the document's example job. */

const protocolSchema = z.enum(["udp", "tcp", "http", "ws"]);
const driverSchema = z.enum(["docker", "exec", "raw_exec", "java"]);

const portSchema = z.union(
  [
    protocolSchema,
    z.strictObject({
      protocol: protocolSchema,
      static: z
        .int()
        .min(1)
        .max(65_535)
        .optional()
        .describe("A fixed port on the node; otherwise one is chosen for each server"),
      tls: z.enum(["edge", "server"]).optional().describe("edge: TLS ends before the server"),
    }),
  ],
  { error: message("is not a port", 'write a protocol, "udp", or a table, { protocol = "udp", static = 30000 }') },
);

const portsSchema = z.record(portNameSchema, portSchema);

const logSchema = z.strictObject({
  ready: patternSchema.optional().describe("A line that says the server is ready; without it a running process is"),
  joined: playerPatternSchema
    .optional()
    .describe("A line that says a player came; first group, or one named player: who"),
  left: playerPatternSchema.optional(),
});

const urlPathSchema = z
  .string()
  .regex(/^\//, message("is not a path", 'write one that starts with a slash: "/health"'));

const healthCheckSchema = z.union(
  [
    z.enum(["sdk", "tcp", "process"]),
    z.strictObject({
      sdk: z.literal(true).optional().describe("The server says Ready and Health through its SDK"),
      http: urlPathSchema.optional().describe("Path that answers 200 while the server is well"),
      metrics: urlPathSchema.optional().describe("Beside http: path of Prometheus metrics"),
      tcp: z.literal(true).optional().describe("The port accepts connections"),
      query: z
        .string()
        .regex(
          /^[a-z0-9][a-z0-9-]*$/,
          message("is not the name of a query protocol", 'write a name the query library knows: "quake3", "minecraft"'),
        )
        .optional()
        .describe("A game server query protocol; also counts players"),
      process: z.literal(true).optional().describe("The process runs"),
      log: logSchema.optional().describe("Lines of the server's output: readiness, and who comes and goes"),
      period_secs: positiveSecondsSchema.optional().describe("With sdk agones: a Health is due so often; 5 unless set"),
      failure_threshold: positiveCountSchema
        .optional()
        .describe("With sdk agones: so many periods without one are too many; 3 unless set"),
      initial_delay_secs: secondsSchema
        .optional()
        .describe("With sdk agones: counting begins so long after the start; 5 unless set"),
      port: portNameSchema.optional().describe("Of http, tcp and query: which port, unless the first that fits"),
    }),
  ],
  {
    error: message(
      "is not a health check",
      'write { http = "/health" }, { query = "quake3" }, { log = { … } }, "sdk", "tcp" or "process"',
    ),
  },
);

const routingSchema = z.strictObject({
  strategy: z
    .enum(["pack", "spread"])
    .default("pack")
    .describe("pack fills servers up so that others can go; spread levels them"),
  max_latency_ms: z.number().gt(0).optional().describe("A player with a worse latency everywhere waits"),
  relax_ms_per_sec: z.number().min(0).default(0).describe("max_latency_ms grows by so much a second for whoever waits"),
  relax_to_ms: z.number().gt(0).optional().describe("max_latency_ms grows no further than this"),
  queue_deadline_secs: positiveSecondsSchema.default(30),
  queue_limit: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(1000)
    .describe("How many players may wait; beyond it the answer is 429"),
});

/** Seconds; a week at most. */
const rolloutSecondsSchema = z.number().min(0).max(604_800);

const NOT_A_SHARE = message("is not a share", 'write a share of the fleet: "10%"');

const percentSchema = z.string().regex(/^(?:100|\d{1,2}(?:\.\d+)?)%$/, NOT_A_SHARE);

/** Above 0: a canary of nothing would be a rollout that never begins. */
const canarySchema = z
  .string({ error: ({ input }) => message("must be a share in quotes", `write ${shareMeant(input)}`) })
  .regex(
    /^(?!0+(?:\.0+)?%$)(?:100|\d{1,2}(?:\.\d+)?)%$/,
    message(
      "is not a share above 0%",
      'write a share of the fleet, "10%", or remove it: then all of the fleet is rolled over',
    ),
  );

/** What a bare number was meant to say: 0.1, as the API has it, and 10 are both a tenth. */
function shareMeant(input: unknown): string {
  if (typeof input !== "number" || !(input > 0 && input <= 100) || input === 1) return 'a share of the fleet: "10%"';
  return `"${Number((input < 1 ? input * 100 : input).toPrecision(12))}%"`;
}

const amountSchema = z.union([serverCountSchema, percentSchema], {
  error: message("is neither servers nor a share", 'write servers, 5, or a share of the fleet, "25%"'),
});

const rolloutSchema = z.strictObject({
  strategy: z
    .enum(["rolling", "recreate"])
    .default("rolling")
    .describe("rolling: in steps of max_surge and max_unavailable; recreate: all empty servers at once"),
  canary: canarySchema
    .default("100%")
    .describe('Share of the fleet that runs a new version first, "10%"; 100%: no canary'),
  promote_after_secs: rolloutSecondsSchema
    .optional()
    .describe("A canary that has been up for so long takes over by itself; otherwise by hand"),
  max_failures: positiveCountSchema
    .default(3)
    .describe("So many servers of the new version that do not come up, hang or die stop the rollout"),
  on_failure: z.enum(["rollback", "pause"]).default("rollback").describe("What stopping it means"),
  max_surge: amountSchema
    .default("25%")
    .describe('Servers of the new version started before as many old ones have gone: servers, 5, or a share, "25%"'),
  max_unavailable: amountSchema
    .default(0)
    .describe('Old servers closed before as many new ones are up: servers, 5, or a share, "25%"'),
});

const stopSchema = z.strictObject({
  command: z.array(textSchema).min(1).optional().describe("The server's own stop command: program, then arguments"),
  signal: z.enum(["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGKILL"]).default("SIGTERM"),
  grace_secs: secondsSchema.default(10).describe("Between asking and SIGKILL"),
});

const roleSchema = z.strictObject({
  per: z
    .enum(["server", "fleet"])
    .describe("server: beside each server, on its loopback; fleet: servers of their own without seats"),
  image: textSchema.optional(),
  command: textSchema.optional(),
  driver: driverSchema.optional().describe("docker with image, exec with command"),
  args: z.array(z.string()).default([]),
  env: envSchema.default({}),
  cpu: z.int().min(1).max(1_000_000).default(100).describe("MHz as in Nomad"),
  memory: z.int().min(10).max(16_777_216).default(128).describe("MiB"),
  ports: portsSchema.default({}),
  count: positiveCountSchema.default(1).describe("Of a fleet role: how many run in each region"),
});

const capacitySchema = z.int().min(0);

const counterSchema = z.strictObject({
  count: capacitySchema.default(0),
  capacity: capacitySchema.default(DEFAULT_COUNT_CAPACITY),
});

const listSchema = z.strictObject({
  capacity: capacitySchema.max(MAX_LIST_CAPACITY).default(DEFAULT_COUNT_CAPACITY),
  values: z.array(textSchema).default([]),
});

export const experienceSchema = z.strictObject({
  kind: z
    .enum(["match", "world"])
    .default("match")
    .describe("match: many, alike, disposable; world: one a region, named, kept"),
  image: textSchema.optional().describe("A container image; needs a region with the nomad engine"),
  command: textSchema
    .optional()
    .describe("A program, or with driver java its jar; ${FORGE_HOME} is the folder Forge is installed in"),
  args: z.array(z.string()).default([]),
  env: envSchema.default({}),
  driver: driverSchema.optional().describe("docker with image, exec with command"),
  version: textSchema.max(128).optional().describe("The image's tag unless set, otherwise 1"),
  clients: textSchema
    .max(64)
    .optional()
    .describe('Which client versions this version takes: one by name, or a range, "^1.4", ">=1.4 <2"; any unless set'),
  mods: z.array(textSchema).default([]),
  max_players: z.int().min(1).max(10_000).describe("Seats of one server"),
  priority: z
    .int()
    .min(1)
    .max(100)
    .default(50)
    .describe("The higher grows first where region or nodes have no room for all; on Nomad its jobs' priority"),
  sdk: z.enum(["forge", "agones", "none"]).default("forge"),
  seats: z
    .enum(["reported", "match", "observed"])
    .optional()
    .describe("How seats are counted; sdk forge: reported, agones: match, none: observed"),
  cpu: z
    .int()
    .min(1)
    .max(1_000_000)
    .optional()
    .meta({ default: 500, description: "MHz as in Nomad; 1000 for each of cores where those are set" }),
  cores: z.int().min(1).max(1024).optional().describe("Whole cores instead of cpu"),
  memory: z.int().min(10).max(16_777_216).default(512).describe("MiB"),
  network: z.enum(["host", "bridge"]).default("host").describe("bridge only without an SDK: SDKs dial localhost"),
  ports: portsSchema.default({ game: "udp" }),
  health: healthCheckSchema
    .optional()
    .describe("With an SDK: sdk; otherwise the first port that is not UDP, or the process"),
  ready_timeout_secs: positiveSecondsSchema
    .default(60)
    .describe("From start to ready before a server counts as failed"),
  scaling: scalingPolicySchema.prefault({}),
  routing: routingSchema.prefault({}),
  rollout: rolloutSchema.prefault({}).describe("How a new version is taken in"),
  stop: stopSchema.prefault({}),
  roles: z.record(nameSchema, roleSchema).default({}),
  counters: z
    .record(countNameSchema, counterSchema)
    .default({})
    .describe("Numbers that a server counts: Agones' counters; what they begin with"),
  lists: z
    .record(countNameSchema, listSchema)
    .default({})
    .describe("Lists that a server keeps: Agones' lists; what they begin with"),
  tracked_players: capacitySchema
    .optional()
    .describe("With sdk agones: how many players its alpha calls may track at first; max_players unless set"),
  volumes: z
    .record(nameSchema, absolutePathSchema)
    .default({})
    .describe("Of a world: volume name and where the server sees it"),
  regions: z.array(textSchema).default([]).describe("Where it runs; empty: everywhere"),
});

export type ExperienceToml = z.output<typeof experienceSchema>;
export type RoleToml = ExperienceToml["roles"][string];
export type PortToml = z.output<typeof portSchema>;
export type HealthCheckToml = Exclude<ExperienceToml["health"], undefined>;
