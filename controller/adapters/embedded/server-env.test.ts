import type { ServerLaunch, TaskLaunch } from "../../engine";
import { taskProgram } from "./server-env";

const task = (changes: Partial<TaskLaunch> = {}): TaskLaunch => ({
  name: "primary",
  command: "node",
  image: undefined,
  driver: "exec",
  args: [],
  env: {},
  cpu: 200,
  memory: 128,
  ...changes,
});

const launchOf = (tasks: readonly TaskLaunch[], meta: Readonly<Record<string, string>> = {}): ServerLaunch => ({
  serverId: "srv-1",
  region: "us-east",
  experienceId: "arena",
  version: "1.0.0",
  role: "server",
  tasks,
  ports: [],
  volumes: {},
  stop: { command: undefined, signal: "SIGTERM", graceSecs: 5 },
  avoidNodes: [],
  meta,
});

const placing = {
  allocationId: "alloc-1",
  region: "us-east",
  address: "127.0.0.1",
  ports: { "game-udp": 20_001, sdk: 20_002 },
  home: "/opt/forge",
  allocDir: "/run/alloc",
  volumes: { "the-world": "/data/world" },
  taskDir: "/run/primary/local",
  secretsDir: "/run/primary/secrets",
};

describe("a task's environment", () => {
  it("has nothing of Forge's own but a few harmless names", () => {
    const outer = { PATH: "/bin", HOME: "/root", VAULT_TOKEN: "s.secret", FORGE_TOKEN: "secret", AWS_SECRET: "secret" };
    const { env } = taskProgram(launchOf([task()]), task(), placing, outer);
    expect(env).toMatchObject({ PATH: "/bin", HOME: "/root" });
    expect(Object.values(env).filter((value) => value.includes("secret"))).toEqual(["/run/primary/secrets"]);
  });

  it("spells names as Nomad does, and Forge's in capitals", () => {
    const { env } = taskProgram(launchOf([task()], { "session-key": "k" }), task(), placing, {});
    expect(env).toMatchObject({
      NOMAD_PORT_game_udp: "20001",
      NOMAD_ADDR_game_udp: "127.0.0.1:20001",
      NOMAD_META_session_key: "k",
      FORGE_PORT_GAME_UDP: "20001",
      FORGE_VOLUME_THE_WORLD: "/data/world",
      FORGE_SDK_URL: "http://127.0.0.1:20002",
    });
  });

  it("names no SDK where there is none", () => {
    const { env } = taskProgram(launchOf([task()]), task(), { ...placing, ports: {} }, {});
    expect(env).not.toHaveProperty("FORGE_SDK_URL");
    expect(env).not.toHaveProperty("FORGE_SDK_TOKEN");
  });

  it("takes what the task says over what Forge gives, in references as well", () => {
    const own = task({ env: { FORGE_ROLE: "judge", PATH: "/own" }, args: ["${FORGE_ROLE}"] });
    const { env, args } = taskProgram(launchOf([own]), own, placing, { PATH: "/bin" });
    expect(env).toMatchObject({ FORGE_ROLE: "judge", PATH: "/own" });
    expect(args).toEqual(["judge"]);
  });

  it("names the role of what runs beside the primary", () => {
    const beside = task({ name: "physics" });
    const launch = launchOf([task(), beside]);
    expect(taskProgram(launch, beside, placing, {}).env).toMatchObject({
      FORGE_ROLE: "physics",
      NOMAD_TASK_NAME: "physics",
    });
    expect(taskProgram({ ...launch, role: "ai" }, launch.tasks[0] ?? beside, placing, {}).env.FORGE_ROLE).toBe("ai");
  });

  it("lists references without a value once", () => {
    const own = task({ args: ["${NOMAD_X}", "${NOMAD_X}"], env: { A: "${FORGE_Y}" } });
    expect(taskProgram(launchOf([own]), own, placing, {})).toMatchObject({
      args: ["${NOMAD_X}", "${NOMAD_X}"],
      unknown: ["FORGE_Y", "NOMAD_X"],
    });
  });
});
