import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { ARENA, problemsOf } from "./broken-file";
import { loadConfig } from "./load";
import { ConfigError, describeProblems } from "./problem";
import type { ConfigEnv, ConfigFlags } from "./resolve";

/** The Configuration section of the document that Forge is built to, as it stands there. */
const DOCUMENT = `
# forge.toml
[nomad]
address = "http://127.0.0.1:4646"
namespace = "eustress"
datacenter = "us-east-1"

[consul]
address = "http://127.0.0.1:8500"

[scaling]
min_servers_per_region = 1
max_servers_per_region = 100
target_cpu_utilization = 0.7
target_players_per_server = 50
scale_up_cooldown_secs = 30
scale_down_cooldown_secs = 300

[health]
check_interval_secs = 10
timeout_secs = 5
unhealthy_threshold = 3
healthy_threshold = 2
`;

function load(text: string, flags: ConfigFlags = {}, env: ConfigEnv = {}) {
  return loadConfig({ file: "forge.toml", flags, env, readFile: () => text });
}

describe("loadConfig", () => {
  test("the document's own file loads as it is, into one region named after its datacenter", () => {
    const { config } = load(DOCUMENT);
    expect(config.nomad).toEqual({
      address: "http://127.0.0.1:4646",
      namespace: "eustress",
      datacenter: "us-east-1",
    });
    expect(config.scaling).toEqual({
      minServersPerRegion: 1,
      maxServersPerRegion: 100,
      targetCpuUtilization: 0.7,
      targetPlayersPerServer: 50,
      scaleUpCooldownSecs: 30,
      scaleDownCooldownSecs: 300,
    });
    expect(config.health).toEqual({
      checkIntervalSecs: 10,
      timeoutSecs: 5,
      unhealthyThreshold: 3,
      healthyThreshold: 2,
      maxErrorRate: undefined,
      maxMemory: undefined,
      maxCpu: undefined,
      maxThrottled: undefined,
      maxDisk: undefined,
      minJoined: undefined,
      limitSecs: 30,
      reachIntervalSecs: 0,
      isolateServers: 3,
      isolateSecs: 300,
      maxIsolated: 0.25,
    });
    expect(config.regions.map(({ name, datacenters }) => ({ name, datacenters }))).toEqual([
      { name: "us-east-1", datacenters: ["us-east-1"] },
    ]);
  });

  test("its numbers are the defaults of an empty file", () => {
    const { config } = load("");
    const { config: document } = load(DOCUMENT);
    expect(config.scaling).toEqual(document.scaling);
    expect(config.health).toEqual(document.health);
    expect(config.consul).toEqual(document.consul);
  });

  test("a file with a region on an existing cluster, an image built for Agones, a world and a webhook", () => {
    const { config } = load(`
[[regions]]
name = "us-east"
engine = "nomad"
hosts = "existing"
datacenters = ["us-east-1"]
public_address = "meta.public_ip"
location = [38.9, -77.4]
[experiences.arena]
image = "registry.example.com/arena:1.4.2"
max_players = 16
sdk = "agones"
ports = { game = "udp", web = { protocol = "ws", tls = "edge" } }
health = { http = "/health" }
scaling = { min_servers = 2, max_servers = 200, buffer = "10%" }
[experiences.arena.roles.physics]
per = "server"
image = "registry.example.com/physics:1"
[experiences.survival]
kind = "world"
command = "survival"
max_players = 8
sdk = "none"
volumes = { world = "/data" }
health = { query = "quake3" }
[[webhooks]]
url = "https://backend.example.com/forge"
events = ["session.moved", "server.*"]
secret_env = "HOOK_SECRET"
`);
    expect(config.regions[0]).toMatchObject({ hosts: "existing", manage: ["jobs"], publicAddress: "meta.public_ip" });
    const { arena, survival } = config.experiences;
    expect(arena).toMatchObject({ driver: "docker", version: "1.4.2", seats: "match", cpu: 500, memory: 512 });
    expect(arena?.health).toEqual({ kind: "http", path: "/health", port: "web", metricsPath: undefined });
    expect(arena?.ports.web).toEqual({ protocol: "ws", static: undefined, tls: "edge" });
    expect(survival).toMatchObject({ driver: "exec", version: "1", seats: "observed", volumes: { world: "/data" } });
    expect(survival?.scaling).toMatchObject({ minServers: 1, maxServers: 1 });
    expect(survival?.health).toEqual({ kind: "query", protocol: "quake3", port: "game" });
    expect(config.webhooks[0]).toMatchObject({ secretEnv: "HOOK_SECRET", events: ["session.moved", "server.*"] });
  });

  test.each([
    ["nothing", "", 0.7, 0.35, 30, 300, 16],
    ["target_cpu", "target_cpu = 0.4", 0.4, 0.2, 30, 300, 16],
    ["scale_up_threshold", "scale_up_threshold = 0.9", 0.9, 0.45, 30, 300, 16],
    ["scale_down_threshold", "scale_down_threshold = 0.1", 0.7, 0.1, 30, 300, 16],
    ["cooldown_secs", "cooldown_secs = 7", 0.7, 0.35, 7, 7, 16],
    ["one cooldown of its own", "cooldown_secs = 7\nscale_up_cooldown_secs = 1", 0.7, 0.35, 1, 7, 16],
    ["target_players", "target_players = 10", 0.7, 0.35, 30, 300, 10],
  ])("a scaling policy that sets %s", (_name, keys, up, down, upSecs, downSecs, players) => {
    const policy = load(`${ARENA}[experiences.arena.scaling]\n${keys}\n`).config.experiences.arena?.scaling;
    expect(policy).toMatchObject({
      scaleUpThreshold: up,
      scaleDownThreshold: down,
      scaleUpCooldownSecs: upSecs,
      scaleDownCooldownSecs: downSecs,
      targetPlayers: players,
    });
  });

  test.each([
    ["sdk of its own, nothing said", "", "sdk"],
    ["no SDK, a port to connect to", 'sdk = "none"\nseats = "match"\nports = { game = "udp", web = "http" }', "tcp"],
    ["no SDK, UDP only", 'sdk = "none"\nseats = "match"', "process"],
    ["log lines", `sdk = "none"\nhealth = { log = { ready = 'up', joined = '(.) in', left = '(.) out' } }`, "log"],
    ["a query beside log lines", `health = { query = "x", log = { joined = '(.) in', left = '(.) out' } }`, "query"],
  ])("a health check: %s", (_name, keys, kind) => {
    const arena = load(`${ARENA}${keys}\n`).config.experiences.arena;
    expect(arena?.health.kind).toBe(kind);
    expect(arena?.log).toEqual(keys.includes("joined") ? { joined: "(.) in", left: "(.) out" } : undefined);
  });

  test("the sample of this repository loads, with no default to be surprised by", () => {
    const text = readFileSync(join(__dirname, "..", "forge.toml"), "utf8");
    const { config } = load(text);
    expect(config.regions.map(({ name, engine }) => [name, engine])).toEqual([
      ["us-east", "embedded"],
      ["eu-west", "embedded"],
    ]);
    const { arena } = config.experiences;
    expect(arena?.scaling).toMatchObject({ minServers: 1, maxServers: 12, buffer: { kind: "share", share: 0.1 } });
    expect(arena?.roles.map(({ name, per }) => [name, per])).toEqual([
      ["physics", "server"],
      ["ai", "fleet"],
    ]);
    expect(config.demo).toEqual({ experience: "arena", bots: 220 });
  });

  test("finds every problem in one run, those between keys beside those of single ones, in the order of the file", () => {
    const text = `
[scaling]
max_servers_per_region = "many"
min_servers_per_region = 5
[[regions]]
name = "us-east"
engine = "nomda"
[[regions]]
name = "us-east"
${ARENA}network = "bridge"
memroy = 256
ports = { game = "upd" }
scaling = { min_servers = 5, max_servers = 3 }
[demo]
experience = "duel"
`;
    expect(problemsOf(text, { regions: ["mars"] }).map(({ path, line }) => [path, line])).toEqual([
      ["scaling.max_servers_per_region", 3],
      ["regions[0].engine", 7],
      ["regions[1].name", 9],
      ["experiences.arena.network", 14],
      ["experiences.arena.memroy", 15],
      ["experiences.arena.ports.game", 16],
      ["experiences.arena.scaling.min_servers", 17],
      ["demo.experience", 19],
      ["--region", undefined],
    ]);
  });

  test("says what to do where there is no file, and passes on why one cannot be read", () => {
    const missing = Object.assign(new Error("ENOENT"), { code: "ENOENT" });
    const found = (error: Error) => {
      try {
        loadConfig({
          file: "/srv/forge.toml",
          readFile: () => {
            throw error;
          },
        });
      } catch (thrown) {
        return thrown instanceof ConfigError ? thrown : undefined;
      }
      return undefined;
    };
    expect(found(missing)?.problems[0]?.fix).toContain("forge init");
    expect(found(missing)?.message).toContain("/srv/forge.toml");
    expect(found(new Error("it is a folder"))?.problems[0]?.problem).toContain("it is a folder");
  });
});

