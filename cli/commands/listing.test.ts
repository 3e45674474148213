import type { ForgeEvent, Server } from "../../controller/core/resources";
import { RunDouble } from "../../test/double/run-double";
import { useRunDouble } from "../../test/double/use-run-double";
import { isoBefore, sampleFleet, sampleRegion, sampleServer, sampleSession } from "../../test/double/samples";
import { runForTest } from "../cli-under-test";
import type { CliTerminal } from "../io";

const here = useRunDouble("us-east", "eu-west");
const { forge, asked } = here;

function terminalOf(width: number): CliTerminal {
  return {
    takesKeys: false,
    size: () => ({ width, height: 24 }),
    onResize: () => () => undefined,
    onKey: () => () => undefined,
  };
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
        const { backend } = here.run.region(name);
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
    const { backend } = here.run.region("us-east");
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
    const { backend } = here.run.region("us-east");
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
    ["--queue", /^REGION +POSITION +PLAYER +EXPERIENCE/, "ann"],
  ])("%s lists something else", async (flag, title, row) => {
    const { out, code } = await forge("ps", flag);
    expect(code).toBe(0);
    expect(out.split("\n")[0]).toMatch(title);
    expect(out).toContain(row);
  });

  it("tells servers of two versions apart, and says how far a version is taken in", async () => {
    const of = (id: string, version: string) => sampleServer({ id, version });
    const { backend } = here.run.region("us-east");
    here.run.region("eu-west").backend.when("listServers", () => ({ ok: true, value: [] }));
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

  it.each(["", "--all", "--sessions"])("cuts no id in a terminal of 80 columns: ps %s", async (flag) => {
    const ids = { server: "srv-us-east-4f1c8a0275fa9310", session: "ses-us-east-91ab56007c3ed2aa" };
    const { backend } = here.run.region("us-east");
    const over = {
      id: ids.server,
      state: "terminated" as const,
      reason: "no heartbeat for 12.6 s; 12.0 s are allowed",
    };
    backend.when("listServers", () => ({ ok: true, value: [sampleServer(over)] }));
    const session = sampleSession({ id: ids.session, serverId: ids.server, playerId: "ann" });
    backend.when("findSessions", () => ({ ok: true, value: [session] }));
    const args = ["ps", "--region", "us-east", ...(flag === "" ? [] : [flag])];
    const { out } = await runForTest(args, { cwd: here.run.folder, terminal: terminalOf(80) });
    expect(out.split("\n").filter(({ length }) => length > 80)).toEqual([]);
    expect(out).toContain(ids.server);
    if (flag === "--sessions") expect(out).toContain(ids.session);
    if (flag === "--all") expect(out).toMatch(/ no heartbeat for 12\.6 s;/);
  });

  it("tells a node that is isolated from one that is away", async () => {
    const node = (state: "connected" | "isolated" | "suspect") => ({
      id: state,
      state,
      address: "10.0.0.1",
      servers: 1,
    });
    here.run.region("us-east").backend.when("getRegion", () => ({
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
    here.run.region("us-east").backend.events.append(ready("us-east", "srv-us-east-1", "2026-03-01T12:00:01.000Z"));
    here.run.region("eu-west").backend.events.append(ready("eu-west", "srv-eu-west-1", "2026-03-01T12:00:00.000Z"));
    here.run.region("us-east").backend.events.append({
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
