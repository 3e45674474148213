import type { DecisionRecord, Placement, Server, Session } from "./resources";
import { arena, join, servers } from "./testing/ask";
import type { RegionDouble } from "./testing/region-double";
import { testExperience } from "./testing/settings-double";

const put = (over: object) => ({ type: "putFleet" as const, experienceId: "arena", ...over });
/** What `forge why arena` says of the rollout. */
const why = (r: RegionDouble): string[] =>
  r
    .must<DecisionRecord>({ type: "getDecision", id: "arena" })
    .reasons.filter((reason) => reason.startsWith("rollout: "))
    .map((reason) => reason.slice("rollout: ".length));
const next = (r: RegionDouble): string | undefined => why(r).at(-1)?.slice("next: ".length);

it("says how far a canary is, whatever else was decided since, and what it waits for", () => {
  const r = arena({ scaling: { minServers: 4, maxServers: 8 } });
  expect(why(r)).toEqual([]);
  r.autoReady = false;
  r.must(put({ version: "2", canary: 0.25 }));
  expect(next(r)).toBe("it goes on when the first server of 2 is up");
  for (const { id, state } of r.must<Server[]>(servers))
    if (state === "starting") r.agentOf(id).becomeReady(id, r.nowMs);
  r.autoReady = true;
  r.run().advance(5000);
  r.must(put({ desired: 6 }));
  r.advance(5000);
  expect(why(r)).toEqual([
    "version 2 is taken in for 1: a canary of 25 %, because: asked for",
    expect.stringMatching(/^of its servers \d run 1 and \d run 2; 0 of 2 failed, 3 stop it$/),
    "next: it is promoted or rolled back by hand",
  ]);
  r.must(put({ rollout: "pause" }));
  expect(why(r)[0]).toBe("version 2 is taken in for 1: a canary of 25 %, paused, because: asked for");
  expect(next(r)).toBe("it goes on when it is resumed, or back, by hand");
});

it("says when a canary is promoted, and who is still on the old servers", () => {
  const rollout = { ...testExperience("arena").rollout, promoteAfterSecs: 60 };
  const r = arena({ rollout, scaling: { minServers: 2, maxServers: 4 } });
  const ann = r.must<Placement>(join("ann"));
  r.agentOf(ann.server.id).join(ann.server.id, ann.session.id, 1, r.nowMs);
  r.run();
  r.must(put({ version: "2", canary: 0.5 }));
  r.advance(5000);
  expect(next(r)).toMatch(/^it is promoted at \d\d:\d\d:\d\d UTC, unless it is stopped by failures or by hand$/);
  r.must(put({ rollout: "promote" }));
  r.advance(20_000);
  expect(next(r)).toBe(
    "the servers of 1 go: 1 when their players have left, 0 empty ones as servers of the other come up",
  );
  const [session] = r.must<Session[]>({ type: "findSessions", playerId: "ann" });
  r.must({ type: "endSession", sessionId: session?.id ?? "", reason: "done" });
  r.advance(20_000);
  expect(why(r)).toEqual([
    expect.stringMatching(
      /^version 2, to be taken in for 1, was taken in at 2023-11-14T[\d:.]+Z, because: no server of version 1 is left$/,
    ),
  ]);
  expect(new Set(r.must<Server[]>(servers).flatMap((one) => (one.state === "ready" ? [one.version] : [])))).toEqual(
    new Set(["2"]),
  );
});

it.each([[1], [3]])(
  "says that it went back by itself, after its failures and whatever came since: %d",
  (maxFailures) => {
    const rollout = { ...testExperience("arena").rollout, maxFailures };
    const r = arena({ readyTimeoutSecs: 2, rollout, scaling: { minServers: 3, maxServers: 6 } });
    r.broken.add("2");
    r.must(put({ version: "2" }));
    const isOver = (): boolean => r.events.some((event) => event.type === "rollout" && event.step === "rolledBack");
    for (let i = 0; i < 240 && !isOver(); i++) r.advance(500);
    const about = r.must<DecisionRecord>({ type: "getDecision", id: "arena" });
    expect(about).toMatchObject({ kind: "rollout", outcome: "rolledBack: version 2 to 1" });
    const failed = `${String(maxFailures)} servers of version 2 failed, the last: not ready after 2 s`;
    expect(about.reasons[0]).toBe(failed);
    const kinds = r.records.filter(({ subject }) => subject === "arena").map(({ kind }) => kind);
    expect(kinds.slice(-2)).toEqual(["spawn", "rollout"]);
    r.must(put({ desired: 5 }));
    r.advance(30_000);
    expect(r.must<DecisionRecord>({ type: "getDecision", id: "arena" }).kind).toBe("scale");
    expect(why(r)).toEqual([
      expect.stringMatching(/^version 2, to be taken in for 1, was rolled back at 2023-11-14T[\d:.]+Z, because: /),
    ]);
    expect(why(r)[0]).toContain(failed);
  },
);

it("says that it waits for the next try after failures", () => {
  const r = arena({ readyTimeoutSecs: 2, scaling: { minServers: 2, maxServers: 4 } });
  r.broken.add("2");
  r.must(put({ version: "2" }));
  for (let i = 0; i < 20 && why(r)[1]?.includes("; 0 of 2"); i++) r.advance(500);
  expect(why(r)[1]).toContain("; 1 of 2 failed, 3 stop it");
  expect(next(r)).toMatch(/^2 is started again, after its failures, at \d\d:\d\d:\d\d UTC$/);
});
