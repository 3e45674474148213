import type { DecisionRecord, Placement, Server, Session } from "./resources";
import { join, servers } from "./testing/ask";
import { RegionDouble } from "./testing/region-double";
import { put, steps } from "./testing/rollouts";
import { testExperience, testSettings } from "./testing/settings-double";

/** A fleet that is recreated, beside an experience of a higher priority that wants more servers than there is room for. */

/** `arena` keeps `free` empty servers ready; one player fills one of `high`. */
function region(free: number, maxServersPerRegion = 100): RegionDouble {
  const rollout = { ...testExperience("arena").rollout, strategy: "recreate" } as const;
  const scaling = { minServers: 0, maxServers: 100, scaleUpCooldownSecs: 0, scaleDownCooldownSecs: 600 };
  const arena = { priority: 10, rollout, scaling: { ...scaling, buffer: { kind: "servers", servers: free } } } as const;
  const settings = testSettings(
    [
      testExperience("arena", arena),
      testExperience("high", { priority: 90, maxPlayers: 1, routing: { queueDeadlineSecs: 3600 }, scaling }),
    ],
    { leaseSecs: 1_000_000 },
  );
  const r = new RegionDouble({ ...settings, scaling: { ...settings.scaling, maxServersPerRegion } }).start();
  r.advance(1000);
  return r;
}

function comes(r: RegionDouble, ...players: readonly string[]): void {
  for (const playerId of players) r.ask({ type: "createSession", playerId, experienceId: "high" });
  r.run();
}

/** How many servers of an experience are in a state, by version. */
function count(r: RegionDouble, experienceId: string, state = "ready"): Record<string, number> {
  const counted: Record<string, number> = {};
  for (const { version } of r.must<Server[]>({ type: "listServers", experienceId, state }))
    counted[version] = (counted[version] ?? 0) + 1;
  return counted;
}
/** No node takes on more than now run there, but for so many. */
function room(r: RegionDouble, more: number): void {
  r.engine.room = r.engine.list().filter(({ serverId }) => r.engine.running(serverId)).length + more;
}

describe("where the nodes are full", () => {
  it("keeps its old servers until the higher one's have found a node, and goes all at once then", () => {
    const r = region(4);
    comes(r, "a");
    room(r, 0);
    comes(r, "b", "c");
    r.must(put({ version: "2" }));
    r.advance(20_000);
    expect([count(r, "arena"), count(r, "high")]).toEqual([{ 1: 4 }, { 1: 1 }]);
    expect(r.must<DecisionRecord>({ type: "getDecision", id: "arena" }).reasons.at(-1)).toBe(
      "rollout: next: it goes on when that is over: high (priority 90) waits for room on the nodes, and comes before arena (priority 10)",
    );
    r.engine.room += 2;
    r.advance(10_000);
    expect([count(r, "arena"), count(r, "high")]).toEqual([{ 2: 4 }, { 1: 3 }]);
    expect(steps(r)).toEqual(["started 2", "done 2"]);
  });

  it("drops none that is starting while nothing can be started in its place", () => {
    const r = region(1);
    comes(r, "a");
    r.autoReady = false;
    r.must(put({ policy: { buffer: 4 } }));
    r.advance(1000);
    expect(count(r, "arena", "starting")).toEqual({ 1: 3 });
    room(r, 0);
    comes(r, "b", "c");
    r.must(put({ version: "2" }));
    r.advance(2000);
    expect(count(r, "arena", "starting")).toEqual({ 1: 3 });
    for (const { id, state } of r.must<Server[]>(servers))
      if (state === "starting" && r.engine.running(id)) r.agentOf(id).becomeReady(id, r.nowMs);
    r.run().advance(2000);
    expect([count(r, "arena"), count(r, "high")]).toEqual([{ 1: 4 }, { 1: 1 }]);
    r.autoReady = true;
    r.engine.room += 2;
    r.advance(10_000);
    expect([count(r, "arena"), count(r, "high")]).toEqual([{ 2: 4 }, { 1: 3 }]);
  });
});

describe("where the region may have no more servers", () => {
  it("gives the higher one what it has too many, comes back with the one that it may have, and moves nobody", () => {
    const r = region(4, 4);
    const { session } = r.must<Placement>(join("ann"));
    comes(r, "a", "b", "c", "d");
    r.must(put({ version: "2" }));
    r.advance(20_000);
    expect([count(r, "arena"), count(r, "high")]).toEqual([{ 1: 1 }, { 1: 3 }]);
    expect(r.must<Session>({ type: "getSession", sessionId: session.id })).toMatchObject({ moves: 0 });
    r.must({ type: "endSession", sessionId: session.id, reason: "left" });
    r.advance(20_000);
    expect([count(r, "arena"), count(r, "high")]).toEqual([{ 2: 1 }, { 1: 3 }]);
    expect(steps(r)).toEqual(["started 2", "done 2"]);
  });
});
