import { existsSync, readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { mountsBelow, strayProcesses } from "../../infra/local/leftovers";
import { identify } from "../../infra/local/process-identity";
import type { RegionClients } from "../../infra/local/region-clients";
import { skipUnless } from "../skips";
import { HOST_PROGRAMS, LocalHosts, type InfraValue } from "./local-hosts";

jest.setTimeout(240_000);

const JOB = {
  ID: "sleeper",
  Name: "sleeper",
  Type: "service",
  Datacenters: ["*"],
  TaskGroups: [
    {
      Name: "sleeper",
      RestartPolicy: { Attempts: 10, Interval: 600e9, Delay: 0.2e9, Mode: "delay" },
      Tasks: [
        {
          Name: "sleep",
          Driver: "raw_exec",
          KillSignal: "SIGTERM",
          // Its number is where the test can read it; a task is to end when it is told to.
          Config: { command: "/bin/sh", args: ["-c", "echo $$ > ${NOMAD_ALLOC_DIR}/pid; exec sleep 100000"] },
          Resources: { CPU: 50, MemoryMB: 32 },
        },
      ],
    },
  ],
};

skipUnless(
  "tasks of a local region",
  HOST_PROGRAMS.reason,
  HOST_PROGRAMS.available,
)("a task on this machine's own region", () => {
  let hosts: LocalHosts;
  let clients: RegionClients;

  beforeAll(async () => {
    hosts = await LocalHosts.create();
    await hosts.mustInfra("bootstrap");
    clients = hosts.clients();
    await clients.nomad.json("PUT", "/v1/jobs", { body: { Job: JOB } });
  });
  afterAll(async () => {
    await clients.close();
    await hosts.remove();
  });

  /** The allocation that runs, once there is one. */
  async function running(): Promise<{ readonly id: string; readonly pid: number }> {
    for (;;) {
      const all = await clients.nomad.json<InfraValue[]>("GET", `/v1/job/${JOB.ID}/allocations`);
      const found = all.find(
        ({ ClientStatus, DesiredStatus }) => ClientStatus === "running" && DesiredStatus === "run",
      );
      const file = found && `${hosts.region().folder.data("nomad-client")}/alloc/${found.ID}/alloc/pid`;
      if (file !== undefined && existsSync(file)) return { id: found.ID, pid: Number(readFileSync(file, "utf8")) };
      await pause(200);
    }
  }

  it("goes on while every agent is killed and brought back, and Vault is open again", async () => {
    const before = await running();
    const { agents } = await hosts.mustInfra("status");
    for (const { pid } of agents) process.kill(pid, "SIGKILL");
    const { started } = await hosts.mustInfra("up");
    expect(started).toEqual(["artifacts", "consul", "vault", "nomad-server", "nomad-client"]);
    process.kill(before.pid, 0);
    expect(await running()).toEqual(before);
    await expect(clients.vault.json("GET", "/v1/sys/health")).resolves.toMatchObject({ sealed: false });
    // Nomad follows its task again: it sees it end.
    process.kill(before.pid, "SIGKILL");
    for (let now = before; now.pid === before.pid; now = await running()) await pause(200);
  });

  it("ends with the region, which leaves no process and no mount, and comes back with it", async () => {
    const { pid } = await running();
    const { folder } = hosts.region();
    expect(mountsBelow(folder.path).length).toBeGreaterThan(0);
    await hosts.mustInfra("down");
    expect(identify(pid)).toBeUndefined();
    expect(strayProcesses(folder.path)).toEqual([]);
    expect(mountsBelow(folder.path)).toEqual([]);
    await hosts.mustInfra("up");
    expect((await running()).pid).not.toBe(pid);
  });

  it("ends with the region although its agents are dead", async () => {
    const { pid } = await running();
    const { agents } = await hosts.mustInfra("status");
    for (const agent of agents) process.kill(agent.pid, "SIGKILL");
    const { strays } = await hosts.mustInfra("down", undefined, "--purge");
    expect(strays).toBeGreaterThan(0);
    expect(identify(pid)).toBeUndefined();
    expect(existsSync(hosts.region().folder.path)).toBe(false);
  });
});
