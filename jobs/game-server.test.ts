import { loadConfig } from "../config/load";
import { fleetRoleJob, gameServerJob } from "./game-server";
import { nomadJobModel, type NomadJob } from "./job-model";
import { renderJob } from "./render";

function configOf(text: string) {
  return loadConfig({ file: "forge.toml", readFile: () => text }).config;
}

/** The jobs of a file's first region: of its experiences, then of their fleet roles. */
function jobsOf(text: string): readonly NomadJob[] {
  const { regions, experiences } = configOf(text);
  const region = regions[0];
  if (region === undefined) throw new Error("the file has no region");
  return Object.values(experiences).flatMap((experience) => {
    const fleetRoles = experience.roles.filter(({ per }) => per === "fleet");
    const specs = [
      gameServerJob({ region, experience }),
      ...fleetRoles.map((role) => fleetRoleJob({ region, experience }, role)),
    ];
    return specs.map((spec) => nomadJobModel.parse(renderJob(spec)).Job);
  });
}

function jobOf(text: string): NomadJob {
  const [job] = jobsOf(text);
  if (job === undefined) throw new Error("the file has no experience");
  return job;
}

const NOMAD_REGION = `[[regions]]\nname = "us-east"\nengine = "nomad"\ndatacenters = ["us-east-1"]\n`;

/** A forge.toml that says what the document's example job says. */
const DOCUMENT_EXAMPLE = `
[nomad]
address = "http://127.0.0.1:4646"
namespace = "eustress"
datacenter = "us-east-1"
[consul]
address = "http://127.0.0.1:8500"
[experiences.gameserver]
command = "eustress-server"
args = [
  "--experience-id", "\${FORGE_EXPERIENCE}",
  "--max-players", "\${FORGE_MAX_PLAYERS}",
  "--region", "\${FORGE_REGION}",
]
max_players = 100
env = { NOMAD_ADDR = "http://127.0.0.1:4646", CONSUL_ADDR = "http://127.0.0.1:8500" }
`;

/**
 * Each field of the document's example, what this job has for it, and where they differ, why. The first column is the
 * document's own HCL.
 */
const FIELDS: readonly [field: string, ours: (job: NomadJob) => unknown, value: unknown, reason?: string][] = [
  [
    'job "gameserver"',
    (job) => job.ID,
    "us-east-1.gameserver.gameserver",
    "there is a job for each experience and region, and two regions may share one Nomad",
  ],
  ['datacenters = ["us-east-1"]', (job) => job.Datacenters, ["us-east-1"]],
  [
    'type = "service"',
    (job) => job.Type,
    "batch",
    "a service that loses an allocation, or is counted down, is Nomad's to restart or stop; only the controller knows who plays there",
  ],
  [
    "one job, one server",
    (job) => job.ParameterizedJob?.MetaRequired,
    ["serverId", "experienceId", "version", "role", "maxPlayers"],
    "each server is a dispatch of its own, with its id: Nomad counts down by highest index, not by which server is empty",
  ],
  ['group "primary"', (job) => job.TaskGroups.map(({ Name }) => Name), ["primary"]],
  ["count = 1", (job) => job.TaskGroups[0]?.Count, 1],
  ['task "server"', (job) => job.TaskGroups[0]?.Tasks.map(({ Name }) => Name), ["server"]],
  ['driver = "exec"', (job) => server(job).Driver, "exec"],
  ['command = "eustress-server"', (job) => server(job).Config.command, "eustress-server"],
  [
    'args "--experience-id", "${experience_id}"',
    (job) => server(job).Config.args?.slice(0, 2),
    ["--experience-id", "${NOMAD_META_experienceId}"],
    "what differs between servers comes with the dispatch, and Nomad fills it in",
  ],
  [
    'args "--max-players", "${max_players}"',
    (job) => server(job).Config.args?.slice(2, 4),
    ["--max-players", "${NOMAD_META_maxPlayers}"],
    "the same: spawnServer may ask for fewer seats",
  ],
  [
    'args "--region", "${region}"',
    (job) => server(job).Config.args?.slice(4),
    ["--region", "us-east-1"],
    "a region's job knows its region",
  ],
  ["cpu = 500", (job) => server(job).Resources.CPU, 500],
  ["memory = 512", (job) => server(job).Resources.MemoryMB, 512],
  ['NOMAD_ADDR = "http://127.0.0.1:4646"', (job) => server(job).Env.NOMAD_ADDR, "http://127.0.0.1:4646"],
  ['CONSUL_ADDR = "http://127.0.0.1:8500"', (job) => server(job).Env.CONSUL_ADDR, "http://127.0.0.1:8500"],
];

function server(job: NomadJob) {
  const task = job.TaskGroups[0]?.Tasks[0];
  if (task === undefined) throw new Error("the job has no task");
  return task;
}

