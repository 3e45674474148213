import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AllocationProcesses } from "../../agent/stats/allocation-processes";
import { ProcTable } from "../../agent/stats/proc-table";
import { UsageSampler } from "../../agent/stats/usage-sampler";
import { connectNomad } from "../../controller/adapters/nomad/connect-nomad";
import { EngineError, type Engine, type EngineEvent } from "../../controller/engine";
import { systemClock } from "../../protocol/clock";
import { EventLog, isAlive, launchOf, lineOf } from "../contract/engine-harness";
import { deploy, NAMESPACE, REGION, startNomad, type NomadRun } from "../contract/nomad-run";
import { skipUnless } from "../skips";
import { until } from "../until";
import { findPart } from "./real-parts";
import { Relay } from "./relay";

const nomad = findPart("nomad");
const isRoot = process.getuid?.() === 0;
/** More than any machine has, MiB. */
const HUGE = 100_000_000;

skipUnless(
  "the Nomad engine's own cases",
  "nomad is neither on PATH nor in Forge's cache, or this is not root",
  nomad !== undefined && isRoot,
)("the Nomad engine", () => {
  jest.setTimeout(120_000);
  let run: NomadRun;
  let log: EventLog;
  beforeAll(async () => {
    run = await startNomad(nomad ?? "", { heartbeatGraceSecs: 1 });
    log = new EventLog(run.engine);
  });
  afterAll(() => run?.close());

  const up = async (launch = launchOf()) => {
    await run.engine.start(launch);
    await lineOf(run.engine, launch.serverId, "up");
    return (await log.of("running", launch.serverId)).server;
  };
  const stop = async (serverId: string) => {
    await run.engine.stop(serverId, { reason: "the test is over", graceSecs: 10 });
    return log.of("exited", serverId);
  };
  const jobs = async () =>
    (await run.cluster.call<readonly { readonly ID: string }[]>("GET", `/v1/jobs?namespace=${NAMESPACE}`)).map(
      ({ ID }) => ID,
    );
  const childrenOf = async (serverId: string) => (await jobs()).filter((id) => id.includes(`/dispatch-${serverId}-`));

  it("says what is short while there is no place, and starts the server once there is", async () => {
    const most = await roomFor(run);
    const holder = await up(launchOf({ task: { memory: most } }));
    const launch = launchOf({ task: { memory: most } });
    await run.engine.start(launch);
    const blocked = await log.of("blocked", launch.serverId);
    expect(blocked).toMatchObject({ code: "noCapacity", final: false });
    expect(blocked.reason).toBe("no place on 1 node: 1 node short of memory");
    // Asked again it is the same order.
    await run.engine.start(launch);
    expect(await childrenOf(launch.serverId)).toHaveLength(1);
    expect((await run.engine.list()).map(({ serverId }) => serverId)).not.toContain(launch.serverId);
    await stop(holder.serverId);
    await log.of("running", launch.serverId);
    await stop(launch.serverId);
  });

  it("takes an order back that waits for a place", async () => {
    const launch = launchOf({ task: { memory: HUGE } });
    await run.engine.start(launch);
    await log.of("blocked", launch.serverId);
    await run.engine.stop(launch.serverId, { reason: "nobody waits any more", graceSecs: 10 });
    expect((await log.of("exited", launch.serverId)).exit).toMatchObject({ requested: true });
    expect(log.types(launch.serverId)).toEqual(["blocked", "exited"]);
  });

  it("says that no waiting helps where no node has the driver, and leaves no order behind", async () => {
    const launch = launchOf({ task: { driver: "docker" } });
    await run.engine.start(launch);
    const blocked = await log.of("blocked", launch.serverId);
    expect(blocked).toMatchObject({ code: "driverUnsupported", final: true });
    expect(blocked.reason).toBe("no place on 1 node: 1 node without its driver");
    await until("its order is withdrawn", async () => {
      const [id = ""] = await childrenOf(launch.serverId);
      const { Stop } = await run.cluster.call<{ readonly Stop: boolean }>(
        "GET",
        `/v1/job/${encodeURIComponent(id)}?namespace=${NAMESPACE}`,
      );
      return Stop;
    });
  });

  it("names the deploy that is missing, or of another version", async () => {
    const engine = await plainEngine(run);
    const missing = engine.start(launchOf({ experienceId: "undeployed" }));
    await expect(missing).rejects.toThrow(
      "Nomad has no job here.gameserver.undeployed in namespace games, which servers of undeployed are started from: deploy the stack here-jobs",
    );
    await deploy(run.cluster, launchOf());
    const colour = engine.start(launchOf({ meta: { colour: "blue" } }));
    await expect(colour).rejects.toMatchObject({ code: "engineUnavailable" });
    await expect(colour).rejects.toThrow("job here.gameserver.probe takes no meta colour");
    await engine.close();
  });

  it("dispatches once by two controllers at once, and both hear the same", async () => {
    const other = await run.reopen();
    const otherLog = new EventLog(other);
    const launch = launchOf();
    await deploy(run.cluster, launch);
    await Promise.all([run.engine.start(launch), other.start(launch)]);
    const [here, there] = await Promise.all([
      log.of("running", launch.serverId),
      otherLog.of("running", launch.serverId),
    ]);
    expect(there.server.allocationId).toBe(here.server.allocationId);
    await stop(launch.serverId);
    expect((await otherLog.of("exited", launch.serverId)).exit.requested).toBe(true);
    await other.close();
  });

  it("knows an order of a controller that went before it could hear of it", async () => {
    const launch = launchOf();
    const first = await run.reopen();
    await first.start(launch);
    await first.close();
    const second = await run.reopen();
    const secondLog = new EventLog(second);
    await second.start(launch);
    await lineOf(second, launch.serverId, "up");
    expect(await childrenOf(launch.serverId)).toHaveLength(1);
    await second.stop(launch.serverId, { reason: "the test is over", graceSecs: 10 });
    expect((await secondLog.of("exited", launch.serverId)).exit.requested).toBe(true);
    await second.close();
  });

  it("purges what has ended, also what ended before it came", async () => {
    const { serverId } = await up();
    await stop(serverId);
    expect(await childrenOf(serverId)).toHaveLength(1);
    const hasty = await run.reopen({ purgeAfterSecs: 0.2 });
    await hasty.list();
    await until("its job is gone", async () => (await childrenOf(serverId)).length === 0);
    await hasty.close();
  });

  it("goes on through a cut of its stream, and misses nothing", async () => {
    const relay = await Relay.to(run.cluster.address);
    const engine = await plainEngine(run, relay.address);
    const seen = new EventLog(engine);
    const file = join(run.folder, "cut");
    const server = await up(launchOf({ args: ["exitOnFile", file] }));
    await engine.list();
    await relay.cut();
    writeFileSync(file, "");
    await log.of("exited", server.serverId);
    await relay.restore();
    expect((await seen.of("exited", server.serverId)).exit).toMatchObject({ exitCode: 3, requested: false });
    await seen.first((event): event is Extract<EngineEvent, { type: "resync" }> => event.type === "resync");
    seen.close();
    await engine.close();
    await relay.cut();
  });

  it("refuses within its deadlines where Nomad is away, with what to do", async () => {
    const relay = await Relay.to(run.cluster.address);
    await relay.cut();
    const engine = await plainEngine(run, relay.address);
    const error = await engine.list().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(EngineError);
    expect(error).toMatchObject({ code: "engineUnavailable" });
    expect((error as Error).message).toMatch(/Nomad did not answer GET .*ECONN.*Is a Nomad agent running at http:/);
    await engine.close();
    await relay.cut();
  });

  it("sees no end when the node's Nomad is killed, and the same server when it is back", async () => {
    const server = await up();
    const { primary = 0 } = run.processesOf(server);
    await run.cluster.client.kill();
    await log.first((event): event is Extract<EngineEvent, { type: "nodeDown" }> => event.type === "nodeDown");
    expect(isAlive(primary)).toBe(true);
    run.cluster.client.start();
    await log.first((event): event is Extract<EngineEvent, { type: "nodeUp" }> => event.type === "nodeUp");
    expect((await run.engine.list()).find(({ serverId }) => serverId === server.serverId)).toEqual(server);
    expect(run.processesOf(server)).toEqual({ primary });
    expect(log.types(server.serverId)).toEqual(["placed", "running"]);
    // Of a task that was taken on again Nomad does not always know the exit code.
    expect((await stop(server.serverId)).exit).toMatchObject({ requested: true, outOfMemory: false });
  });

  it("runs servers whose processes, use and log their node's agent finds by itself", async () => {
    const server = await up(launchOf({ args: ["fork", "tick"], beside: [{}] }));
    await lineOf(run.engine, server.serverId, "up", "role");
    const allocations = new AllocationProcesses({ clock: systemClock });
    const found = new Map<string, number>();
    const usage = new UsageSampler({ clock: systemClock, processes: new ProcTable(), allocations, intervalMs: 100 });
    const used = new Promise<{ readonly memoryBytes: number }>((resolve) => {
      const end = usage.watch({ pids: {}, cpu: 100, allocationId: server.allocationId }, (finding) => {
        end();
        resolve(finding);
      });
    });
    await new Promise<void>((resolve) => {
      const end = allocations.watch(server.allocationId, ({ task, pid }) => {
        found.set(task, pid);
        if (found.size < 2) return;
        end();
        resolve();
      });
    });
    expect(Object.fromEntries(found)).toEqual(run.processesOf(server));
    const child = Number((await lineOf(run.engine, server.serverId, "child")).split(" ")[1]);
    expect(allocations.of(child)).toEqual({ allocationId: server.allocationId, task: "primary" });
    expect(allocations.of(process.pid)).toBeUndefined();
    // Three processes of Node.
    expect((await used).memoryBytes).toBeGreaterThan(60 * 2 ** 20);
    const log = allocations.logFile({ task: "primary", pid: found.get("primary") ?? 0 });
    expect(readFileSync(log ?? "", "utf8")).toContain("tick 1\n");
    await stop(server.serverId);
  });

  it("loses no server when Nomad's server is killed and comes back", async () => {
    const server = await up();
    await run.cluster.server.kill();
    run.cluster.server.start();
    await run.cluster.untilNode("ready");
    expect((await stop(server.serverId)).exit).toMatchObject({ exitCode: 0, requested: true });
  });
});

/** MiB that one server of a node can have, and two cannot. */
async function roomFor({ cluster }: NomadRun): Promise<number> {
  const [node] = await cluster.call<readonly { readonly ID: string }[]>("GET", "/v1/nodes");
  const { NodeResources } = await cluster.call<{
    readonly NodeResources: { readonly Memory: { readonly MemoryMB: number } };
  }>("GET", `/v1/node/${node?.ID}`);
  return Math.floor(NodeResources.Memory.MemoryMB * 0.6);
}

/** An engine that deploys nothing by itself. */
async function plainEngine(run: NomadRun, address = run.cluster.address): Promise<Engine> {
  const config = { kind: "nomad", address, namespace: NAMESPACE, publicAddress: "auto", purgeAfterSecs: 600 } as const;
  const log = { info: () => undefined, warn: () => undefined };
  return connectNomad(config, { region: REGION, clock: systemClock, random: Math.random, log });
}
