import { arena, join, servers } from "./testing/ask";
import type { RegionDouble } from "./testing/region-double";
import { fleet, put, steps, versions } from "./testing/rollouts";
import { testExperience } from "./testing/settings-double";
import type { DecisionRecord, Placement, Server, Session } from "./resources";

const open = (r: RegionDouble, version: string): number =>
  r.must<Server[]>(servers).filter((server) => server.version === version && server.state === "ready").length;

/** Lets time pass, and sees after each step that a server of version 1 is open. */
function watch(r: RegionDouble, secs: number): void {
  for (let i = 0; i < 2 * secs; i++) {
    r.advance(500);
    expect(open(r, "1")).toBeGreaterThan(0);
  }
}

const why = (r: RegionDouble): string[] => [...r.must<DecisionRecord>({ type: "getDecision", id: "arena" }).reasons];
const leave = (r: RegionDouble, players: readonly string[]): void => {
  for (const playerId of players) {
    const [session] = r.must<Session[]>({ type: "findSessions", playerId });
    r.must({ type: "endSession", sessionId: session?.id ?? "", reason: "done" });
  }
};

describe("a canary of a small fleet", () => {
  it.each([
    [0.1, 1],
    [0.5, 2],
  ])("of one server, at %d: the old one stays, and the rest of the players with it", (canary, given) => {
    const r = arena({ scaling: { minServers: 1, maxServers: 10, scaleDownCooldownSecs: 5 } });
    r.must(put({ version: "2", canary }));
    watch(r, 120);
    expect(versions(r)).toEqual({ 1: 1, 2: 1 });
    // Nor is one closed and started over and over.
    expect(r.stops).toEqual([]);
    const players = ["a", "b", "c", "d"];
    const byId = new Map(r.must<Server[]>(servers).map(({ id, version }) => [id, version]));
    const placed = players.map((player) => byId.get(r.must<Placement>(join(player)).server.id));
    expect(placed.filter((version) => version === "2")).toHaveLength(given);
    leave(r, players);
    watch(r, 30);
    r.must(put({ rollout: "promote" }));
    r.advance(60_000);
    expect(versions(r)).toEqual({ 2: 1 });
    expect(steps(r)).toEqual(["started 2", "promoted 2", "done 2"]);
  });

  it.each(["rolling", "recreate"] as const)("takes no more than there is, however large its share: %s", (strategy) => {
    const rollout = { ...testExperience("arena").rollout, strategy };
    const r = arena({ rollout, scaling: { minServers: 3, maxServers: 5, scaleDownCooldownSecs: 5 } });
    r.must(put({ version: "2", canary: 0.99 }));
    watch(r, 60);
    expect(versions(r)).toEqual({ 1: 1, 2: 2 });
  });

  it("leaves as many of its servers as there shall be when it is rolled back", () => {
    const r = arena({ scaling: { minServers: 1, scaleDownCooldownSecs: 5 } });
    r.must(put({ version: "2", canary: 0.5 }));
    watch(r, 10);
    r.must(put({ rollout: "rollback" }));
    watch(r, 60);
    expect(versions(r)).toEqual({ 1: 1 });
  });

  it("makes room for itself at the maximum, but not of the last server", () => {
    const r = arena({ scaling: { minServers: 2, maxServers: 2 } });
    r.must(put({ version: "2", canary: 0.5 }));
    watch(r, 30);
    expect(versions(r)).toEqual({ 1: 1, 2: 1 });
  });

  it("waits where the maximum leaves no room for it, says so, and begins once that is raised", () => {
    const r = arena({ scaling: { minServers: 2, maxServers: 2, scaleDownCooldownSecs: 5 } });
    r.must(put({ version: "2", canary: 0.1, policy: { minServers: 1, maxServers: 1 } }));
    watch(r, 60);
    expect(versions(r)).toEqual({ 1: 1 });
    expect(why(r).at(-1)).toBe(
      "rollout: next: the maximum leaves no room for a server of 2 beside the last of 1: it goes on when that is raised, or is promoted or rolled back by hand",
    );
    r.must(put({ policy: { maxServers: 2 } }));
    watch(r, 30);
    expect(versions(r)).toEqual({ 1: 1, 2: 1 });
    // It is what goes when the maximum is lowered again.
    r.must(put({ policy: { maxServers: 1 } }));
    watch(r, 60);
    expect(versions(r)).toEqual({ 1: 1 });
    r.must(put({ rollout: "promote" }));
    r.advance(60_000);
    expect(versions(r)).toEqual({ 2: 1 });
  });

  it("goes to zero with its fleet, which begins with the version before", () => {
    const r = arena({ scaling: { minServers: 0, maxServers: 4, scaleDownCooldownSecs: 5 } });
    r.must(put({ version: "2", canary: 0.5 }));
    r.must(join("ann"));
    watch(r, 15);
    expect(versions(r)).toEqual({ 1: 1, 2: 1 });
    leave(r, ["ann"]);
    r.advance(60_000);
    expect(versions(r)).toEqual({});
    expect(fleet(r).rollout).toMatchObject({ state: "canary" });
    r.must(join("bob"));
    expect(open(r, "1")).toBe(1);
  });
});

it("lets servers of the version before start while it recreates a canary", () => {
  const rollout = { ...testExperience("arena").rollout, strategy: "recreate" as const };
  const r = arena({ rollout, scaling: { minServers: 2, maxServers: 8 } });
  r.must(put({ version: "2", canary: 0.25 }));
  r.advance(5000);
  r.autoReady = false;
  r.must(put({ policy: { minServers: 6 } }));
  r.advance(5000);
  expect(versions(r)).toEqual({ 1: 4, 2: 2 });
});
