import { refused } from "../../controller/api/backend-double";
import type { ForgeEvent, Server } from "../../controller/core/resources";
import { RunDouble } from "../../test/double/run-double";
import { isoBefore, sampleFleet, sampleRegion, sampleServer, sampleSession } from "../../test/double/samples";
import { type CliResult, runForTest } from "../cli-under-test";

let run: RunDouble;
beforeAll(async () => {
  run = await RunDouble.start(["us-east", "eu-west"]);
});
afterAll(() => run.close());
beforeEach(() => run.reset());

function forge(...args: readonly string[]): Promise<CliResult> {
  return runForTest(args, { cwd: run.folder });
}

function asked(region: string): readonly object[] {
  return run.region(region).backend.asked.map(({ command }) => command);
}

describe("forge ps", () => {
  it("lists the servers of all regions in a table", async () => {
    const { code, out, err } = await forge("ps");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const [title, ...rows] = out.trimEnd().split("\n");
    expect(title).toMatch(/^SERVER +STATE +PLAYERS +CPU +MEMORY +AGE +EXPERIENCE$/);
    expect(rows.map((row) => row.split(/ +/)[0])).toEqual(["srv-eu-west-1", "srv-us-east-1"]);
  });

  it("asks one region alone where told", async () => {
    expect((await forge("ps", "--region", "eu-west", "--json")).json).toMatchObject({
      items: [{ id: "srv-eu-west-1" }],
    });
    expect(asked("us-east")).toEqual([]);
  });

  it.each(["", "--sessions", "--fleets", "--queue", "--all", "--region us-east"])(
    "says that there is no such experience, instead of that it has nothing: ps %s",
    async (asked) => {
      const flags = asked.split(" ").filter((flag) => flag !== "");
      for (const name of ["us-east", "eu-west"]) {
        const { backend } = run.region(name);
        for (const list of ["listServers", "findSessions", "listQueue"] as const)
          backend.when(list, () => ({ ok: true, value: [] }));
      }
      const { code, out, err } = await forge("ps", "--experience", "nope", ...flags);
      expect({ code, out }).toEqual({ code: 5, out: "" });
      expect(err).toMatch(/has no experience "nope"\n {2}fix: there is arena/);
      expect((await forge("ps", "--experience", "arena", ...flags)).code).toBe(0);
    },
  );

  it("names the flag of a state that there is not, and the states that there are", async () => {
    const { code, err } = await forge("ps", "--state", "lazy");
    expect(code).toBe(2);
    expect(err).toMatch(/^forge: --state: .*"ready"/);
    const sessions = await forge("ps", "--sessions", "--state", "ready");
    expect(sessions).toMatchObject({ code: 2, out: "", err: expect.stringContaining("queued, reserved, active") });
  });

  it("leaves out servers that have ended, unless asked for them", async () => {
    const { backend } = run.region("us-east");
    const reason = "task server: there is no file /srv/no-such-program";
    const servers = [
      sampleServer({ id: "srv-us-east-1", reason: "its server is ready" }),
      sampleServer({ id: "srv-us-east-2", state: "terminated", reason }),
    ];
    // As the core does: those that have ended are listed only where asked for.
    backend.when("listServers", ({ state }) => ({
      ok: true,
      value: servers.filter((each) => (state === undefined ? each.state !== "terminated" : each.state === state)),
    }));
    const ids = async (...args: string[]) =>
      ((await forge("ps", "--json", "--region", "us-east", ...args)).json as { items: Server[] }).items.map(
        ({ id }) => id,
      );
    expect(await ids()).toEqual(["srv-us-east-1"]);
    expect(await ids("--all")).toEqual(["srv-us-east-1", "srv-us-east-2"]);
    expect(await ids("--all", "--state", "ready")).toEqual(["srv-us-east-1"]);
    const { out } = await forge("ps", "--all", "--region", "us-east");
    expect(out).toMatch(new RegExp(`^SERVER .* REASON\n.*\nsrv-us-east-2 +terminated .* ${reason}\n$`));
    servers.splice(0, 1);
    expect((await forge("ps", "--region", "us-east")).out).toBe("no servers\n");
  });

  it("shows a server once that ends between the two lists that it asks for", async () => {
    const { backend } = run.region("us-east");
    backend.when("listServers", ({ state }) => ({
      ok: true,
      value: [sampleServer({ id: "srv-us-east-1", state: state === "terminated" ? state : "ready" })],
    }));
    expect((await forge("ps", "--all", "--json", "--region", "us-east")).json).toMatchObject({
      items: [{ id: "srv-us-east-1", state: "terminated" }],
    });
  });

  it.each([
    ["--sessions", /^SESSION +PLAYER +STATE +SERVER/, "ses-us-east-1"],
    ["--regions", /^REGION +STATE +SEATS/, "us-east"],
    ["--fleets", /^FLEET +REGION +SEATS/, "arena"],
    ["--queue", /^POSITION +PLAYER +EXPERIENCE/, "ann"],
  ])("%s lists something else", async (flag, title, row) => {
    const { out, code } = await forge("ps", flag);
    expect(code).toBe(0);
    expect(out.split("\n")[0]).toMatch(title);
    expect(out).toContain(row);
  });

  it("tells servers of two versions apart, and says how far a version is taken in", async () => {
    const of = (id: string, version: string) => sampleServer({ id, version });
    const { backend } = run.region("us-east");
    run.region("eu-west").backend.when("listServers", () => ({ ok: true, value: [] }));
    const list = [of("srv-us-east-1", "1.0.0"), of("srv-us-east-2", "2.0.0")];
    backend.when("listServers", () => ({ ok: true, value: list }));
    expect((await forge("ps")).out).toMatch(/EXPERIENCE +VERSION\n.*1\.0\.0\n.*2\.0\.0\n/);
    backend.when("listServers", () => ({ ok: true, value: list.slice(0, 1) }));
    expect((await forge("ps")).out).not.toContain("VERSION");
    const rollout = {
      fromVersion: "1.0.0",
      toVersion: "2.0.0",
      state: "canary" as const,
      paused: false,
      share: 0.1,
      servers: {},
      failures: 0,
      startedAt: isoBefore(60),
      reason: "asked for",
    };
    backend.when("listFleets", () => ({ ok: true, value: [{ ...sampleFleet(), rollout }] }));
    expect((await forge("ps", "--fleets", "--region", "us-east")).out).toMatch(/ 1\.0\.0 > 2\.0\.0 10%\n$/);
  });

  it("tells a node that is isolated from one that is away", async () => {
    const node = (state: "connected" | "isolated" | "suspect") => ({
      id: state,
      state,
      address: "10.0.0.1",
      servers: 1,
    });
    run.region("us-east").backend.when("getRegion", () => ({
      ok: true,
      value: {
        region: { ...sampleRegion(), nodes: [node("connected"), node("isolated"), node("suspect")] },
        summary: { region: "us-east", state: "up", location: null, experiences: {} },
      },
    }));
    expect((await forge("ps", "--regions", "--region", "us-east")).out).toMatch(/ 3, 1 away, 1 isolated\n$/);
  });

  it("refuses two lists at once", async () => {
    expect(await forge("ps", "--queue", "--regions")).toMatchObject({ code: 2, out: "" });
  });

  it("lists what answers and says which region is missing", async () => {
    const other = await RunDouble.start(["here", "gone"]);
    try {
      await other.region("gone").app.close();
      const { code, out, err } = await runForTest(["ps"], { cwd: other.folder });
      expect(code).toBe(0);
      expect(out).toContain("srv-here-1");
      expect(err).toMatch(/region gone is missing from this list/);
    } finally {
      await other.close();
    }
  });
});

