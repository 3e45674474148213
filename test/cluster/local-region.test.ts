import { existsSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { strayProcesses } from "../../infra/local/leftovers";
import { skipUnless } from "../skips";
import { HOST_PROGRAMS, LocalHosts, type InfraValue } from "./local-hosts";

jest.setTimeout(240_000);

const AGENTS = ["artifacts", "consul", "vault", "nomad-server", "nomad-client"];

skipUnless(
  "Nomad, Consul and Vault as a local region's hosts",
  HOST_PROGRAMS.reason,
  HOST_PROGRAMS.available,
)("the hosts of a region on this machine", () => {
  let hosts: LocalHosts;

  beforeAll(async () => void (hosts = await LocalHosts.create()));
  afterAll(() => hosts.remove());

  it("come up, all of them, and nothing is secret but to their owner", async () => {
    await expect(hosts.mustInfra("up")).resolves.toMatchObject({ started: AGENTS, kept: [] });
    const { agents } = await hosts.mustInfra("status");
    expect(agents.map(({ state }: { state: string }) => state)).toEqual(AGENTS.map(() => "ready"));
    const { folder } = hosts.region();
    for (const path of [folder.path, join(folder.path, "secrets")]) expect(statSync(path).mode & 0o077).toBe(0);
    for (const file of [folder.secret("gossip.json"), folder.tls("ca-key.pem"), folder.config("consul/gossip.json")]) {
      expect(statSync(file).mode & 0o077).toBe(0);
    }
  });

  it("stay as they are when brought up again", async () => {
    const before = await hosts.mustInfra("status");
    await expect(hosts.mustInfra("up")).resolves.toMatchObject({ started: [], kept: AGENTS, outdated: [] });
    expect(await hosts.mustInfra("status")).toEqual(before);
  });

  it.each(AGENTS)("bring %s back after SIGKILL, and leave the others alone", async (name) => {
    const before = await hosts.mustInfra("status");
    const { pid } = before.agents.find((agent: { name: string }) => agent.name === name);
    process.kill(pid, "SIGKILL");
    await expect(hosts.mustInfra("up")).resolves.toMatchObject({ started: [name] });
    const after = await hosts.mustInfra("status");
    const others = (status: InfraValue): unknown[] =>
      status.agents.filter((agent: { name: string }) => agent.name !== name);
    expect(others(after)).toEqual(others(before));
    expect(after.agents.every(({ state }: { state: string }) => state === "ready")).toBe(true);
  });

  it("find an agent whose pid file was never written", async () => {
    const { folder } = hosts.region();
    rmSync(folder.run("consul.json"));
    await expect(hosts.mustInfra("up")).resolves.toMatchObject({ started: [], kept: AGENTS });
  });

  it("go down and leave no process; up again brings them back", async () => {
    const { folder } = hosts.region();
    await expect(hosts.mustInfra("down")).resolves.toMatchObject({ stopped: [...AGENTS].reverse() });
    expect(strayProcesses(folder.path)).toEqual([]);
    await expect(hosts.mustInfra("down")).resolves.toMatchObject({ stopped: [] });
    await expect(hosts.mustInfra("up")).resolves.toMatchObject({ started: AGENTS });
  });

  it("say which port is taken, for what, and by whom", async () => {
    const { ports } = hosts.region();
    await hosts.mustInfra("down");
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(ports.consulDns, "127.0.0.1", resolve));
    try {
      const { code, value, err } = await hosts.infra("up");
      expect(code).toBe(1);
      expect(value.error.code).toBe("portTaken");
      expect(err).toMatch(`${String(ports.consulDns)} (Consul's DNS)`);
      expect(err).toContain("FORGE_PORT_OFFSET");
    } finally {
      await new Promise((resolve) => other.close(resolve));
    }
  });

  it("take folder and secrets away with --purge", async () => {
    await hosts.mustInfra("up");
    await expect(hosts.mustInfra("down", undefined, "--purge")).resolves.toMatchObject({ purged: true });
    expect(existsSync(hosts.region().folder.path)).toBe(false);
    await hosts.mustInfra("down");
    expect(existsSync(hosts.region().folder.path)).toBe(false);
  });
});
