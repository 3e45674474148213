import { loadConfig } from "../../config/load";
import type { Check, Machine } from "./check";
import { configChecks } from "./config-checks";
import { getPrograms } from "./get-programs";
import { machineChecks } from "./machine-checks";
import { programChecks, programsToGet, type ProgramFinder } from "./program-checks";

const machine: Machine = {
  nodeVersion: "20.18.0",
  cores: 2,
  memoryBytes: 8 * 1024 ** 3,
  limits: () => ({ cpu: true, memory: true, detail: "groups" }),
  find: (program) => (program === "docker" ? "/usr/bin/docker" : undefined),
  exists: () => false,
  isPortFree: async () => true,
  answers: async () => false,
};
const lookup = { path: "", baseDir: "/", node: "/usr/bin/node", fill: (text: string) => text };

function named(checks: readonly Check[], name: string): Check | undefined {
  return checks.find((check) => check.name === name);
}

describe("checks of the machine", () => {
  it.each([
    ["20.17.9", "problem"],
    ["20.18.0", "ok"],
    ["22.0.0", "ok"],
    ["18.20.0", "problem"],
  ])("Node %s: %s", (nodeVersion, status) => {
    expect(named(machineChecks({ ...machine, nodeVersion }), "node")?.status).toBe(status);
  });

  it("say what a missing program is for, and do not call it a problem", () => {
    const world = named(machineChecks(machine), "minetestserver or luantiserver");
    expect(world).toMatchObject({ status: "absent", detail: expect.stringContaining("a world that is kept") });
  });

  it("tell a docker client without a daemon from one with", () => {
    expect(named(machineChecks(machine), "docker")).toMatchObject({
      status: "absent",
      detail: expect.stringContaining("no daemon"),
    });
    expect(named(machineChecks({ ...machine, exists: () => true }), "docker")?.status).toBe("ok");
  });

  it("say where servers cannot be limited", () => {
    const limits = () => ({ cpu: false, memory: true, detail: "CPU: not limited" });
    expect(named(machineChecks({ ...machine, limits }), "limits of servers")).toMatchObject({ status: "limited" });
  });
});

describe("checks of the programs that regions on Nomad need", () => {
  const finder = (versions: Partial<Record<string, string>>): ProgramFinder => ({
    where: "on PATH",
    find: (name) => (versions[name] === undefined ? undefined : { name, kind: name, file: `/bin/${name}` }),
    version: async ({ name }) => (versions[name] === "" ? undefined : versions[name]),
  });

  it("say which is missing, too old or silent, what for, and how to get it", async () => {
    const checks = await programChecks(finder({ terraform: "1.11.4", nomad: "1.4.0", consul: "" }));
    expect(named(checks, "terraform")).toMatchObject({ status: "ok", detail: expect.stringContaining("1.11.4") });
    const old = named(checks, "nomad");
    expect(old).toMatchObject({ status: "limited", detail: expect.stringContaining("1.4.0, older than 1.10.0") });
    expect(named(checks, "consul")?.status).toBe("limited");
    const absent = named(checks, "vault or bao");
    expect(absent).toMatchObject({ status: "absent", detail: expect.stringContaining("not on PATH") });
    expect([old?.fix, absent?.fix].every((fix) => fix?.includes("doctor --get"))).toBe(true);
  });

  it("name what is to be fetched", async () => {
    const all = { terraform: "1.11.4", nomad: "2.0.5", consul: "1.8.7", vault: "1.20.0" };
    expect(await programsToGet(finder(all))).toEqual([]);
    expect(await programsToGet(finder({ ...all, nomad: "1.4.0" }))).toEqual(["nomad"]);
  });

  it("say where nothing can be fetched for", async () => {
    const place = { cache: "/nowhere", platform: "win32", arch: "x64" };
    await expect(getPrograms(["nomad"], place, () => undefined)).rejects.toMatchObject({
      code: "download",
      message: expect.stringContaining("win32"),
    });
  });
});

describe("checks of what forge.toml needs", () => {
  const checksOf = (text: string, on: Machine = machine, ownPorts: ReadonlySet<number> = new Set()) => {
    const { config } = loadConfig({ file: "forge.toml", readFile: () => text });
    return configChecks(config, { lookup, ownPorts }, on);
  };
  const embedded = '[[regions]]\nname = "a"\nengine = "embedded"\n[[regions]]\nname = "b"\nengine = "embedded"\n';
  const game = '[experiences.pong]\ncommand = "node"\nmax_players = 2\n';

  it("name the ports that others have, and not those of this folder's own run", async () => {
    const taken: Machine = { ...machine, isPortFree: async (port) => port !== 7701 };
    expect(named(await checksOf(embedded + game, taken), "ports of controllers")).toMatchObject({
      status: "limited",
      detail: "7701 of 7700 to 7701 is taken by another program",
      fix: expect.stringContaining("--port"),
    });
    expect(named(await checksOf(embedded + game, taken, new Set([7700, 7701])), "ports of controllers")?.status).toBe(
      "ok",
    );
  });

  it("miss a program, of a role too", async () => {
    const role = '[experiences.pong.roles.ai]\nper = "fleet"\ncommand = "/opt/none"\n';
    expect(named(await checksOf(embedded + game), "program of pong")?.status).toBe("ok");
    const found = named(await checksOf(embedded + game + role), "program of pong");
    expect(found).toMatchObject({ status: "problem", detail: expect.stringContaining("/opt/none") });
  });

  it("ask a region's Nomad, and look for no programs of a cluster's servers here", async () => {
    const cluster =
      '[[regions]]\nname = "c"\nengine = "nomad"\n[experiences.pong]\ncommand = "/opt/pong"\nmax_players = 2\n';
    const checks = await checksOf(cluster);
    expect(named(checks, "Nomad of c")?.status).toBe("problem");
    expect(named(checks, "program of pong")).toBeUndefined();
    expect(named(await checksOf(cluster, { ...machine, answers: async () => true }), "Nomad of c")?.status).toBe("ok");
  });
});
