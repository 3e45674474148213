import { ARENA, expectOnly, problemsOf, type Broken } from "./broken-file";
import { loadConfig } from "./load";

const LOCAL = '[[regions]]\nname = "us-east"\nengine = "nomad"\nhosts = "local"\n';
const EXISTING = '[[regions]]\nname = "us-east"\nengine = "nomad"\n';

const BROKEN: readonly Broken[] = [
  {
    name: "more regions on this machine than it has ports for",
    file: Array.from({ length: 11 }, (_, index) => LOCAL.replace("us-east", `r${index}`)).join(""),
    path: "regions[10].hosts",
    problem: /more than this machine has ports for, 10/,
    fix: /embedded/,
    line: 44,
  },
  {
    name: "an address of a system that Forge runs itself",
    file: `${LOCAL}nomad.address = "http://127.0.0.1:4646"\n`,
    path: "regions[0].nomad.address",
    problem: /Forge runs this system itself/,
    fix: /FORGE_PORT_OFFSET/,
    line: 5,
  },
  {
    name: "an authority of a system that Forge runs itself",
    file: `${LOCAL}vault.ca_file = "ca.pem"\n`,
    path: "regions[0].vault.ca_file",
    problem: /Forge runs this system itself/,
    fix: /hosts = "existing"/,
    line: 5,
  },
  {
    name: "a mount of a Vault whose mounts deploy makes",
    file: `${EXISTING}manage = ["vault", "jobs"]\nvault.auth_mount = "jwt-nomad"\n`,
    path: "regions[0].vault.auth_mount",
    problem: /deploy makes this region's own in Vault/,
    fix: /leave vault out of manage/,
    line: 5,
  },
  {
    name: "a login at the Consul that Forge runs itself",
    file: `${LOCAL}consul.auth_method = "nomad-workloads"\n`,
    path: "regions[0].consul.auth_method",
    problem: /deploy makes this region's own in Consul/,
    fix: /remove it/,
    line: 5,
  },
  {
    name: "two controllers on one node",
    file: `${LOCAL}controllers = 2\n`,
    path: "regions[0].controllers",
    problem: /one/,
    fix: /write 1/,
    line: 5,
  },
  {
    name: "one namespace made by two stacks of one Nomad",
    file: `${EXISTING}manage = ["nomad"]\n${EXISTING.replace("us-east", "eu")}manage = ["nomad", "jobs"]\n`,
    path: "regions[1].nomad.namespace",
    problem: /already made by regions\[0\]/,
    fix: /of its own/,
    line: 5,
  },
  {
    name: "a game with raw_exec on somebody's cluster",
    file: `${EXISTING}${ARENA}driver = "raw_exec"\n`,
    path: "experiences.arena.driver",
    problem: /region us-east is not this machine/,
    fix: /exec/,
    line: 8,
  },
  {
    name: "a world whose driver mounts no volumes",
    file: `${LOCAL}${ARENA}driver = "raw_exec"\nkind = "world"\nvolumes = { world = "/data" }\n`,
    path: "experiences.arena.driver",
    problem: /mounts no volumes on Nomad/,
    fix: /exec/,
    line: 9,
  },
  {
    name: "a role with raw_exec on somebody's cluster",
    file: `${EXISTING}${ARENA}[experiences.arena.roles.ai]\nper = "fleet"\ncommand = "ai"\ndriver = "raw_exec"\n`,
    path: "experiences.arena.roles.ai.driver",
    problem: /is not this machine/,
    fix: /hosts = "local"/,
    line: 11,
  },
];

describe("rules of regions on Nomad", () => {
  test.each(BROKEN)("$name", (broken) => expectOnly(broken));

  test("what is right is no problem", () => {
    const file = `${LOCAL}nomad.address = "https://127.0.0.1:4646"\ncontrollers = 1\n${ARENA}driver = "raw_exec"\n`;
    expect(problemsOf(file)).toEqual([]);
    expect(problemsOf(`${EXISTING}controllers = 3\n${ARENA}`)).toEqual([]);
  });

  test("FORGE_PORT_OFFSET must be a number that ports can be moved by", () => {
    const load = () =>
      loadConfig({ file: "forge.toml", env: { FORGE_PORT_OFFSET: "many" }, readFile: () => LOCAL }).config;
    expect(load).toThrow(/FORGE_PORT_OFFSET = "many"/);
  });
});

describe("a region that --engine puts on Nomad", () => {
  test("stays on this machine, where all of it is Forge's to make", () => {
    const text = `[[regions]]\nname = "us-east"\n${ARENA}driver = "raw_exec"\n`;
    const { config } = loadConfig({ file: "forge.toml", flags: { engine: "nomad" }, readFile: () => text });
    expect(config.regions).toMatchObject([
      {
        hosts: "local",
        controllers: 1,
        manage: ["infra", "consul", "vault", "nomad", "jobs"],
        nomad: { address: "https://127.0.0.1:4646" },
        vault: { address: "https://127.0.0.1:8200" },
      },
    ]);
  });

  test("keeps its ports when others are not chosen", () => {
    const text = `${LOCAL}${LOCAL.replace("us-east", "eu-west")}`;
    const { regions } = loadConfig({
      file: "forge.toml",
      flags: { regions: ["eu-west"] },
      readFile: () => text,
    }).config;
    expect(regions).toMatchObject([{ name: "eu-west", index: 1, ports: { api: 7701 } }]);
  });
});
