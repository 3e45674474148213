import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { RootClient, RootUnreachable } from "../../controller/adapters/embedded/root-client";
import { processesOfRun } from "../../controller/adapters/embedded/sweep";
import type { EngineEvent } from "../../controller/engine";
import { skipUnless } from "../skips";
import { bundle } from "./embedded-run";
import { EventLog, gone, isAlive, launchOf, lineOf } from "./engine-harness";
import { RootStage } from "./root-stage";

const onLinux = skipUnless(
  "what is left of a run",
  "only Linux tells processes' environments",
  existsSync("/proc/self"),
);

const stage = new RootStage().install();

onLinux("what is left when something is killed", () => {
  interface StandIn {
    readonly pid: number;
    readonly runId: string;
    readonly root: number;
    readonly socketPath: string;
    readonly server: number;
    readonly children: number[];
  }

  async function standIn(...more: string[]): Promise<StandIn> {
    const program = bundle(join(__dirname, "stand-in.ts"), stage.folder);
    const place = join(stage.folder, `stand-in-${more.length}`);
    const args = [program, place, stage.script, __dirname, ...more];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    const line = await new Promise<string>((resolve, reject) => {
      createInterface(child.stdout).once("line", resolve);
      child.once("exit", (code) => reject(new Error(`the stand-in ended with ${code}`)));
    });
    stage.runDir = join(place, "run");
    return { ...(JSON.parse(line) as Omit<StandIn, "pid">), pid: child.pid as number };
  }

  it("of forge up: nothing, not even what left its process group", async () => {
    const { pid, runId, root, server, children, socketPath } = await standIn();
    expect([root, server, ...children].map(isAlive)).toEqual([true, true, true, true]);
    expect(processesOfRun(runId)).toHaveLength(4);
    process.kill(pid, "SIGKILL");
    await gone(root);
    expect(processesOfRun(runId)).toEqual([]);
    expect(existsSync(socketPath)).toBe(false);
  });

  it("of forge up, detached: everything, until it is told to stop", async () => {
    const { pid, runId, root, server } = await standIn("detach");
    await gone(pid);
    expect([root, server].map(isAlive)).toEqual([true, true]);
    const engine = await stage.openEngine();
    expect(await engine.list()).toMatchObject([{ state: "running", pids: { primary: server } }]);
    const { client } = await stage.openClient();
    await client.shutdown(0.2);
    await gone(root);
    expect(processesOfRun(runId)).toEqual([]);
    await expect(RootClient.connect({ runDir: stage.runDir })).rejects.toBeInstanceOf(RootUnreachable);
  });

  it("of root: no server; whoever started it sweeps the rest", async () => {
    const root = await stage.openRoot();
    const engine = await stage.openEngine();
    const launch = launchOf({ args: ["deaf", "fork", "escape"] });
    await engine.start(launch);
    await lineOf(engine, launch.serverId, "up");
    expect(processesOfRun(root.runId)).toHaveLength(3);
    process.kill(root.pid, "SIGKILL");
    const { inOrder, left } = await root.ended;
    expect({ inOrder, left }).toEqual({ inOrder: false, left: [] });
    expect(processesOfRun(root.runId)).toEqual([]);
  });

  it("of a server: not even what left its process group", async () => {
    const root = await stage.openRoot();
    const engine = await stage.openEngine();
    const log = new EventLog(engine);
    const launch = launchOf({ args: ["escape"] });
    await engine.start(launch);
    const child = Number((await lineOf(engine, launch.serverId, "child")).slice("child ".length));
    const { server } = await log.of("running", launch.serverId);
    process.kill(server.pids.primary as number, "SIGKILL");
    await log.of("exited", launch.serverId);
    await gone(child);
    expect(processesOfRun(root.runId)).toEqual([]);
  });
});

describe("an engine whose root is killed", () => {
  it("says nodeDown, and with a new root nodeUp and resync; the servers are known as killed", async () => {
    const first = await stage.openRoot();
    const engine = await stage.openEngine();
    const log = new EventLog(engine);
    const launch = launchOf({ meta: { kept: "yes" } });
    await engine.start(launch);
    await log.of("running", launch.serverId);
    process.kill(first.pid, "SIGKILL");
    await first.ended;
    const is =
      (type: EngineEvent["type"]) =>
      (event: EngineEvent): event is EngineEvent =>
        event.type === type;
    expect(await log.first(is("nodeDown"))).toMatchObject({ nodeId: "here-local" });
    await expect(engine.list()).rejects.toMatchObject({ code: "engineUnavailable" });

    await stage.openRoot();
    await log.first(is("nodeUp"));
    await log.first(is("resync"));
    const exit = { task: "primary", signal: "SIGKILL", requested: false };
    expect(await engine.list()).toMatchObject([
      { serverId: launch.serverId, state: "exited", exit, meta: { kept: "yes" } },
    ]);
    await engine.start(launch);
    await engine.forget(launch.serverId);
    expect(await engine.list()).toEqual([]);
  });
});