describe("precedence", () => {
  const file = `
[nomad]
address = "http://shared:4646"
namespace = "shared"
[consul]
address = "http://shared:8500"
[[regions]]
name = "own"
nomad = { address = "http://own:4646", namespace = "own" }
consul = { address = "http://own:8500" }
[[regions]]
name = "plain"
`;
  const env = { NOMAD_ADDR: "http://env:4646", NOMAD_NAMESPACE: "env", CONSUL_HTTP_ADDR: "env:8500" };
  const flags = { nomadAddress: "http://flag:4646", nomadNamespace: "flag", consulAddress: "http://flag:8500" };

  test.each([
    ["file alone", {}, {}, "own", "shared"],
    ["environment over [nomad], not over a region", {}, env, "own", "env"],
    ["flag over all", flags, env, "flag", "flag"],
    [
      "empty variables count as unset",
      {},
      { NOMAD_ADDR: "", NOMAD_NAMESPACE: "", CONSUL_HTTP_ADDR: "" },
      "own",
      "shared",
    ],
  ])("%s", (_name, someFlags: ConfigFlags, someEnv: ConfigEnv, own, plain) => {
    const { regions, nomad } = load(file, someFlags, someEnv).config;
    const expected = (host: string) => ({
      nomad: { address: `http://${host}:4646`, namespace: host },
      consul: { address: `http://${host}:8500` },
    });
    expect(regions).toMatchObject([expected(own), expected(plain)]);
    expect(nomad.address).toBe(`http://${plain}:4646`);
  });

  test("Consul's variables without a scheme", () => {
    const { consul } = load("", {}, { CONSUL_HTTP_ADDR: "consul:8501", CONSUL_HTTP_SSL: "true" }).config;
    expect(consul.address).toBe("https://consul:8501");
  });

  test("--engine puts every region on that engine, --region keeps some, --no-demo leaves the bots out", () => {
    const text = `
[[regions]]
name = "a"
engine = "nomad"
hosts = "existing"
[[regions]]
name = "b"
${ARENA}[demo]
experience = "arena"`;
    const { config } = load(text, { engine: "embedded", regions: ["a"], demo: false });
    expect(config.regions).toMatchObject([{ name: "a", engine: "embedded", hosts: "local" }]);
    expect(config.demo).toBeUndefined();
    expect(load(text).config.demo).toEqual({ experience: "arena", bots: 50 });
  });
});

