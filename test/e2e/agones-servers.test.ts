import { freePort } from "../../protocol/free-ports";
import {
  AGONES_GAMES,
  AgonesRegion,
  agonesGame,
  beginMatches,
  liveThrough,
  NO_SIMPLE_SERVER,
  playsOn,
  say,
  silenceIsFound,
  SIMPLE_SERVER,
  strangersAreRefused,
} from "../agones/agones-games";
import { recordFigure } from "../records";
import { skipUnless } from "../skips";
import { until } from "../until";
import { ForgeRun } from "./forge-run";

jest.setTimeout(180_000);
/** As much weight as any other process has: servers that have no turn for four seconds count as silent. */
const CPU = 1000;

describe("servers built for Agones, unchanged, on the embedded engine", () => {
  let run: ForgeRun;
  let region: AgonesRegion;
  /** All live at once: most of a life is waiting. */
  const lives = new Map<string, Promise<void>>();
  beforeAll(async () => {
    const port = await freePort();
    run = await ForgeRun.start({
      config: `
[[regions]]
name = "local"
[[regions]]
name = "far"
[allocator]
port = ${String(port)}
${[...AGONES_GAMES, "rest"].map((language) => agonesGame(language, { regions: ["local"], cpu: CPU })).join("")}
${agonesGame("rest", { id: "away", regions: ["far"], cpu: CPU })}`,
      args: ["--no-demo", "--processes"],
    });
    const { url, token } = run;
    region = new AgonesRegion({ url, token, allocator: `http://127.0.0.1:${String(port)}` }, "local");
    for (const language of AGONES_GAMES) {
      const life = liveThrough(region, language);
      life.catch(() => undefined);
      lives.set(language, life);
    }
  });
  afterAll(() => run.dispose());

  function kill(program: "agent" | "gate"): void {
    const line = run.folder.processes(run.runId).find((words) => words.includes(`/programs/${program}.local.json`));
    process.kill(Number(line?.split(" ")[0]), "SIGKILL");
  }

  test("one on Agones' Node SDK: ready, allocated, players, back, silent and replaced, its own end", () =>
    lives.get("node") ?? Promise.reject(new Error("it was not begun")));

  skipUnless(
    "Agones' own game server",
    NO_SIMPLE_SERVER,
    SIMPLE_SERVER !== undefined,
  )("Agones' own, in Go", () => {
    test("the same", () => lives.get("go") ?? Promise.reject(new Error("it was not begun")));
  });

  test("the agent killed with -9 while they are allocated: none ends, no watch breaks, none counts as silent", async () => {
    const matches = await beginMatches(region);
    const from = run.mark;
    kill("agent");
    await run.next({ type: "node.connected" }, from);
    await silenceIsFound(region);
    for (const match of matches) await playsOn(region, match, "after");
    for (const { server } of matches)
      expect(run.tap.all({ serverId: server.id, type: "server.unhealthy" })).toEqual([]);
  });

  test("nobody but the server's own processes speaks for it, over either wire", () => strangersAreRefused(region));

  test("an allocation goes to another region where it may, and only there", async () => {
    const far = new AgonesRegion({ ...run.ready, url: run.ready.regions["far"] ?? "", allocator: "" }, "far");
    await far.one("away", "ready");
    expect(await region.ask("away")).toMatchObject({ status: 429 });
    const anywhere = { multiClusterSetting: { enabled: true } };
    const { status, body } = await region.ask("away", anywhere);
    expect([status, body.source]).toEqual([200, run.ready.regions["far"]]);
    expect(await far.server(body.gameServerName ?? "")).toMatchObject({ state: "allocated", experienceId: "away" });
    // The region itself by its name, and by a policy that names it.
    await far.one("away", "ready");
    expect(await region.ask("away", { namespace: "far" })).toMatchObject({ status: 200 });
    const policy = (name: string) => ({
      multiClusterSetting: { enabled: true, policySelector: { matchLabels: { "forge.dev/region": name } } },
    });
    await far.one("away", "ready");
    expect(await region.ask("away", policy("local"))).toMatchObject({ status: 429 });
    expect(await region.ask("away", policy("far"))).toMatchObject({ status: 200 });
  });

  test("a new version: allocated servers stay, and see by a label that they are more than wanted", async () => {
    const [match] = await beginMatches(region, ["node"]);
    if (match === undefined) throw new Error("no match was begun");
    const before = Number(await say(match.server, "SEEN"));
    await region.roll("node", "2");
    await until("a server of version 2 is ready", async () =>
      (await region.servers("node")).find(({ version, state }) => version === "2" && state === "ready"),
    );
    expect(await region.becomes(match.server.id, "is marked", ({ labels }) => labels["over"] === "yes")).toMatchObject({
      version: "1",
      state: "allocated",
    });
    await until("the server has seen it", async () => Number(await say(match.server, "SEEN")) > before);
  });

  test("the gate's own crash: who ends with its connection is replaced, who calls again plays on", async () => {
    const [rest] = await beginMatches(region, ["rest"]);
    const others = await beginMatches(region);
    const from = run.mark;
    kill("gate");
    const killedMs = Date.now();
    for (const { server, language } of others) {
      const { reason } = await region.becomes(server.id, "has ended", ({ state }) => state === "terminated");
      expect([language, reason]).toEqual([language, expect.stringMatching(/ended|exit/)]);
      for (const type of ["server.terminated", "server.replaced"]) {
        const { at } = await run.next({ type, serverId: server.id }, from);
        recordFigure(`the gate killed: ${type} of the ${language} server after`, Date.parse(at) - killedMs, "ms");
      }
    }
    await silenceIsFound(region);
    if (rest) await playsOn(region, rest, "after");
  });
});
