import type { DecisionRecord, Placement } from "./resources";
import { arena, code, join } from "./testing/ask";
import type { RegionDouble } from "./testing/region-double";
import { TwoRegions } from "./testing/two-regions";

const DRAIN = { type: "drainRegion", on: true } as const;
const UNDRAIN = { type: "drainRegion", on: false } as const;
const ABOUT = { type: "getDecision", id: "here" } as const;

const told = (r: RegionDouble): string[] =>
  r.records.flatMap(({ kind, subject, outcome, reasons }) =>
    kind === "drain" && subject === "here" ? [`${outcome}: ${reasons.join("; ")}`] : [],
  );

it("tells of a drain from its beginning to its end, under the region's name, and how far it is", () => {
  const two = new TwoRegions();
  const { here } = two;
  expect(code(here.call(ABOUT))).toBe("unknownDecision");
  for (const player of ["ann", "bob"]) here.must(join(player));
  here.must({ ...DRAIN, afterSecs: 10 });
  two.advance(1000);
  expect(here.must<DecisionRecord>(ABOUT)).toMatchObject({
    kind: "drain",
    subject: "here",
    outcome: "takes no new sessions, and gives its players to other regions",
    reasons: [
      "asked for",
      "2 sessions are to be moved; they are moved from 2023-11-14T22:13:30.000Z on",
      "now: it is being drained: they are moved from 2023-11-14T22:13:30.000Z on",
    ],
  });
  two.advance(10_000);
  const { outcome, reasons } = here.must<DecisionRecord>(ABOUT);
  expect([outcome, ...reasons]).toEqual([
    "nobody is left who can be moved",
    "2 were moved",
    "now: it is being drained: 2 moved, 0 on their way, 0 left",
  ]);
  here.must(UNDRAIN);
  expect(here.must<DecisionRecord>(ABOUT)).toMatchObject({
    outcome: "takes players again; those who were moved stay where they are",
    reasons: ["asked for", "2 were moved, 0 were not and stay"],
  });
  // Each way once, however many go it.
  expect(told(here)).toEqual([
    expect.stringMatching(/^takes no new sessions/),
    expect.stringMatching(/^players of arena are offered to there: ./),
    expect.stringMatching(/^nobody is left/),
    expect.stringMatching(/^takes players again/),
  ]);
});

it("tells who stays for now and why, that they go again, and leaves nothing of it to a region that was not asked", () => {
  const two = new TwoRegions();
  const { here, there } = two;
  here.must(join("ann"));
  there.must(DRAIN);
  two.tellPeers();
  here.must(DRAIN);
  two.advance(5000);
  const why = "no other region takes players of arena now";
  expect(here.must<DecisionRecord>(ABOUT)).toMatchObject({
    outcome: "players of arena stay for now",
    reasons: [
      why,
      "now: it is being drained: 0 moved, 0 on their way, 1 left",
      `now: players of arena stay for now: ${why}`,
    ],
  });
  expect(code(here.call({ ...ABOUT, id: "there" }))).toBe("unknownDecision");
  there.must(UNDRAIN);
  two.advance(3000);
  expect(told(here)).toContain("players of arena go again: region there has taken 1 in");
  expect(told(here).at(-1)).toBe("nobody is left who can be moved: 1 were moved");
});

it("says of a world's players, and of those on a node that is silent, that they stay", () => {
  const r = arena({ kind: "world" });
  r.must(join("ann"));
  r.must(DRAIN);
  r.advance(3000);
  const stay = "1 players of worlds stay, as their map is here";
  expect(r.must<DecisionRecord>(ABOUT).reasons).toEqual([
    "0 were moved",
    stay,
    "now: it is being drained: 0 moved, 0 on their way, 0 left",
    `now: ${stay}`,
  ]);
  const two = new TwoRegions();
  const { server } = two.here.must<{ server: { id: string } }>(join("bob"));
  two.here.cut(two.here.agentOf(server.id).nodeId);
  two.here.must(DRAIN);
  two.advance(1000);
  expect(two.here.must<DecisionRecord>(ABOUT).reasons).toContain(
    "now: 1 are on nodes that are silent, and stay until those are back",
  );
});

it("is known to the next leader, standby or not, and told once", () => {
  const two = new TwoRegions();
  const { here } = two;
  here.must(join("ann"));
  here.must({ ...DRAIN, afterSecs: 60 });
  here.restart();
  here.run();
  const about = here.must<DecisionRecord>(ABOUT);
  expect(about.kind).toBe("drain");
  expect(about.reasons.at(-1)).toBe("now: it is being drained: they are moved from 2023-11-14T22:14:20.000Z on");
  const before = told(here).length;
  here.advance(5000);
  expect(told(here)).toHaveLength(before);
  here.must(UNDRAIN);
  expect(told(here).at(-1)).toMatch(/^takes players again/);
});

it("puts nobody new into a region that is being drained, and gives fresh tickets to who is there", () => {
  const r = arena({ scaling: { minServers: 1 } });
  const { server, session } = r.must<Placement>(join("ann"));
  r.must({ type: "drainRegion", on: true, afterSecs: 600 });
  const refused = r.call({ type: "routePlayers", serverId: server.id, players: ["bob"] });
  expect(refused).toMatchObject({ problem: { code: "unavailable", detail: expect.stringContaining("drained") } });
  expect(r.must<Placement[]>({ type: "routePlayers", serverId: server.id, players: ["ann"] })).toMatchObject([
    { session: { id: session.id } },
  ]);
  r.must({ type: "drainRegion", on: false });
  expect(code(r.call({ type: "routePlayers", serverId: server.id, players: ["bob"] }))).toBe("ok");
});
