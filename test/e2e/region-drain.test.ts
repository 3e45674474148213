import type { DecisionRecord, Placement } from "../../controller/core/resources";
import { ForgeRun } from "./forge-run";
import { buildPocketGame, pocketExperience, PocketServer } from "./pocket";

jest.setTimeout(120_000);

describe("a region that is drained", () => {
  const game = buildPocketGame();
  let run: ForgeRun;

  beforeAll(async () => {
    run = await ForgeRun.start({
      config: `
[[regions]]
name = "east"
[[regions]]
name = "west"
${pocketExperience(game.file)}
[experiences.pocket.scaling]
min_servers = 1
max_servers = 3
scale_down_cooldown_secs = 3600
`,
      args: ["--no-demo", "--processes"],
    });
  });
  afterAll(async () => {
    await run.dispose();
    game.remove();
  });

  test("gives its players to the next region, with what was saved, also where its controller dies in between", async () => {
    const placement = await run.place({ playerId: "ann", experienceId: "pocket", region: "east" });
    const before = PocketServer.at(placement.server);
    await before.join(placement.ticket);
    await before.post("/score", { playerId: "ann", score: 7 });
    await before.post("/save");
    const from = run.mark;

    // Nobody is moved before its time is over, and by then another controller leads.
    await run.ask("POST", "/v1/regions/east/drain?after=1");
    const line = run.folder.processes(run.runId).find((words) => words.includes("/programs/controller.east.json"));
    process.kill(Number(line?.split(" ")[0]), "SIGKILL");
    const moved = await run.next({ type: "session.moved", playerId: "ann", region: "east" }, from);
    expect(moved.detail).toMatchObject({ toRegion: "west", toSessionId: expect.stringContaining("ses-west-") });
    await run.next({ type: "region.drained" }, from);
    const why = (): Promise<DecisionRecord> => run.ask("GET", "/v1/decisions/east");
    expect(await why()).toMatchObject({ kind: "drain", outcome: "nobody is left who can be moved" });

    const now = await run.ask<Placement>("GET", `/v1/sessions/${placement.session.id}?wait=25`, undefined, {
      token: null,
      headers: { authorization: `Ticket ${placement.ticket}` },
    });
    expect(now.session).toMatchObject({ id: moved.detail["toSessionId"], region: "west", moves: 1, generation: 2 });
    const after = PocketServer.at(now.server);
    expect(await after.join(now.ticket)).toMatchObject({ admitted: true, restore: { data: "7" } });
    expect(await before.told("moved")).toMatchObject({ playerIds: ["ann"] });

    // Whoever comes now goes there at once; undone, the region takes players again.
    expect((await run.place({ playerId: "bob", experienceId: "pocket" })).session.region).toBe("west");
    expect(
      (await run.call("POST", "/v1/sessions", { playerId: "cyd", experienceId: "pocket", region: "east" })).status,
    ).toBe(503);
    await run.ask("DELETE", "/v1/regions/east/drain");
    expect((await why()).outcome).toBe("takes players again; those who were moved stay where they are");
    expect((await run.place({ playerId: "cyd", experienceId: "pocket", region: "east" })).session.region).toBe("east");
  });
});