describe("forge why", () => {
  it("tells of a server and the decision about it, from its own region", async () => {
    const { backend } = run.region("us-east");
    backend.when("getServer", () => ({
      ok: true,
      value: sampleServer({ id: "srv-us-east-1", reason: "above target" }),
    }));
    backend.when("getDecision", ({ id }) => ({
      ok: true,
      value: {
        id: "dec-us-east-9",
        at: "2026-03-01T12:00:00.000Z",
        kind: "route",
        subject: id,
        outcome: "placed",
        reasons: ["least loaded"],
        considered: [
          { id: "srv-us-east-1", score: 0.25, parts: { players: 0.2, cpu: 0.05 } },
          { id: "srv-us-east-2", score: 0.5, parts: { players: 0.5 } },
        ],
      },
    }));
    run.region("eu-west").backend.when("getDecision", () => refused({ code: "unknownDecision", detail: "none" }));
    run.region("us-east").backend.when("findSessions", () => ({ ok: true, value: [] }));
    run.region("eu-west").backend.when("findSessions", () => ({ ok: true, value: [] }));
    const { code, out } = await forge("why", "srv-us-east-1");
    expect(code).toBe(0);
    const lines = out.split("\n");
    expect(lines[0]).toBe("srv-us-east-1 is a server of arena in us-east, ready: above target");
    expect(out).toMatch(
      /route of srv-us-east-1 at \d\d:\d\d:\d\d: placed \(dec-us-east-9\)\n {2}because least loaded\n/,
    );
    expect(out).toMatch(/srv-us-east-2 +0\.5 +0\.5 +-\n/);
  });

  function nothingIsKnown(): void {
    for (const { backend } of Object.values(run.regions)) {
      backend.when("getServer", () => refused({ code: "unknownServer", detail: "none" }));
      backend.when("getSession", () => refused({ code: "unknownSession", detail: "none" }));
      backend.when("findSessions", () => ({ ok: true, value: [] }));
    }
  }

  it("says of a region and of a node what they are now, also where nothing was decided about them", async () => {
    nothingIsKnown();
    nothingIsDecided();
    run.region("us-east").backend.when("getRegion", () => ({
      ok: true,
      value: {
        region: {
          ...sampleRegion({ url: run.region("us-east").url }),
          nodes: [{ id: "n1", state: "suspect", address: "10.0.0.7", servers: 1 }],
        },
        summary: { region: "us-east", state: "up", location: null, experiences: {} },
      },
    }));
    const list = [
      sampleServer({ id: "srv-us-east-1", nodeId: "n1" }),
      sampleServer({ id: "srv-us-east-2", nodeId: "n2" }),
    ];
    run.region("us-east").backend.when("listServers", () => ({ ok: true, value: list }));
    const region = await forge("why", "us-east");
    expect(region).toMatchObject({ code: 0, err: "" });
    expect(region.out).toMatch(/^us-east is a region, up: \d+ servers, \d+ of \d+ seats taken, \d+ wait; /);
    expect(region.out).toContain("\n  node n1 is suspect; its agent is silent: nobody new comes there");
    const node = await forge("why", "n1");
    expect(node.out).toMatch(/^n1 is a node of us-east at 10\.0\.0\.7, suspect; its agent is silent/);
    expect(node.out).toMatch(/\n {2}server srv-us-east-1 \(arena, \d+ players\) is ready\nNo decision/);
    expect(node.out).not.toContain("srv-us-east-2");
    expect((await forge("why", "n1", "--json")).json).toMatchObject({
      nodes: [{ id: "n1", region: "us-east", state: "suspect", on: [{ id: "srv-us-east-1" }] }],
    });
  });

  it("says which server has a match of which no decision is held any more", async () => {
    nothingIsKnown();
    nothingIsDecided();
    const list = [sampleServer({ id: "srv-us-east-1", matchId: "m-1", players: 2 })];
    run.region("us-east").backend.when("listServers", () => ({ ok: true, value: list }));
    run.region("eu-west").backend.when("listServers", () => ({ ok: true, value: [] }));
    const { code, out } = await forge("why", "m-1");
    expect(code).toBe(0);
    expect(out).toContain("m-1 is a match of arena in us-east on srv-us-east-1, with 2 players\n");
  });

  it("says to whoever waits what was last decided about the fleet that they wait for", async () => {
    nothingIsKnown();
    const waits = sampleSession({ playerId: "nina", serverId: null, state: "queued", reason: "no server has room" });
    run.region("us-east").backend.when("findSessions", () => ({ ok: true, value: [waits] }));
    run.region("us-east").backend.when("getDecision", ({ id }) =>
      id === "arena"
        ? {
            ok: true,
            value: {
              id: "dec-us-east-7",
              at: "2026-03-01T12:00:00.000Z",
              kind: "scale",
              subject: id,
              outcome: "no change so far",
              reasons: ["the maximum of 2 is reached"],
              considered: [],
            },
          }
        : refused({ code: "unknownDecision", detail: "none" }),
    );
    const { out } = await forge("why", "nina");
    expect(out).toMatch(/is nina's session of arena, queued without a server: no server has room\n\nscale of arena/);
    expect(out).toContain("because the maximum of 2 is reached");
    expect(out).not.toContain("No decision");
  });

  it("of what nobody knows is not found", async () => {
    nothingIsKnown();
    expect(await forge("why", "match 7/3")).toMatchObject({ code: 5, out: "" });
  });

  function nothingIsDecided(): void {
    for (const { backend } of Object.values(run.regions))
      backend.when("getDecision", () => refused({ code: "unknownDecision", detail: "none" }));
  }

  it("of a match asks every region", async () => {
    nothingIsKnown();
    run.region("eu-west").backend.when("getDecision", ({ id }) => ({
      ok: true,
      value: {
        id: "dec-1",
        at: "2026-03-01T12:00:00.000Z",
        kind: "match",
        subject: id,
        outcome: "srv-eu-west-1",
        reasons: [],
        considered: [],
      },
    }));
    expect((await forge("why", "m-77")).out).toContain("match of m-77");
  });
});

describe("forge logs", () => {
  it("prints lines as they are, or as JSON", async () => {
    expect((await forge("logs", "srv-us-east-1")).out).toBe("one\ntwo\n");
    expect((await forge("logs", "srv-us-east-1", "--json")).out).toBe(
      '{"serverId":"srv-us-east-1","line":"one"}\n{"serverId":"srv-us-east-1","line":"two"}\n',
    );
  });

  it("says that there is no such task, instead of nothing", async () => {
    const { code, out, err } = await forge("logs", "srv-us-east-1", "--task", "nope");
    expect({ code, out }).toEqual({ code: 5, out: "" });
    expect(err).toContain('no task "nope"; it has server, physics');
  });
});

describe("forge events", () => {
  const ready = (region: string, serverId: string, at: string): ForgeEvent => ({
    type: "server.ready",
    serverId,
    experienceId: "arena",
    region,
    at,
    reason: "",
  });

  it("shows the last ones of all regions in order, and those asked for alone", async () => {
    run.region("us-east").backend.events.append(ready("us-east", "srv-us-east-1", "2026-03-01T12:00:01.000Z"));
    run.region("eu-west").backend.events.append(ready("eu-west", "srv-eu-west-1", "2026-03-01T12:00:00.000Z"));
    run.region("us-east").backend.events.append({
      type: "scaling",
      experienceId: "arena",
      action: "up",
      from: 1,
      to: 2,
      region: "us-east",
      at: "2026-03-01T12:00:02.000Z",
      reason: "",
    });
    const all = (await forge("events", "--json")).out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(all.map(({ id, region, type }) => [id, region, type])).toEqual([
      ["1-1", "eu-west", "server.ready"],
      ["1-1", "us-east", "server.ready"],
      ["1-2", "us-east", "scaling"],
    ]);
    expect((await forge("events", "--type", "scaling")).out).toMatch(
      /^\d\d:\d\d:\d\d {2}us-east +scaling up +arena 1 → 2\n$/,
    );
    expect((await forge("events", "--last", "1", "--region", "us-east", "--json")).out.trim().split("\n")).toHaveLength(
      1,
    );
    expect((await forge("events", "--last", "0")).out).toBe("");
  });

  it("refuses a type that there is none of", async () => {
    expect((await forge("events", "--type", "server.reddy")).code).toBe(2);
  });
});
