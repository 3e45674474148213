import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ForgeRun } from "./forge-run";
import type { Loose } from "./loose";
import { buildPocketGame, pocketExperience } from "./pocket";
import { problemOf, ROOT, RunFolder } from "./run-folder";

jest.setTimeout(120_000);

const SAMPLE = readFileSync(join(ROOT, "forge.toml"), "utf8");

describe("the end of forge up", () => {
  let run: ForgeRun;
  afterEach(() => run.dispose());

  /** Bots play, so that there are servers, roles beside them, and the bots' own process to leave. */
  async function playing(...args: string[]): Promise<ForgeRun> {
    run = await ForgeRun.start({ config: SAMPLE, args: ["--bots", "10", ...args] });
    await run.next({ type: "session.joined" });
    return run;
  }

  test.each([
    ["SIGINT", []],
    ["SIGTERM", ["--processes"]],
  ] as const)("%s: exit code 0, all lines JSON, nothing left %p", async (signal, args) => {
    await playing(...args);
    expect(await run.end(signal)).toEqual({ code: 0, signal: null, left: [] });
    expect(run.strange).toEqual([]);
    expect(run.lines.at(-1)).toMatchObject({ summary: { playersLost: 0, maxSeatsOver: 0 } });
    expect(run.folder.runId).toBeUndefined();
  });

  test.each([[[]], [["--processes"]]])(
    "SIGKILL of forge up itself leaves nothing, and the next starts %p",
    async (args) => {
      await playing(...args);
      const { runId, folder } = run;
      expect(folder.processes(runId).length).toBeGreaterThan(3);
      expect(await run.end("SIGKILL")).toMatchObject({ code: null, signal: "SIGKILL" });
      expect(await folder.emptied(runId)).toEqual([]);

      // What lies there of the killed run is no hindrance, and nobody takes it for a run.
      expect(await folder.forge(["--json", "ps"])).toMatchObject({ code: 3 });
      run = await ForgeRun.in(folder, ["--no-demo"]);
      await run.server("arena");
      expect(await run.end("SIGINT")).toEqual({ code: 0, signal: null, left: [] });
    },
  );

  test("SIGKILL of the root process ends forge up with 1, and nothing is left", async () => {
    await playing();
    const root = run.folder.processes(run.runId).find((line) => line.includes("forge-root"));
    process.kill(Number(root?.split(" ")[0]), "SIGKILL");
    expect(await run.ended).toEqual({ code: 1, signal: null, left: [] });
    expect(problemOf(run)).toMatchObject({ code: "rootEnded", fix: expect.stringContaining("root.log") });
  });
});

describe("a folder and its run", () => {
  const game = buildPocketGame();
  const config = `[[regions]]\nname = "here"\n${pocketExperience(game.file)}`;
  afterAll(() => game.remove());

  test("has one: a second forge up is refused, and the first goes on", async () => {
    const run = await ForgeRun.start({ config });
    try {
      const second = await run.folder.forge(["--json", "up", "--port", "0", "--no-demo"]);
      expect(second).toMatchObject({ code: 1, stdout: "" });
      const { code, detail, fix } = problemOf(second);
      expect(code).toBe("alreadyRunning");
      expect(detail).toContain(String(run.pid));
      expect(fix).toContain("forge down");
      await run.server("pocket");
      expect(await run.ask("GET", "/ready")).toMatchObject({ status: "ready", region: "here" });
    } finally {
      await run.dispose();
    }
  });

  test("in the background: up --detach, ps, events, down", async () => {
    const folder = new RunFolder(config);
    let runId: string | undefined;
    try {
      const up = await folder.forge(["--json", "up", "--detach", "--port", "0", "--no-demo"]);
      expect(up).toMatchObject({ code: 0 });
      const { url, token } = JSON.parse(up.stdout).ready;
      ({ runId } = folder);
      expect(folder.processes(runId)).toContainEqual(expect.stringContaining("forge-root"));

      const spawned = await folder.forge(["--json", "spawn", "pocket", "--region", "here", "--wait"]);
      expect(spawned).toMatchObject({ code: 0 });
      const ps = await folder.forge(["--json", "ps"]);
      expect(ps).toMatchObject({ code: 0 });
      const { items } = JSON.parse(ps.stdout);
      expect(items).toContainEqual(expect.objectContaining({ experienceId: "pocket", region: "here", state: "ready" }));
      const answer = await fetch(`${url}/v1/servers`, { headers: { authorization: `Bearer ${token}` } });
      expect(((await answer.json()) as Loose).items).toHaveLength(items.length);

      const down = await folder.forge(["--json", "down"]);
      expect(down).toMatchObject({ code: 0 });
      expect(folder.processes(runId)).toEqual([]);
      expect(problemOf(await folder.forge(["--json", "down"]))).toMatchObject({ code: "noRun" });
      expect(await folder.forge(["--json", "ps"])).toMatchObject({ code: 3 });
    } finally {
      folder.remove(runId);
    }
  });
});
