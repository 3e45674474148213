import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { stringify } from "smol-toml";
import { ARENA } from "./broken-file";
import type { ForgeConfig } from "./config";
import { loadConfig } from "./load";
import type { ConfigEnv, ConfigFlags } from "./resolve";
import { showConfig } from "./show";

function load(text: string, flags: ConfigFlags = {}, env: ConfigEnv = {}) {
  return loadConfig({ file: "forge.toml", flags, env, readFile: () => text });
}

function shown(text: string, flags: ConfigFlags = {}, env: ConfigEnv = {}): string {
  const { config, sources } = load(text, flags, env);
  return showConfig(config, sources);
}

describe("showConfig", () => {
  test("says of each value where it came from", () => {
    const text = `[nomad]
datacenter = "us-east-1"
[scaling]
target_cpu_utilization = 0.6
${ARENA}health = "sdk"
[experiences.arena.scaling]
cooldown_secs = 3
`;
    const lines = shown(text, { engine: "embedded" }, { NOMAD_ADDR: "http://nomad:4646" })
      .split("\n")
      .map((line) => line.replace(/ +#/, " #"));
    expect(lines).toEqual(
      expect.arrayContaining([
        'address = "http://nomad:4646" # from NOMAD_ADDR',
        'datacenter = "us-east-1" # line 2',
        'namespace = "default" # default',
        'name = "us-east-1" # as nomad.datacenter',
        'engine = "embedded" # from --engine',
        'nomad.address = "http://nomad:4646" # from NOMAD_ADDR',
        'nomad.namespace = "default" # default',
        "max_players = 16 # line 8",
        "health = { sdk = true } # line 9",
        "scale_up_cooldown_secs = 3 # as experiences.arena.scaling.cooldown_secs",
        "target_cpu = 0.6 # as scaling.target_cpu_utilization",
        "scale_down_threshold = 0.3 # as scaling.target_cpu_utilization",
        "buffer = 0 # default",
      ]),
    );
  });

  test("a region's own address is said to be the file's, whatever its place in the run", () => {
    const text = `[[regions]]\nname = "a"\n[[regions]]\nname = "b"\nnomad.address = "http://b:4646"\n`;
    const lines = shown(text, { regions: ["b"] }, { NOMAD_ADDR: "http://nomad:4646" }).replaceAll(/ +#/g, " #");
    expect(lines).toContain('name = "b" # line 4');
    expect(lines).toContain('nomad.address = "http://b:4646" # line 5');
  });

  test("what it prints of the sample means the same", () => {
    const text = readFileSync(join(__dirname, "..", "forge.toml"), "utf8");
    expect(load(shown(text)).config).toEqual(load(text).config);
  });

  test("bounds of a region that give way are printed so that they still do", () => {
    const text = `[scaling]\nmin_servers_per_region = 5\n[experiences.arena]\ncommand = "arena"\nmax_players = 4\nscaling.regions.dc1.max_servers = 2\n`;
    expect(shown(text)).toContain("regions = { dc1 = { min_servers = 2, max_servers = 2 } }");
    expect(load(shown(text)).config).toEqual(load(text).config);
  });

  test("what it prints of any file means the same", () => {
    const kinds = new Set<string>();
    fc.assert(
      fc.property(anyFile(), fc.constantFrom<ConfigFlags>({}, { nomadNamespace: "flag" }), (document, flags) => {
        const { config } = load(stringify(document), flags);
        for (const { health } of Object.values(config.experiences)) kinds.add(health.kind);
        const again: ForgeConfig = load(shown(stringify(document), flags)).config;
        expect(again).toEqual(config);
      }),
      { numRuns: 60 },
    );
    expect([...kinds].sort()).toEqual(["http", "log", "process", "query", "sdk", "tcp"]);
  });
});

/** Files that are right, with most of what one may say in them. */
function anyFile() {
  const text = fc.oneof(fc.string({ minLength: 1 }), fc.constantFrom("${NOMAD_PORT_game}", "a\u007fb", 'q"\\\n#'));
  const some = { requiredKeys: [] };
  const port = fc.oneof(
    fc.constantFrom("udp", "ws"),
    fc.record({ protocol: fc.constant("tcp"), tls: fc.constant("edge") }),
  );
  const health = fc.constantFrom<unknown>(
    { sdk: true },
    "process",
    "tcp",
    { http: "/health", metrics: "/metrics", port: "web" },
    { query: "quake3", log: { joined: "(.+) in", left: "(.+) out" } },
    { log: { ready: "ready" } },
  );
  const scaling = fc.record(
    {
      max_servers: fc.integer({ min: 1, max: 20 }),
      target_cpu: fc.double({ min: 0.01, max: 1, noNaN: true }),
      target_players: fc.integer({ min: 1, max: 4 }),
      cooldown_secs: fc.double({ min: 0, max: 100, noNaN: true }),
      buffer: fc.oneof(
        fc.nat(20),
        fc.integer({ min: 0, max: 999 }).map((share) => `${share}%`),
      ),
    },
    some,
  );
  const experience = fc.record(
    {
      command: text,
      max_players: fc.integer({ min: 4, max: 100 }),
      args: fc.array(text, { maxLength: 3 }),
      env: fc.dictionary(fc.stringMatching(/^[a-z_][a-z0-9_]{0,8}x$/), fc.string(), {
        maxKeys: 3,
        noNullPrototype: true,
      }),
      cores: fc.integer({ min: 1, max: 8 }),
      mods: fc.array(text, { maxLength: 2 }),
      ports: fc.record({ game: port, web: fc.constant("http") }),
      health,
      scaling,
      routing: fc.record({ strategy: fc.constantFrom("pack", "spread"), max_latency_ms: fc.integer({ min: 1 }) }, some),
      stop: fc.record({ command: fc.array(text, { minLength: 1, maxLength: 2 }), grace_secs: fc.nat(60) }, some),
      roles: fc.record({ ai: fc.record({ per: fc.constantFrom("server", "fleet"), command: text }) }, some),
    },
    { requiredKeys: ["command", "max_players", "ports"] },
  );
  const region = (name: string) =>
    fc.record(
      {
        name: fc.constant(name),
        engine: fc.constantFrom("nomad", "embedded"),
        location: fc.tuple(fc.integer({ min: -90, max: 90 }), fc.double({ min: -180, max: 180, noNaN: true })),
        nomad: fc.record({ address: fc.constant("http://own:4646") }, some),
      },
      { requiredKeys: ["name"] },
    );
  return fc.record(
    {
      regions: fc.tuple(region("a"), region("b-2")),
      experiences: fc.record({ one: experience, "two-2": experience }, some),
      scaling: fc.record({ target_players_per_server: fc.integer({ min: 1, max: 9 }) }, some),
      webhooks: fc.constant([{ url: "https://example.com", events: ["session.moved"], secret_env: "HOOK" }]),
    },
    some,
  );
}