describe("the document's example job", () => {
  const job = jobOf(DOCUMENT_EXAMPLE);

  test.each(FIELDS)("%s", (_field, ours, value) => {
    expect(ours(job)).toEqual(value);
  });

  test("and everything that it does not say, with the reason beside each in game-server.ts", () => {
    const { Meta, ParameterizedJob, TaskGroups, ...rest } = job;
    const [{ Tasks, ...group } = { Tasks: [] }] = TaskGroups;
    const [{ Config, Env, ...task } = { Config: {}, Env: {} }] = Tasks;
    expect(rest).toEqual({
      ID: "us-east-1.gameserver.gameserver",
      Name: "us-east-1.gameserver.gameserver",
      Type: "batch",
      NodePool: "default",
      Namespace: "eustress",
      Datacenters: ["us-east-1"],
    });
    expect(ParameterizedJob?.Payload).toBe("forbidden");
    expect(Object.keys(Meta)).toEqual(["region", ...(ParameterizedJob?.MetaOptional ?? [])]);
    expect(group).toEqual({
      Name: "primary",
      Count: 1,
      Networks: [{ Mode: "host", ReservedPorts: [], DynamicPorts: [{ Label: "game" }, { Label: "sdk" }] }],
      RestartPolicy: { Attempts: 0, Mode: "fail" },
      ReschedulePolicy: { Attempts: 0, Unlimited: false },
      Disconnect: { LostAfter: 600_000_000_000, Replace: false, Reconcile: "keep_original" },
      EphemeralDisk: { SizeMB: 90 },
    });
    expect(task).toEqual({
      Name: "server",
      Driver: "exec",
      Resources: { CPU: 500, MemoryMB: 512 },
      LogConfig: { MaxFiles: 2, MaxFileSizeMB: 10 },
      KillSignal: "SIGTERM",
      KillTimeout: 10_000_000_000,
      Leader: true,
    });
    expect(Object.keys(Config)).toEqual(["command", "args"]);
    expect(Object.keys(Env).filter((name) => !name.startsWith("FORGE_"))).toEqual(["NOMAD_ADDR", "CONSUL_ADDR"]);
  });
});

