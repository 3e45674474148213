import { refused } from "../../controller/api/backend-double";
import { RunDouble } from "../../test/double/run-double";
import { useRunDouble } from "../../test/double/use-run-double";
import { sampleServer } from "../../test/double/samples";
import { runForTest } from "../cli-under-test";

const here = useRunDouble("us-east", "eu-west");
const { forge, asked } = here;

describe("forge spawn", () => {
  it("starts as many as asked, in the region that was named", async () => {
    const { code, json } = await forge(
      "spawn",
      "arena@1.2.0",
      "--region",
      "eu-west",
      "--count",
      "3",
      "--label",
      "a=1",
      "--label",
      "b=x=y",
      "--json",
    );
    expect(code).toBe(0);
    expect((json as { items: unknown[] }).items).toHaveLength(3);
    const spec = {
      type: "spawnServer",
      experienceId: "arena",
      version: "1.2.0",
      labels: { a: "1", b: "x=y" },
      waitReady: false,
    };
    expect(asked("eu-west")).toEqual([1, 2, 3].map(() => expect.objectContaining(spec)));
    const ids = asked("eu-west").map((command) => (command as { serverId?: string }).serverId);
    expect(new Set(ids).size).toBe(3);
  });

  it("asks which region where the run has several", async () => {
    const { code, err } = await forge("spawn", "arena");
    expect(code).toBe(2);
    expect(err).toMatch(/which region\? The run has us-east, eu-west/);
  });

  it("needs no region where there is one", async () => {
    const one = await RunDouble.start(["only"]);
    try {
      const { code, out } = await runForTest(["spawn", "arena", "--wait"], { cwd: one.folder });
      expect(code).toBe(0);
      expect(out).toContain("srv-only-1");
      expect(one.region().backend.asked.at(-1)?.command).toMatchObject({ type: "spawnServer", waitReady: true });
    } finally {
      await one.close();
    }
  });

  it("says how many were started before one failed", async () => {
    const { backend } = here.run.region("us-east");
    let starts = 0;
    backend.when("spawnServer", () =>
      ++starts > 1 ? refused({ code: "noCapacity", detail: "12 of 12 run" }) : { ok: true, value: sampleServer() },
    );
    const { code, out, err } = await forge("spawn", "arena", "--region", "us-east", "--count", "2", "--json");
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ items: [{ id: "srv-us-east-4f1c8a02" }] });
    expect(err).toContain("1 of 2 were started");
    expect(JSON.parse(err.trim().split("\n").at(-1) ?? "")).toMatchObject({ code: "noCapacity", exitCode: 1 });
  });
});

describe("forge allocate and route", () => {
  it("get a server for a match, with a ticket for each player", async () => {
    const { code, out } = await forge(
      "allocate",
      "arena",
      "--match",
      "m-1",
      "--player",
      "ann",
      "--player",
      "b,ob",
      "--select",
      "map=ice,mode=duel",
      "--select",
      "map=sand",
      "--deadline",
      "5",
      "--client-version",
      "1.5.0",
    );
    expect(code).toBe(0);
    expect(out).toContain("ann  ticket-1");
    expect(asked("us-east")).toEqual([
      expect.objectContaining({
        type: "allocateMatch",
        experienceId: "arena",
        matchId: "m-1",
        players: [{ playerId: "ann" }, { playerId: "b,ob" }],
        selectors: [{ matchLabels: { map: "ice", mode: "duel" } }, { matchLabels: { map: "sand" } }],
        deadlineMs: 5000,
        clientVersion: "1.5.0",
      }),
    ]);
  });

  it("give players seats on a server, in its own region", async () => {
    const { code, out } = await forge("route", "srv-eu-west-1", "ann", "bob");
    expect(code).toBe(0);
    expect(out).toContain("ticket-1");
    expect(asked("eu-west")).toEqual([{ type: "routePlayers", serverId: "srv-eu-west-1", players: ["ann", "bob"] }]);
  });

  it("give clients of a version a server that takes it, and say which it does", async () => {
    const detail = 'server srv-eu-west-1 of version "1.0.0" takes clients "<2", not one of version "2.0.0"';
    here.run.region("eu-west").backend.when("routePlayers", () => refused({ code: "clientUnsupported", detail }));
    const { code, err } = await forge("route", "srv-eu-west-1", "ann", "--client-version", "2.0.0");
    expect(code).toBe(1);
    expect(err).toContain(detail);
    expect(asked("eu-west")).toEqual([
      { type: "routePlayers", serverId: "srv-eu-west-1", players: ["ann"], clientVersion: "2.0.0" },
    ]);
  });
});
