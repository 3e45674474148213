import { z } from "zod";
import { experienceSchema } from "./experience-schema";
import {
  absolutePathSchema,
  addressSchema,
  datacenterSchema,
  hostSchema,
  message,
  mountSchema,
  nameSchema,
  namespaceSchema,
  nodePoolSchema,
  nodePropertySchema,
  originSchema,
  portNumberSchema,
  positiveCountSchema,
  positiveSecondsSchema,
  publicAddressSchema,
  secondsSchema,
  secretEnvSchema,
  serverCountSchema,
  shareSchema,
  textSchema,
} from "./fields";

/**
 * The one definition of forge.toml, in the file's own names. Everything that has a fixed default has it here; what is
 * derived from other keys is optional here, says so in its description, and gets its value in `resolve.ts`.
 * What no single key can know (two ports that collide, a minimum above a maximum) is checked in `rules.ts`.
 */

const caFileSchema = textSchema.describe("PEM of the authority that signed its certificate; relative to forge.toml");

const programsNamespaceSchema = namespaceSchema.describe(
  "Namespace of Forge's own programs, which needs raw_exec; the games' own unless set, with -forge behind it where deploy makes it",
);

/** Of systems that somebody else manages: how programs get in, and which places in them are theirs. */
const consulLogin = {
  auth_method: mountSchema
    .optional()
    .describe("ACL auth method by which Nomad's workloads log in; without it that Consul has no ACL"),
};
const vaultMounts = {
  auth_mount: mountSchema
    .optional()
    .describe("JWT login of Nomad's workloads below auth/; without it the run's secrets are in Nomad's variables"),
  kv_mount: mountSchema.optional().describe("KV v2 for the run's secrets, at forge/REGION; secret unless set"),
  pki_mount: mountSchema.optional().describe("PKI that certifies Forge's programs; without it they speak no TLS"),
};

const nomadSchema = z.strictObject({
  address: addressSchema.default("http://127.0.0.1:4646"),
  namespace: namespaceSchema.default("default"),
  datacenter: datacenterSchema
    .default("dc1")
    .describe("Datacenter of regions that name none; without [[regions]] also the name of the one region"),
  programs_namespace: programsNamespaceSchema.optional(),
  ca_file: caFileSchema.optional(),
});

const consulSchema = z.strictObject({
  address: addressSchema.default("http://127.0.0.1:8500"),
  ...consulLogin,
  ca_file: caFileSchema.optional(),
});

const vaultSchema = z.strictObject({
  address: addressSchema.default("http://127.0.0.1:8200"),
  ...vaultMounts,
  ca_file: caFileSchema.optional(),
});

const artifactsSchema = z.strictObject({
  url: addressSchema
    .optional()
    .describe("Folder by HTTP that nodes fetch Forge's programs from; without it they lie in /opt/forge on each node"),
});

const apiSchema = z.strictObject({
  origins: z
    .array(originSchema)
    .default([])
    .describe("Origins of web pages that may make players' calls, beside the controller's own"),
});

const scalingSchema = z.strictObject({
  min_servers_per_region: serverCountSchema.default(1).describe("min_servers of experiences that set none"),
  max_servers_per_region: positiveCountSchema
    .default(100)
    .describe("Bounds all servers with seats in a region together"),
  target_cpu_utilization: shareSchema.gt(0).default(0.7).describe("0 to 1 of the CPU a server asked for"),
  target_players_per_server: positiveCountSchema.default(50),
  scale_up_cooldown_secs: secondsSchema.default(30),
  scale_down_cooldown_secs: secondsSchema.default(300),
});

/** A share that a limit may be. */
const limitSchema = shareSchema.gt(0);

const healthSchema = z.strictObject({
  check_interval_secs: positiveSecondsSchema.default(10).describe("Between two probes of a server"),
  timeout_secs: positiveSecondsSchema.default(5).describe("A probe without an answer for so long has failed"),
  unhealthy_threshold: positiveCountSchema.default(3).describe("Failed probes in a row"),
  healthy_threshold: positiveCountSchema.default(2).describe("Good probes in a row"),
  max_error_rate: z
    .number()
    .gt(0)
    .optional()
    .describe("Errors a second that a server reports, above which it gets no new seats"),
  max_memory: z
    .number()
    .gt(0)
    .max(2)
    .optional()
    .describe("Share of its memory above which a server gets no new seats: 0.95"),
  max_cpu: z
    .number()
    .gt(0)
    .optional()
    .describe("Share of the CPU it asked for above which a server gets no new seats; above 1 where it may borrow: 1.5"),
  max_throttled: limitSchema
    .optional()
    .describe(
      "Share of CPU periods in which the kernel held it to its quota above which a server gets no new seats: 0.25",
    ),
  max_disk: limitSchema
    .optional()
    .describe("How full the fullest of a server's disks, or its agent's, may be before it gets no new seats: 0.95"),
  min_joined: limitSchema
    .optional()
    .describe("Share of a server's newest reservations that were joined below which it gets no new seats: 0.5"),
  limit_secs: positiveSecondsSchema.default(30).describe("Over one of these limits for so long, a server has failed"),
  reach_interval_secs: secondsSchema
    .default(0)
    .describe("Between two handshakes with a server's public address from another node; 0: none"),
  isolate_servers: z
    .int()
    .min(0)
    .max(1000)
    .default(3)
    .describe("Servers of one node in trouble together, and at least half of it, that isolate the node; 0: never"),
  isolate_secs: positiveSecondsSchema.default(300).describe("Isolated for so long after the last trouble there"),
  max_isolated: limitSchema
    .default(0.25)
    .describe("Share of a region's nodes isolated at once; one of several always may be"),
});

