import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { planLimits, thisMachine } from "../../controller/adapters/embedded/limits";
import { skipUnless } from "../skips";
import { EventLog, launchOf, lineOf } from "./engine-harness";
import { RootStage } from "./root-stage";

const MIB = 1024 * 1024;

/** Where a group of the kernel's can be made for this file, below the one it runs in; else why there is none to be had. */
function ownGroup(): { readonly folder: string; readonly version: 1 | 2 } | string {
  const { memory } = planLimits({ ...thisMachine, wanted: "self" });
  if (memory.by === "nothing") return memory.why;
  const folder = join(memory.folder, `forge-test-${process.pid}`);
  try {
    mkdirSync(folder);
    rmdirSync(folder);
    return { folder, version: memory.version };
  } catch (error) {
    return `no group can be made below ${memory.folder} (${(error as Error).message})`;
  }
}

const group = ownGroup();
skipUnless(
  "memory limits by the kernel's control groups",
  typeof group === "string" ? group : "",
  typeof group !== "string",
)("memory limits by the kernel's control groups", () => {
  const { folder, version } = group as Exclude<typeof group, string>;
  const stage = new RootStage().install();
  const limitFile = version === 1 ? "memory.limit_in_bytes" : "memory.max";

  beforeAll(() => {
    mkdirSync(folder);
    // Root as it is, told by its environment where it may make groups.
    const wrapped = join(stage.folder, "root-in-a-group.cjs");
    writeFileSync(
      wrapped,
      `process.env.FORGE_CGROUP = ${JSON.stringify(folder)};\nrequire(${JSON.stringify(stage.script)});\n`,
    );
    stage.script = wrapped;
  });
  afterAll(() => rmdirSync(folder));

  it("hold a server and what it starts, and go with it", async () => {
    const root = await stage.openRoot();
    const engine = await stage.openEngine();
    expect(engine.limits.detail).toContain(`limited by control group version ${version} below ${folder}`);
    const log = new EventLog(engine);
    const launch = launchOf({ args: ["fork"], task: { memory: 96 } });
    await engine.start(launch);
    const child = (await lineOf(engine, launch.serverId, "child")).slice("child ".length);
    const { server } = await log.of("running", launch.serverId);
    const [own, childs] = [`${server.pids.primary}`, child].map((pid) => memoryGroup(pid, version));
    expect(own).toContain(root.runId);
    expect(childs).toBe(own);
    const place = join(folder, `forge-${root.runId}`);
    const limit = readFileSync(join(place, own?.split("/").at(-1) ?? "", limitFile), "utf8");
    expect(Number(limit)).toBe(96 * MIB);
    await root.close(0);
    expect(existsSync(place)).toBe(false);
  });

  it("end the server that holds more, say why, and leave the one beside it alone", async () => {
    await stage.openRoot();
    const engine = await stage.openEngine();
    const log = new EventLog(engine);
    const beside = launchOf({ task: { memory: 96 } });
    const hungry = launchOf({ args: ["grow", "256"], task: { memory: 96 } });
    await engine.start(beside);
    await log.of("running", beside.serverId);
    await engine.start(hungry);
    const { exit } = await log.of("exited", hungry.serverId);
    expect(exit).toMatchObject({ outOfMemory: true, requested: false });
    const running = (await engine.list()).filter(({ state }) => state === "running");
    expect(running.map(({ serverId }) => serverId)).toEqual([beside.serverId]);
  });
});

/** The memory group of a process, as seen from its hierarchy. */
function memoryGroup(pid: string, version: 1 | 2): string | undefined {
  const text = readFileSync(`/proc/${pid}/cgroup`, "utf8");
  const line = version === 1 ? /^\d+:[^:]*\bmemory\b[^:]*:(.*)$/m : /^0::(.*)$/m;
  return line.exec(text)?.[1];
}
