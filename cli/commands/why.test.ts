import { refused } from "../../controller/api/backend-double";
import { useRunDouble } from "../../test/double/use-run-double";
import { sampleRegion, sampleServer, sampleSession } from "../../test/double/samples";

const here = useRunDouble("us-east", "eu-west");
const { forge } = here;

describe("forge why", () => {
  it("tells of a server and the decision about it, from its own region", async () => {
    const { backend } = here.run.region("us-east");
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
    here.run.region("eu-west").backend.when("getDecision", () => refused({ code: "unknownDecision", detail: "none" }));
    here.run.region("us-east").backend.when("findSessions", () => ({ ok: true, value: [] }));
    here.run.region("eu-west").backend.when("findSessions", () => ({ ok: true, value: [] }));
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
    for (const { backend } of Object.values(here.run.regions)) {
      backend.when("getServer", () => refused({ code: "unknownServer", detail: "none" }));
      backend.when("getSession", () => refused({ code: "unknownSession", detail: "none" }));
      backend.when("findSessions", () => ({ ok: true, value: [] }));
    }
  }

  it("says of a region and of a node what they are now, also where nothing was decided about them", async () => {
    nothingIsKnown();
    nothingIsDecided();
    here.run.region("us-east").backend.when("getRegion", () => ({
      ok: true,
      value: {
        region: {
          ...sampleRegion({ url: here.run.region("us-east").url }),
          nodes: [{ id: "n1", state: "suspect", address: "10.0.0.7", servers: 1 }],
        },
        summary: { region: "us-east", state: "up", location: null, experiences: {} },
      },
    }));
    const list = [
      sampleServer({ id: "srv-us-east-1", nodeId: "n1" }),
      sampleServer({ id: "srv-us-east-2", nodeId: "n2" }),
    ];
    here.run.region("us-east").backend.when("listServers", () => ({ ok: true, value: list }));
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
    here.run.region("us-east").backend.when("listServers", () => ({ ok: true, value: list }));
    here.run.region("eu-west").backend.when("listServers", () => ({ ok: true, value: [] }));
    const { code, out } = await forge("why", "m-1");
    expect(code).toBe(0);
    expect(out).toContain("m-1 is a match of arena in us-east on srv-us-east-1, with 2 players\n");
  });

  it("says to whoever waits what was last decided about the fleet that they wait for", async () => {
    nothingIsKnown();
    const waits = sampleSession({ playerId: "nina", serverId: null, state: "queued", reason: "no server has room" });
    here.run.region("us-east").backend.when("findSessions", () => ({ ok: true, value: [waits] }));
    here.run
      .region("us-east")
      .backend.when("getDecision", ({ id }) =>
        id === "arena"
          ? { ok: true, value: decision("dec-us-east-7", id) }
          : refused({ code: "unknownDecision", detail: "none" }),
      );
    const { out } = await forge("why", "nina");
    expect(out).toMatch(/is nina's session of arena, queued without a server: no server has room\n\nscale of arena/);
    expect(out).toContain("because the maximum of 2 is reached");
    expect(out).not.toContain("No decision");
  });

  it("tells whoever may see one region what that one knows", async () => {
    const token = (await forge("token", "--role", "viewer", "--regions", "eu-west")).out.trim();
    nothingIsKnown();
    for (const [name, { backend }] of Object.entries(here.run.regions))
      backend.when("getDecision", ({ id }) => ({ ok: true, value: decision(`dec-${name}-1`, id) }));
    const { code, out, err } = await forge("why", "arena", "--token", token);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain("dec-eu-west-1");
    expect(out).not.toContain("us-east");
    nothingIsDecided();
    expect(await forge("why", "m-77", "--token", token)).toMatchObject({
      code: 4,
      err: expect.stringContaining("this token is for eu-west"),
    });
  });

  it("of what nobody knows is not found", async () => {
    nothingIsKnown();
    expect(await forge("why", "match 7/3")).toMatchObject({ code: 5, out: "" });
  });

  const decision = (id: string, subject: string) => ({
    id,
    at: "2026-03-01T12:00:00.000Z",
    kind: "scale" as const,
    subject,
    outcome: "no change so far",
    reasons: ["the maximum of 2 is reached"],
    considered: [],
  });

  function nothingIsDecided(): void {
    for (const { backend } of Object.values(here.run.regions))
      backend.when("getDecision", () => refused({ code: "unknownDecision", detail: "none" }));
  }

  it("of a match asks every region", async () => {
    nothingIsKnown();
    here.run.region("eu-west").backend.when("getDecision", ({ id }) => ({
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