const allocatorSchema = z.strictObject({
  host: hostSchema.optional().describe("Where it listens; where the API does unless set"),
  port: portNumberSchema.optional().describe("Of the first region, the next has the next; 7500 unless set"),
  auth: z
    .enum(["token", "mtls", "none"])
    .default("token")
    .describe("Who may call: who has one of Forge's tokens, who has a certificate, or who reaches it"),
  cert_file: textSchema.optional().describe("Of mtls: PEM of the service's own certificates; relative to forge.toml"),
  key_file: textSchema.optional().describe("Of mtls: PEM of its key"),
  client_ca_dir: textSchema
    .optional()
    .describe("Of mtls: folder whose .crt and .pem files are the authorities of clients"),
});

const pingSchema = z.strictObject({
  host: hostSchema
    .optional()
    .describe("Where it listens; where the API does unless set, 0.0.0.0 for players elsewhere"),
  port: portNumberSchema.optional().describe("Of the first region, the next has the next; 7400 unless set"),
  rate_limit: z.int().min(1).max(10_000).default(20).describe("UDP packets a second from one address"),
});

const ownSystem = { address: addressSchema.optional(), ca_file: caFileSchema.optional() };

const regionSchema = z.strictObject({
  name: nameSchema,
  engine: z.enum(["embedded", "nomad"]).default("embedded").describe("embedded: this machine, nothing to install"),
  hosts: z
    .enum(["local", "existing", "aws"])
    .optional()
    .describe("Where the cluster comes from; embedded: local, nomad: existing"),
  manage: z
    .array(z.enum(["infra", "consul", "vault", "nomad", "jobs"]))
    .optional()
    .describe('What deploy may touch; ["jobs"] on existing clusters, everything on our own'),
  datacenters: z.array(datacenterSchema).min(1).optional().describe("[nomad].datacenter unless set"),
  public_address: publicAddressSchema
    .default("auto")
    .describe("What players are told: auto, meta.KEY of the node, or a host name or IP"),
  location: z
    .tuple([z.number().min(-90).max(90), z.number().min(-180).max(180)])
    .optional()
    .describe("Degrees: latitude, longitude"),
  url: addressSchema
    .optional()
    .describe(
      "Where the other regions reach this one's API: a name in DNS, a balancer; of hosts = local Forge knows it",
    ),
  tls: z
    .boolean()
    .optional()
    .describe(
      "Whether the API and the agents' port speak TLS, with certificates of the region's Vault; true on clusters that have such a PKI, false on hosts = local",
    ),
  controllers: z
    .int()
    .min(1)
    .max(9)
    .optional()
    .describe("Replicas of the controller: one leads, the others stand by; 1 on hosts = local, else 2"),
  pools: z
    .strictObject({ games: nodePoolSchema.default("default"), control: nodePoolSchema.default("default") })
    .prefault({})
    .describe("Nomad's node pools for game servers and for controllers"),
  constraints: z
    .record(nodePropertySchema, textSchema)
    .default({})
    .describe("Which nodes its jobs may run on: node.class, attr.… or meta.… and the value that it must have"),
  node_folder: absolutePathSchema
    .optional()
    .describe("On each node, for what outlives Forge's programs there; /var/lib/forge/REGION unless set"),
  nomad: z
    .strictObject({
      ...ownSystem,
      namespace: namespaceSchema.optional(),
      programs_namespace: programsNamespaceSchema.optional(),
    })
    .prefault({})
    .describe("This region's own, before the environment and [nomad]"),
  consul: z.strictObject({ ...ownSystem, ...consulLogin }).prefault({}),
  vault: z.strictObject({ ...ownSystem, ...vaultMounts }).prefault({}),
});

const webhookSchema = z.strictObject({
  url: addressSchema,
  events: z
    .array(
      z
        .string()
        .regex(
          /^[a-z]+(?:\.(?:[a-zA-Z]+|\*))?$/,
          message("is not an event type", 'write types as in GET /v1/events: "session.moved", "server.*"'),
        ),
    )
    .min(1),
  secret_env: secretEnvSchema,
});

const demoSchema = z.strictObject({
  experience: textSchema.describe("The experience that bots play"),
  bots: z.int().min(0).max(100_000).default(50),
});

export const forgeTomlSchema = z.strictObject({
  nomad: nomadSchema.prefault({}),
  consul: consulSchema.prefault({}),
  vault: vaultSchema.prefault({}),
  artifacts: artifactsSchema.prefault({}),
  api: apiSchema.prefault({}),
  scaling: scalingSchema.prefault({}),
  health: healthSchema.prefault({}),
  regions: z
    .array(regionSchema)
    .default([])
    .describe("Without any: one region on the embedded engine, named after [nomad].datacenter"),
  experiences: z.record(nameSchema, experienceSchema).default({}),
  webhooks: z.array(webhookSchema).default([]),
  allocator: allocatorSchema.optional().describe("Agones' allocation service on a port of its own; off without it"),
  ping: pingSchema.optional().describe("Echo by HTTP and UDP, to measure how far a region is; off without it"),
  demo: demoSchema.optional().describe("Bots that `forge up` starts unless told --no-demo"),
});

/** A forge.toml that the schema accepted, fixed defaults applied. */
export type ForgeToml = z.output<typeof forgeTomlSchema>;
export type RegionToml = ForgeToml["regions"][number];
