import type { ServerLaunch } from "../engine";
import { arena, servers } from "./testing/ask";
import { testRole } from "./testing/settings-double";
import type { Server } from "./resources";

function launched(over: Parameters<typeof arena>[0] = {}): ServerLaunch {
  const r = arena({ scaling: { minServers: 1 }, ...over });
  const launch = [...r.engine.launches.values()].at(-1);
  if (!launch) throw new Error("nothing was started");
  return launch;
}

it("tells a server who it is", () => {
  const { serverId, tasks, meta } = launched({ mods: ["fog"], env: { COLOUR: "red" } });
  expect(tasks[0]).toMatchObject({ name: "server", command: "game-server", cpu: 500, memory: 256 });
  expect(tasks[0]?.env).toEqual({
    COLOUR: "red",
    FORGE_SERVER_ID: serverId,
    FORGE_ALLOCATION_ID: "${NOMAD_ALLOC_ID}",
    FORGE_REGION: "here",
    FORGE_EXPERIENCE: "arena",
    FORGE_VERSION: "1",
    FORGE_ROLE: "server",
    FORGE_MAX_PLAYERS: "4",
    FORGE_MODS: "fog",
    FORGE_SDK_TOKEN: meta.sdkToken,
  });
});

it.each([
  ["forge", ["game", "sdk"]],
  ["agones", ["game", "sdk"]],
  ["none", ["game"]],
] as const)("with sdk = %s has ports %j", (sdk, names) => {
  expect(launched({ sdk }).ports.map(({ name }) => name)).toEqual(names);
});

it("puts roles of a server beside it, with their ports", () => {
  const role = { ...testRole("physics"), per: "server" as const, args: ["-v"], env: { A: "1" } };
  const { tasks, ports } = launched({ roles: [role] });
  expect(tasks.map(({ name, env }) => [name, env.FORGE_ROLE])).toEqual([
    ["server", "server"],
    ["physics", "physics"],
  ]);
  expect(tasks[1]?.env.A).toBe("1");
  expect(ports.map(({ name }) => name)).toEqual(["game", "api", "sdk"]);
});

it("keeps its meta within what an engine stores", () => {
  const { meta } = launched();
  expect(Object.values(meta).every((value) => typeof value === "string")).toBe(true);
  expect(JSON.stringify(meta).length).toBeLessThan(1024);
});

it("says players the address that forge.toml gives, and servers their node's", () => {
  const r = arena();
  expect(r.must<Server[]>(servers)[0]?.address).toBe("10.0.0.1");
  const settings = { ...r["settings"], publicAddress: "play.example.com" };
  r.setSettings(settings);
  expect(r.must<Server[]>(servers)[0]?.address).toBe("play.example.com");
});

it("tells the agent all that forge.toml says of health, seats and leases", () => {
  const r = arena({ health: { kind: "http", path: "/health", port: "game", metricsPath: "/metrics" } });
  const [server] = r.agent("n1").servers.values();
  expect(server?.expect).toMatchObject({
    sdk: "forge",
    seats: "reported",
    maxPlayers: 4,
    leaseMs: 30_000,
    readyTimeoutMs: 20_000,
    cpu: 500,
    pids: { server: 1000 },
    health: {
      check: { kind: "http", path: "/health" },
      intervalMs: 5000,
      timeoutMs: 2000,
      unhealthyThreshold: 3,
      healthyThreshold: 2,
    },
  });
});