describe("a game server's job", () => {
  test("has its experience's priority, by which Nomad orders what waits for room", () => {
    const text = (priority: string) =>
      `${NOMAD_REGION}\n[experiences.arena]\ncommand = "arena"\nmax_players = 4\n${priority}\nports.game = "udp"\n`;
    expect(jobOf(text("priority = 80")).Priority).toBe(80);
    expect(jobOf(text(""))).not.toHaveProperty("Priority");
  });

  test("tells a server what the embedded engine would", () => {
    const text = `${NOMAD_REGION}
[experiences.arena]
command = "arena"
max_players = 4
mods = ["a", "b"]
kind = "world"
volumes = { world = "/data" }
ports = { game = "udp", web_admin = "http" }
[experiences.arena.roles.npc-brain]
per = "fleet"
command = "npc"
`;
    expect(server(jobOf(text)).Env).toEqual({
      FORGE_HOME: "/opt/forge",
      FORGE_SERVER_ID: "${NOMAD_META_serverId}",
      FORGE_ALLOCATION_ID: "${NOMAD_ALLOC_ID}",
      FORGE_REGION: "us-east",
      FORGE_EXPERIENCE: "${NOMAD_META_experienceId}",
      FORGE_VERSION: "${NOMAD_META_version}",
      FORGE_ROLE: "${NOMAD_META_role}",
      FORGE_MAX_PLAYERS: "${NOMAD_META_maxPlayers}",
      FORGE_MODS: "a,b",
      FORGE_SDK_URL: "http://127.0.0.1:${NOMAD_PORT_sdk}",
      FORGE_SDK_TOKEN: "${NOMAD_META_sdkToken}",
      FORGE_PORT_GAME: "${NOMAD_PORT_game}",
      FORGE_PORT_WEB_ADMIN: "${NOMAD_PORT_web_admin}",
      FORGE_PORT_SDK: "${NOMAD_PORT_sdk}",
      FORGE_VOLUME_WORLD: "/data",
      FORGE_ROLE_NPC_BRAIN: "${NOMAD_META_role_npc_brain}",
    });
  });

  test("every reference to meta is to a key that a dispatch brings or that has a default", () => {
    for (const job of jobsOf(`${NOMAD_REGION}
[experiences.arena]
command = "arena"
max_players = 4
[experiences.arena.roles.ai]
per = "fleet"
command = "ai"
`)) {
      const used = [...JSON.stringify(job).matchAll(/\$\{NOMAD_META_(\w+)\}/g)].map(([, key]) => key);
      const known = [...(job.ParameterizedJob?.MetaRequired ?? []), ...Object.keys(job.Meta)];
      expect(used.filter((key) => key === undefined || !known.includes(key))).toEqual([]);
    }
  });

  test("has a task on the same network for each role beside it; the primary's end is the server's", () => {
    const job = jobOf(`${NOMAD_REGION}
[experiences.arena]
command = "arena"
max_players = 4
[experiences.arena.roles.physics]
per = "server"
command = "physics"
cpu = 200
memory = 64
env = { STEP = "\${FORGE_PORT_PHYSICS}" }
ports = { physics = "tcp" }
`);
    const [group] = job.TaskGroups;
    expect(group?.Tasks.map(({ Name, Leader }) => [Name, Leader])).toEqual([
      ["server", true],
      ["physics", false],
    ]);
    expect(group?.Networks[0]?.DynamicPorts.map(({ Label }) => Label)).toEqual(["game", "physics", "sdk"]);
    const physics = group?.Tasks[1];
    expect(physics?.Env).toMatchObject({ FORGE_ROLE: "physics", STEP: "${NOMAD_PORT_physics}" });
    expect(physics?.Resources).toEqual({ CPU: 200, MemoryMB: 64 });
  });

  test("of a fleet role is a job of its own, whose one task leads", () => {
    const [, ai] = jobsOf(`${NOMAD_REGION}
[experiences.arena]
command = "arena"
max_players = 4
[experiences.arena.roles.ai]
per = "fleet"
command = "ai"
ports = { ai = "tcp" }
`);
    expect(ai?.ID).toBe("us-east.gameserver.arena.ai");
    expect(ai?.TaskGroups.map(({ Name, Tasks }) => [Name, Tasks.map((task) => [task.Name, task.Leader])])).toEqual([
      ["ai", [["ai", true]]],
    ]);
    expect(ai?.TaskGroups[0]?.Networks[0]?.DynamicPorts).toEqual([{ Label: "ai" }, { Label: "sdk" }]);
  });

  test("of a world has its fixed port and its volume, which only the primary mounts", () => {
    const job = jobOf(`${NOMAD_REGION}
[experiences.survival]
kind = "world"
command = "survival"
max_players = 8
sdk = "none"
volumes = { world = "/data" }
health = { query = "quake3" }
ports = { game = { protocol = "udp", static = 30000 } }
stop = { signal = "SIGINT", grace_secs = 0.5 }
[experiences.survival.roles.backup]
per = "server"
command = "backup"
`);
    const [group] = job.TaskGroups;
    expect(group?.Networks).toEqual([
      { Mode: "host", ReservedPorts: [{ Label: "game", Value: 30000 }], DynamicPorts: [] },
    ]);
    expect(group?.Volumes?.world?.Source).toBe("us-east.survival.world");
    expect(group?.Tasks.map(({ VolumeMounts }) => VolumeMounts)).toEqual([
      [{ Volume: "world", Destination: "/data" }],
      undefined,
    ]);
    expect(server(job)).toMatchObject({ KillSignal: "SIGINT", KillTimeout: 500_000_000 });
    expect(Object.keys(server(job).Env)).not.toContain("FORGE_SDK_URL");
  });

  test.each([
    [
      "docker on the host's network",
      'image = "a:1"',
      { image: "a:${NOMAD_META_version}", network_mode: "host", args: [] },
      { Label: "game" },
    ],
    [
      "docker with a tag that is not the version",
      'image = "a:1"\nversion = "one"',
      { image: "a:1", network_mode: "host", args: [] },
      { Label: "game" },
    ],
    [
      "docker in a bridge",
      'image = "a:1"\nsdk = "none"\nseats = "match"\nnetwork = "bridge"',
      { image: "a:${NOMAD_META_version}", args: [] },
      { Label: "game", To: -1 },
    ],
    ["java", 'command = "a.jar"\ndriver = "java"', { jar_path: "a.jar", args: [] }, { Label: "game" }],
    ["exec", 'command = "a"\ndriver = "exec"', { command: "a", args: [] }, { Label: "game" }],
  ])("%s", (_name, keys, config, port) => {
    const job = jobOf(`${NOMAD_REGION}[experiences.arena]\nmax_players = 4\n${keys}\n`);
    expect(server(job).Config).toEqual(config);
    expect(job.TaskGroups[0]?.Networks[0]?.DynamicPorts[0]).toEqual(port);
  });

  test("cores instead of MHz", () => {
    const job = jobOf(`${NOMAD_REGION}[experiences.arena]\ncommand = "a"\nmax_players = 4\ncores = 2\n`);
    expect(server(job).Resources).toEqual({ Cores: 2, MemoryMB: 512 });
  });

  test("has no block that would keep it from starting while Consul or Vault is down", () => {
    // The strict model above refuses any such key; this says so for whoever adds one to the model.
    const text = JSON.stringify(jobsOf(DOCUMENT_EXAMPLE));
    for (const key of ["Services", "Templates", "Vault", "Consul", "Connect"]) expect(text).not.toContain(`"${key}"`);
  });
});
