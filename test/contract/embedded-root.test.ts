import { readFileSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { logLines } from "../../controller/adapters/embedded/log-lines";
import { RootClient, RootError } from "../../controller/adapters/embedded/root-client";
import { startRoot, type RootHandle } from "../../controller/adapters/embedded/start-root";
import { systemClock } from "../../protocol/clock";
import { RootStage } from "./root-stage";

const PROBE = join(__dirname, "probe-server.cjs");

const stage = new RootStage().install();

/** Resolves when a file has so many lines that say just this. */
async function lineIn(file: string, text: string, times = 1): Promise<void> {
  const reading = { tailBytes: 1e9, follow: true, signal: undefined, hasEnded: () => false };
  let seen = 0;
  for await (const line of logLines(file, reading, systemClock)) {
    if (line === text) seen += 1;
    if (seen === times) return;
  }
}

const programOf = (name: string, args: readonly string[], restart: "always" | "never") => ({
  name,
  script: PROBE,
  args,
  env: { COLOUR: "green" },
  restart,
  cwd: stage.folder,
  logDir: join(stage.runDir, "logs"),
  graceSecs: 5,
});

describe("programs of Forge", () => {
  it("are started again when they end, with the same output file", async () => {
    await stage.openRoot();
    const { client, event } = await stage.openClient();
    const { entry } = await client.runProgram(programOf("agent", ["env"], "always"));
    expect(entry).toMatchObject({ id: "agent", kind: "program" });
    const first = await event(({ event: name }) => name === "started");
    const pid = first.entry.tasks[0]?.pid as number;
    const logFile = first.entry.tasks[0]?.logFile as string;
    await lineIn(logFile, "up");
    process.kill(pid, "SIGKILL");
    const exited = await event(({ event: name }) => name === "exited");
    expect(exited.entry.exit).toMatchObject({ signal: "SIGKILL", requested: false });
    const again = await event(({ event: name, entry: { restarts } }) => name === "started" && restarts === 1);
    expect(again.entry.tasks[0]?.pid).not.toBe(pid);
    await lineIn(logFile, "up", 2);
    await client.stop("agent", 5);
    const released = await event(({ event: name, entry: { exit } }) => name === "released" && exit?.requested === true);
    expect(released.entry.state).toBe("ended");
    expect(logFile).toBe(join(stage.runDir, "logs", "agent.log"));
    expect(readFileSync(logFile, "utf8").match(/^env .*"COLOUR":"green"/gm)).toHaveLength(2);
  });

  it("are not started again when told so, or when stopped while they wait", async () => {
    await stage.openRoot();
    const { client, event } = await stage.openClient();
    await client.runProgram(programOf("once", ["exit", "2"], "never"));
    await event(({ event: name, entry }) => name === "released" && entry.id === "once");
    await client.runProgram(programOf("looping", ["exit", "2"], "always"));
    await event(({ event: name, entry }) => name === "released" && entry.id === "looping" && entry.restarts === 2);
    await client.stop("looping", 5);
    await client.runProgram(programOf("later", [], "never"));
    await event(({ event: name, entry }) => name === "started" && entry.id === "later");
    const states = (await client.list()).map(({ id, state }) => `${id} ${state}`);
    expect(states).toEqual(["once ended", "looping ended", "later running"]);
  });

  it("say why they cannot be started", async () => {
    await stage.openRoot();
    const { client, event } = await stage.openClient();
    await client.runProgram({ ...programOf("lost", [], "never"), cwd: join(stage.folder, "no-such-stage.folder") });
    const { entry } = await event(({ event: name }) => name === "exited");
    expect(entry.exit?.spawnError).toMatchObject({ code: "ENOENT" });
  });
});

describe("root's socket", () => {
  const say = (root: RootHandle, ...lines: string[]) =>
    new Promise<string[]>((resolve) => {
      const socket = createConnection(root.socketPath);
      let text = "";
      socket.on("data", (chunk) => (text += chunk.toString()));
      // Being cut off in the middle of writing is an error here; what was answered counts.
      socket.on("error", () => {});
      socket.on("close", () => resolve(text.split("\n").filter(Boolean)));
      socket.write(lines.map((line) => `${line}\n`).join(""));
    });

  it("is for those who know the secret", async () => {
    const root = await stage.openRoot();
    const stranger = RootClient.connect({ socketPath: root.socketPath, secret: "guessed" });
    await expect(stranger).rejects.toBeInstanceOf(RootError);
    await expect(stranger).rejects.toMatchObject({ code: "auth" });
    const [answer = ""] = await say(root, '{"n":1,"op":"list"}');
    expect(JSON.parse(answer)).toMatchObject({ n: 1, error: { code: "auth" } });
  });

  it("answers what makes no sense, and goes on", async () => {
    const root = await stage.openRoot();
    expect(await say(root, "hello?")).toEqual([expect.stringContaining('"malformed"')]);
    expect(await say(root, "x".repeat(2 * 1024 * 1024))).toEqual([]);
    const { client } = await stage.openClient();
    await expect(client.stop("../etc", 1)).rejects.toMatchObject({ code: "malformed" });
    await expect(client.signal("nobody", "SIGTERM")).rejects.toMatchObject({ code: "unknownEntry" });
    expect(await client.list()).toEqual([]);
  });

  it("is one for each run folder", async () => {
    await stage.openRoot();
    await expect(startRoot({ runDir: stage.runDir, script: stage.script })).rejects.toThrow(
      /another Forge .* choose another folder/,
    );
  });

  it("has a short path however deep the run folder is", async () => {
    stage.runDir = join(stage.folder, "deep".repeat(30), "run");
    const root = await stage.openRoot();
    expect(root.socketPath.length).toBeLessThan(108);
    const { client } = await stage.openClient();
    expect(await client.list()).toEqual([]);
  });

  it("says why root cannot start", async () => {
    const broken = join(stage.folder, "broken.js");
    writeFileSync(broken, "throw new Error('no disk')");
    await expect(startRoot({ runDir: stage.runDir, script: broken })).rejects.toThrow(/cannot start: .*root\.log/);
  });
});