describe("describeProblems", () => {
  test("names place, value, problem and fix, and the number of problems", () => {
    const text = describeProblems(problemsOf(`${ARENA}memroy = 256\ncpu = -1\n`));
    expect(text).toBe(`forge.toml:5:1  experiences.arena.memroy = 256
  is not a key that forge.toml knows
  fix: did you mean experiences.arena.memory?

forge.toml:6:1  experiences.arena.cpu = -1
  must be at least 1
  fix: write a number from 1 to 1000000

2 problems`);
  });

  test("with colours says the same", () => {
    const problems = problemsOf(`${ARENA}memroy = 256\n`);
    const colored = describeProblems(problems, { color: true });
    expect(colored).not.toBe(describeProblems(problems));
    // eslint-disable-next-line no-control-regex
    expect(colored.replace(/\u001b\[\d+m/g, "")).toBe(describeProblems(problems));
  });
});

describe("any input", () => {
  const word = fc.constantFrom(
    "experiences", "arena", "regions", "scaling", "health", "ports", "game", "nomad", "roles", "physics", "name", "env",
    "max_players", "command", "image", "sdk", "static", "protocol", "constructor", "__proto__", "toString", "log", "x y",
  ); // prettier-ignore
  const value: fc.Arbitrary<string> = fc.letrec<{ value: string }>((tie) => ({
    value: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      fc.constantFrom(
        '"udp"',
        '"forge"',
        "5",
        "-1",
        "0.5",
        "nan",
        "inf",
        "true",
        "1979-05-27",
        '"10%"',
        "''",
        '"""',
        "[",
        "{",
      ),
      fc.string().map((text) => JSON.stringify(text)),
      fc.array(tie("value"), { maxLength: 3 }).map((values) => `[${values.join(", ")}]`),
      fc
        .array(fc.tuple(word, tie("value")), { maxLength: 3 })
        .map((pairs) => `{ ${pairs.map(([k, v]) => `${k} = ${v}`).join(", ")} }`),
    ),
  })).value;
  const line = fc.oneof(
    fc
      .tuple(fc.array(word, { minLength: 1, maxLength: 4 }), value)
      .map(([keys, text]) => `${keys.join(".")} = ${text}`),
    fc.array(word, { minLength: 1, maxLength: 4 }).map((keys) => `[${keys.join(".")}]`),
    fc.array(word, { minLength: 1, maxLength: 2 }).map((keys) => `[[${keys.join(".")}]]`),
    fc.string(),
  );

  test("loads or throws ConfigError with at least one problem, each with a fix, and nothing else", () => {
    let loaded = 0;
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), fc.boolean(), (lines, sample) => {
        const text = `${sample ? ARENA : ""}${lines.join("\n")}\n`;
        try {
          load(text);
          loaded++;
        } catch (error) {
          if (!(error instanceof ConfigError)) throw error;
          expect(error.problems.length).toBeGreaterThan(0);
          expect(error.problems.filter(({ fix, problem }) => fix === "" || problem === "")).toEqual([]);
        }
      }),
      { numRuns: 1000 },
    );
    expect(loaded).toBeGreaterThan(0);
  });
});
