import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { skipUnless } from "../skips";
import { gone, isAlive, launchOf, lineOf, linesOf, type EngineStage } from "./engine-harness";

export function describeStop(stage: EngineStage, name: string, stopCommand: true | string): void {
  describe("stop", () => {
    it("asks by signal and reports the server's own exit code", async () => {
      const { serverId } = await stage.up(launchOf({ stop: { command: undefined, signal: "SIGUSR1", graceSecs: 10 } }));
      expect(await stage.stop(serverId)).toMatchObject({
        task: "primary",
        exitCode: 7,
        signal: undefined,
        requested: true,
      });
      expect(await linesOf(stage.engine, serverId)).toContain("asked by SIGUSR1");
    });

    const hasCommand = stopCommand === true;
    skipUnless(
      `a server's own stop command on ${name}`,
      hasCommand ? "" : stopCommand,
      hasCommand,
    )("by command", () => {
      it("asks by the server's own stop command first", async () => {
        const file = join(stage.under.folder, "please-stop");
        const command = ["sh", "-c", `echo "$FORGE_SERVER_ID" > ${file}`];
        const { serverId } = await stage.up(
          launchOf({ args: ["exitOnFile", file], stop: { command, signal: "SIGTERM", graceSecs: 10 } }),
        );
        expect(await stage.stop(serverId)).toMatchObject({ exitCode: 3, requested: true });
      });
    });

    it("goes on to the signal where the stop command fails", async () => {
      const { serverId } = await stage.up(
        launchOf({ stop: { command: ["sh", "-c", "exit 1"], signal: "SIGUSR1", graceSecs: 10 } }),
      );
      expect(await stage.stop(serverId)).toMatchObject({ exitCode: 7, signal: undefined, requested: true });
    });

    it("kills what takes no notice, with all it started, when the grace period is over", async () => {
      const server = await stage.up(launchOf({ args: ["deaf", "fork"] }));
      const { serverId } = server;
      const pids = stage.pids(server);
      const child = Number((await lineOf(stage.engine, serverId, "child")).split(" ")[1]);
      expect(isAlive(child)).toBe(true);
      expect(await stage.stop(serverId, 0.3)).toMatchObject({ signal: "SIGKILL", requested: true });
      expect(await linesOf(stage.engine, serverId)).toContain("not listening to SIGTERM");
      await Promise.all([gone(child), ...Object.values(pids).map(gone)]);
    });

    it("kills at once without a grace period", async () => {
      const { serverId } = await stage.up();
      expect(await stage.stop(serverId, 0)).toMatchObject({ signal: "SIGKILL", requested: true });
      expect(await linesOf(stage.engine, serverId)).not.toContain("asked by SIGTERM");
    });

    it("is no error twice, after the end, or of a server that never was", async () => {
      const { serverId } = await stage.up();
      await Promise.all([stage.stop(serverId), stage.stop(serverId)]);
      await stage.stop(serverId);
      await stage.engine.stop("no-such-server", { reason: "test", graceSecs: 1 });
      expect(stage.log.types(serverId)).toEqual(["placed", "running", "exited"]);
    });

    it("is hurried by a second stop with less grace", async () => {
      const { serverId } = await stage.up(launchOf({ args: ["deaf"] }));
      await stage.engine.stop(serverId, { reason: "slowly", graceSecs: 3600 });
      await lineOf(stage.engine, serverId, "not listening");
      expect(await stage.stop(serverId, 0)).toMatchObject({ signal: "SIGKILL", requested: true });
    });
  });
}

export function describeEnds(stage: EngineStage, name: string, memoryLimit: true | string): void {
  describe("an end that nobody asked for", () => {
    it("is told with its exit code", async () => {
      const launch = launchOf({ args: ["exit", "5"] });
      await stage.engine.start(launch);
      const { exit, server } = await stage.log.of("exited", launch.serverId);
      expect(exit).toMatchObject({ task: "primary", exitCode: 5, requested: false, outOfMemory: false });
      expect(server.state).toBe("exited");
      expect(await stage.listed(launch.serverId)).toMatchObject({ state: "exited", exit: { exitCode: 5 } });
    });

    it("is told with its signal", async () => {
      const launch = launchOf({ args: ["crash"] });
      await stage.engine.start(launch);
      const { exit } = await stage.log.of("exited", launch.serverId);
      expect(exit).toMatchObject({ signal: "SIGKILL", requested: false, outOfMemory: false });
    });

    it("takes along what the server started", async () => {
      const file = join(stage.under.folder, "die");
      const { serverId } = await stage.up(launchOf({ args: ["fork", "exitOnFile", file] }));
      const child = Number((await lineOf(stage.engine, serverId, "child")).split(" ")[1]);
      writeFileSync(file, "");
      expect((await stage.log.of("exited", serverId)).exit).toMatchObject({ exitCode: 3, requested: false });
      await gone(child);
    });

    it("of one task ends the others", async () => {
      const file = join(stage.under.folder, "role-dies");
      const launch = launchOf({ beside: [{ args: ["exitOnFile", file] }] });
      const server = await stage.up(launch);
      const { serverId } = server;
      await lineOf(stage.engine, serverId, "up", "role");
      const pids = stage.pids(server);
      expect(Object.keys(pids).sort()).toEqual(["primary", "role"]);
      writeFileSync(file, "");
      expect((await stage.log.of("exited", serverId)).exit).toMatchObject({
        task: "role",
        exitCode: 3,
        requested: false,
      });
      await Promise.all(Object.values(pids).map(gone));
      expect(stage.log.types(serverId)).toEqual(["placed", "running", "exited"]);
    });

    const limited = memoryLimit;
    skipUnless(
      `memory limits on ${name}`,
      limited === true ? "" : limited,
      limited === true,
    )("by memory", () => {
      it("is told as such", async () => {
        const launch = launchOf({ args: ["grow", "128"], task: { memory: 128 } });
        await stage.engine.start(launch);
        const { exit } = await stage.log.of("exited", launch.serverId);
        expect(exit).toMatchObject({ outOfMemory: true, requested: false });
      });
    });
  });
}
