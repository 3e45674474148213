import { createSocket } from "node:dgram";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { EngineError } from "../../controller/engine";
import { skipUnless } from "../skips";
import { EventLog, isAlive, launchOf, lineOf, linesOf, type EngineStage } from "./engine-harness";

export function describeRefusals(stage: EngineStage, name: string, foreignPorts: true | string): void {
  describe("what cannot be started", () => {
    const refused = async (changes: Parameters<typeof launchOf>[0]) => {
      const launch = launchOf(changes);
      const error = await stage.engine.start(launch).then(
        () => stage.log.of("blocked", launch.serverId).then(({ code, reason }) => new EngineError(code, reason)),
        (thrown: unknown) => thrown,
      );
      // Where the order waits for its turn it is taken back.
      await stage.engine.stop(launch.serverId, { reason: "refused", graceSecs: 0 });
      return error as EngineError;
    };

    it("names a program that is missing", async () => {
      const error = await refused({ task: { command: "no-such-game-server" } });
      expect(error).toMatchObject({ code: "programMissing" });
      expect(error.message).toContain("no-such-game-server");
    });

    const knows = foreignPorts === true;
    skipUnless(
      `ports of other programs on ${name}`,
      knows ? "" : foreignPorts,
      knows,
    )("a port", () => {
      it("names a fixed port that somebody has, by TCP or by UDP", async () => {
        const tcp = createServer();
        await new Promise<void>((resolve) => tcp.listen(0, "0.0.0.0", resolve));
        const udp = createSocket("udp4");
        await new Promise<void>((resolve) => udp.bind(0, "0.0.0.0", resolve));
        for (const { port } of [tcp.address() as { port: number }, udp.address()]) {
          const error = await refused({ ports: [{ name: "game", protocol: "udp", static: port }] });
          expect(error).toMatchObject({ code: "portTaken" });
          expect(error.message).toContain(`${port}`);
        }
        await new Promise<void>((resolve) => tcp.close(() => resolve()));
        await new Promise<void>((resolve) => udp.close(resolve));
      });
    });

    it("names a fixed port that another server has, and gives it once that is gone", async () => {
      const { port, free } = await somePort();
      await free();
      const ports = [{ name: "game", protocol: "udp" as const, static: port }];
      const first = await stage.up(launchOf({ ports }));
      expect(first.ports.game).toBe(port);
      const error = await refused({ ports });
      expect(error).toMatchObject({ code: "portTaken" });
      await stage.stop(first.serverId, 0);
      const next = await stage.up(launchOf({ ports, args: ["listen"] }));
      expect(next.ports.game).toBe(port);
      await stage.stop(next.serverId);
    });
  });
}

export function describeMemory(stage: EngineStage): void {
  describe("what is remembered", () => {
    it("is all there for another engine, and that one can stop it", async () => {
      const meta = { sdkToken: "secret", labels: JSON.stringify({ mode: "duel", ключ: "значение" }) };
      const running = await stage.up(launchOf({ meta }));
      const ended = launchOf({ args: ["exit", "4"], meta });
      await stage.engine.start(ended);
      await stage.log.of("exited", ended.serverId);

      const other = await stage.under.reopen();
      const otherLog = new EventLog(other);
      expect(running.meta).toMatchObject(meta);
      expect(await stage.listed(running.serverId, other)).toEqual(running);
      expect(await stage.listed(ended.serverId, other)).toMatchObject({ state: "exited", meta, exit: { exitCode: 4 } });
      await other.stop(running.serverId, { reason: "by another", graceSecs: 10 });
      expect((await otherLog.of("exited", running.serverId)).exit.requested).toBe(true);
      expect((await stage.log.of("exited", running.serverId)).exit.requested).toBe(true);
      await other.close();
    });

    it("lives on when the engine that started it is gone", async () => {
      const file = join(stage.under.folder, "alone");
      const alone = await stage.under.reopen();
      const launch = launchOf({ args: ["exitOnFile", file] });
      await alone.start(launch);
      await lineOf(alone, launch.serverId, "up");
      await alone.close();
      const pids = Object.values(stage.pids((await stage.log.of("running", launch.serverId)).server));
      expect(pids.map(isAlive)).toEqual([true]);
      writeFileSync(file, "");
      await stage.log.of("exited", launch.serverId);
      const back = await stage.under.reopen();
      expect(await stage.listed(launch.serverId, back)).toMatchObject({ state: "exited", exit: { exitCode: 3 } });
      await back.close();
    });

    it("goes when it is told to forget", async () => {
      const { serverId } = await stage.up();
      await stage.stop(serverId);
      expect(await stage.listed(serverId)).toMatchObject({ state: "exited" });
      await stage.engine.forget(serverId);
      expect(await stage.listed(serverId)).toBeUndefined();
      await stage.engine.forget(serverId);
    });
  });
}

export function describeLogs(stage: EngineStage): void {
  describe("logs", () => {
    it("are whole lines, oldest first", async () => {
      const { serverId } = await stage.up(launchOf({ args: ["say", "one", "say", "two"] }));
      expect(await linesOf(stage.engine, serverId)).toEqual(["one", "two", "up"]);
      await stage.stop(serverId);
      expect(await linesOf(stage.engine, serverId)).toEqual(["one", "two", "up", "asked by SIGTERM"]);
    });

    it("follow a server until it ends", async () => {
      const launch = launchOf({ args: ["tick"] });
      await stage.engine.start(launch);
      const seen: string[] = [];
      for await (const line of stage.engine.logs(launch.serverId, { follow: true })) {
        seen.push(line);
        if (seen.length === 20) await stage.engine.stop(launch.serverId, { reason: "enough", graceSecs: 10 });
      }
      const ticks = seen.filter((line) => line.startsWith("tick")).map((line) => Number(line.slice(5)));
      expect(ticks).toEqual(ticks.map((_, i) => i + 1));
      expect(seen.at(-1)).toBe("asked by SIGTERM");
    });

    it("stop following when told", async () => {
      const { serverId } = await stage.up(launchOf({ args: ["tick"] }));
      const abort = new AbortController();
      for await (const line of stage.engine.logs(serverId, { follow: true, signal: abort.signal })) {
        if (line === "tick 3") abort.abort();
      }
      expect(await stage.listed(serverId)).toMatchObject({ state: "running" });
      await stage.stop(serverId);
    });

    it("start near the end when asked to, at a whole line", async () => {
      const { serverId } = await stage.up(launchOf({ args: ["say", "a".repeat(100), "say", "last words"] }));
      const lines: string[] = [];
      for await (const line of stage.engine.logs(serverId, { tailBytes: 20 })) lines.push(line);
      expect(lines).toEqual(["last words", "up"]);
      await stage.stop(serverId);
    });

    it("are kept for each task", async () => {
      const { serverId } = await stage.up(launchOf({ beside: [{ args: ["say", "beside"] }] }));
      expect(await lineOf(stage.engine, serverId, "beside", "role")).toBe("beside");
      expect(await linesOf(stage.engine, serverId)).toEqual(["up"]);
      expect([...((await stage.engine.tasks(serverId)) ?? [])].sort()).toEqual(["primary", "role"]);
      expect(await stage.engine.tasks("srv-nobody")).toBeUndefined();
      await stage.stop(serverId);
    });
  });
}

/** A port that was free a moment ago. */
async function somePort(): Promise<{ port: number; free: () => Promise<void> }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "0.0.0.0", resolve));
  const { port } = server.address() as { port: number };
  return { port, free: () => new Promise((resolve) => server.close(() => resolve())) };
}
