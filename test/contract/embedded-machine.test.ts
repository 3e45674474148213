import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describeLimits, planLimits } from "../../controller/adapters/embedded/limits";
import { skipUnless } from "../skips";
import { EventLog, launchOf, lineOf, linesOf } from "./engine-harness";
import { RootStage } from "./root-stage";

const stage = new RootStage().install();

describe("two regions on one root", () => {
  it("do not see each other's servers and never share a port", async () => {
    await stage.openRoot();
    const [east, west] = [await stage.openEngine("east"), await stage.openEngine("west")];
    const eastLog = new EventLog(east);
    const westLog = new EventLog(west);
    const inEast = launchOf({ region: "east" });
    const inWest = launchOf({ region: "west" });
    await Promise.all([east.start(inEast), west.start(inWest)]);
    const [{ server: a }, { server: b }] = await Promise.all([
      eastLog.of("running", inEast.serverId),
      westLog.of("running", inWest.serverId),
    ]);
    expect((await east.list()).map(({ serverId }) => serverId)).toEqual([inEast.serverId]);
    expect(westLog.types(inEast.serverId)).toEqual([]);
    const ports = [...Object.values(a.ports), ...Object.values(b.ports)];
    expect(new Set(ports).size).toBe(4);

    const same = launchOf({
      region: "west",
      ports: [{ name: "game", protocol: "udp", static: a.ports.game }],
    });
    await expect(west.start(same)).rejects.toMatchObject({ code: "portTaken" });
    await expect(west.start(same)).rejects.toThrow(inEast.serverId);
  });
});

describe("references that have no value", () => {
  it("are told once, and no secret with them", async () => {
    await stage.openRoot();
    const warnings: string[] = [];
    const engine = await stage.openEngine("here", warnings);
    const args = ["say", "${NOMAD_ALLOC_INTERFACE}"];
    for (let i = 0; i < 2; i += 1) {
      const launch = launchOf({ args, meta: { sdkToken: "very-secret" } });
      await engine.start(launch);
      await lineOf(engine, launch.serverId, "${NOMAD_ALLOC_INTERFACE}");
    }
    expect(warnings).toEqual([expect.stringContaining("NOMAD_ALLOC_INTERFACE")]);
    expect(`${warnings.join()}${readFileSync(join(stage.runDir, "logs", "root.log"), "utf8")}`).not.toContain(
      "very-secret",
    );
  });
});

const { cpu: cpuPlan } = planLimits();
const sharesFile = cpuPlan.by === "group" && cpuPlan.version === 1 ? cpuPlan.folder : undefined;
const why = sharesFile === undefined ? describeLimits().detail : "";
skipUnless(
  "CPU shares",
  why,
  sharesFile !== undefined,
)("CPU shares", () => {
  it("are set by control group before the server's first instruction, and gone after it", async () => {
    const root = await stage.openRoot();
    const engine = await stage.openEngine();
    expect(engine.limits.cpu).toBe(true);
    const log = new EventLog(engine);
    const launch = launchOf({ task: { cpu: 500 }, args: ["fork"] });
    await engine.start(launch);
    const child = (await lineOf(engine, launch.serverId, "child")).slice("child ".length);
    const { server } = await log.of("running", launch.serverId);
    const groupOf = (pid: string) =>
      /^\d+:[^:]*\bcpu\b[^:]*:(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, "utf8"))?.[1];
    const group = groupOf(`${server.pids.primary}`) ?? "";
    expect(group).toContain(root.runId);
    expect(groupOf(child)).toBe(group);
    const place = join(sharesFile as string, `forge-${root.runId}`);
    const shares = readFileSync(join(place, group.split("/").at(-1) as string, "cpu.shares"), "utf8");
    expect(Number(shares)).toBe(512);
    await root.close(0);
    expect(existsSync(place)).toBe(false);
  });
});

describe("a server that ends at once, many times", () => {
  it("is told each time, and the order of events holds", async () => {
    await stage.openRoot();
    const engine = await stage.openEngine();
    const log = new EventLog(engine);
    const launches = Array.from({ length: 20 }, () =>
      launchOf({ task: { command: "/bin/sh", args: ["-c", "exit 9"] } }),
    );
    await Promise.all(launches.map((launch) => engine.start(launch)));
    for (const { serverId } of launches) {
      expect((await log.of("exited", serverId)).exit).toMatchObject({ exitCode: 9, requested: false });
      expect(log.types(serverId)).toEqual(["placed", "running", "exited"]);
      expect(await linesOf(engine, serverId)).toEqual([]);
      await engine.forget(serverId);
    }
    expect(await engine.list()).toEqual([]);
  });
});
