import { arena, code, join, servers } from "./testing/ask";
import type { RegionDouble } from "./testing/region-double";
import type { DecisionRecord, Fleet, Placement, Server, Session } from "./resources";

/** Four servers with these many players each, all joined. */
function spread(
  defragment: "off" | "wait" | "move",
  players: readonly number[],
  seats = 10,
  targetPlayers = 10,
): RegionDouble {
  const r = arena({
    maxPlayers: seats,
    routing: { strategy: "spread" },
    scaling: { minServers: players.length, maxServers: 10, scaleDownCooldownSecs: 30, targetPlayers, defragment },
  });
  players.forEach((count, index) => {
    const { id = "" } = r.must<Server[]>(servers)[index] ?? {};
    for (let i = 0; i < count; i++) {
      const playerId = `p${String(index)}-${String(i)}`;
      const [placed] = r.must<Placement[]>({ type: "routePlayers", serverId: id, players: [playerId] });
      r.agentOf(id).join(id, placed?.session.id ?? "", 1, r.nowMs);
    }
  });
  r.must({ type: "putFleet", experienceId: "arena", policy: { minServers: 1 } });
  return r.run();
}

const live = (r: RegionDouble): Server[] => r.must<Server[]>(servers).filter(({ state }) => state !== "terminated");
const sessions = (r: RegionDouble): Session[] =>
  r.must<Session[]>({ type: "findSessions", experienceId: "arena" }).filter(({ state }) => state !== "ended");

/** Who is moved joins again where the new seat is. */
function arrive(r: RegionDouble): void {
  for (const { id, serverId, state, generation } of sessions(r))
    if (state === "reserved" && serverId !== null) r.agentOf(serverId).join(serverId, id, generation, r.nowMs);
  r.run();
}

it("leaves players alone unless it is told to", () => {
  const r = spread("off", [3, 3, 1, 2]);
  r.advance(600_000);
  expect(live(r)).toHaveLength(4);
});

it("moves players of the thinnest server, one server at a time, until what is left is needed", () => {
  const r = spread("move", [3, 3, 1, 2]);
  for (let i = 0; i < 30; i++) {
    if (i === 2) expect(live(r)).toHaveLength(3);
    arrive(r);
    r.advance(20_000);
  }
  expect(sessions(r)).toHaveLength(9);
  expect(live(r).map(({ players }) => players)).toEqual([9]);
  expect(r.stops).toHaveLength(3);
  const records = r.records.filter(({ outcome }) => outcome.startsWith("moves the players of"));
  expect(records).toHaveLength(3);
  expect(records[0]?.reasons[0]).toMatch(/^emptied to free it: 1 players are on it and the others have/);
});

it("does as a call says from then on", () => {
  const r = spread("off", [3, 3, 1, 2]);
  const policy = { defragment: "wait" as const, defragmentIntervalSecs: 1 };
  expect(r.must<Fleet>({ type: "putFleet", experienceId: "arena", policy }).policy).toMatchObject(policy);
  r.advance(60_000);
  expect(
    live(r)
      .filter(({ state }) => state === "draining")
      .map(({ players }) => players),
  ).toEqual([1]);
});

it.each([
  [{ seats: "match" as const }, "wait" as const, 'defragment "wait" is not for matches that take a whole server'],
  [
    { seats: "observed" as const },
    "move" as const,
    'defragment "move" needs a server that says who is on it, and this one\'s seats are only observed',
  ],
  [{ kind: "world" as const }, "wait" as const, 'defragment "wait" is not for a world, which is one server'],
])("refuses of %j what forge.toml's rules refuse: %s", (over, defragment, detail) => {
  const put = (wish: "off" | "wait" | "move") =>
    arena(over).call({ type: "putFleet", experienceId: "arena", policy: { defragment: wish } });
  expect(put(defragment)).toMatchObject({ ok: false, problem: { code: "invalid", detail } });
  expect(code(put("off"))).toBe("ok");
});

it("waits for players where it may not move them, and gives the server nobody else", () => {
  const r = spread("wait", [3, 3, 1, 2]);
  r.advance(60_000);
  const draining = live(r).filter(({ state }) => state === "draining");
  expect(draining.map(({ players }) => players)).toEqual([1]);
  const [{ id } = { id: "" }] = draining;
  const { server } = r.must<Placement>(join("new"));
  expect(server.id).not.toBe(id);
  r.advance(600_000);
  expect(r.stops.filter(({ serverId }) => serverId === id)).toHaveLength(0);
  const [last] = sessions(r).filter(({ serverId }) => serverId === id);
  r.agentOf(id).leave(id, last?.id ?? "", r.nowMs);
  r.run().advance(1000);
  expect(r.stops.map(({ serverId }) => serverId)).toContain(id);
  const why = r.must<DecisionRecord>({ type: "getDecision", id: "arena" });
  expect(why.reasons.join("\n")).toMatch(/emptied to free it|could go|no excess/);
});

it.each<[string, readonly number[], number]>([
  ["the others have no room", [7, 7, 7], 10],
  ["a target would be passed", [9, 9, 1], 9],
])("does nothing where %s", (_, players, target) => {
  const r = spread("move", players, 10, target);
  r.advance(300_000);
  expect(live(r)).toHaveLength(players.length);
});

it("moves nobody off a server that the next player who comes would call for again", () => {
  const r = spread("move", [4, 4, 4, 4, 4, 5], 10, 5);
  r.must({ type: "putFleet", experienceId: "arena", policy: { scaleUpCooldownSecs: 10, defragmentIntervalSecs: 10 } });
  // For an hour one more comes and goes.
  for (let i = 0; i < 120; i++) {
    const { session } = r.must<Placement>(join(`guest-${String(i)}`));
    r.advance(15_000);
    r.must({ type: "endSession", sessionId: session.id, reason: "left" });
    r.advance(15_000);
    arrive(r);
  }
  expect(r.events.filter(({ type }) => type === "session.moved")).toHaveLength(0);
  expect(live(r)).toHaveLength(6);
});

it("moves players more and more seldom where the next who come call for the server again", () => {
  const r = spread("move", [1, 1], 2, 2);
  r.must({ type: "putFleet", experienceId: "arena", policy: { scaleUpCooldownSecs: 10 } });
  const emptied = (): number => r.events.filter(({ type }) => type === "session.moved").length;
  const passes = (secs: number): void => {
    for (let passed = 0; passed < secs; passed += 10) {
      r.advance(10_000);
      arrive(r);
    }
  };
  // For an hour a third comes for a while, whom one server has no seat for, and it is another who goes.
  for (let i = 0; i < 45; i++) {
    r.must(join(`guest-${String(i)}`));
    passes(20);
    const [first] = sessions(r);
    r.must({ type: "endSession", sessionId: first?.id ?? "", reason: "left" });
    passes(60);
  }
  expect(emptied()).toBeGreaterThan(0);
  expect(emptied()).toBeLessThan(12);
  // Once nobody comes any more it is emptied for good.
  passes(3600);
  expect(live(r).map(({ players }) => players)).toEqual([2]);
});

it("fills servers to the last seat where that is the target", () => {
  const r = spread("move", [1, 1], 2, 2);
  for (let i = 0; i < 12; i++) {
    r.advance(5000);
    arrive(r);
  }
  expect(live(r).map(({ players }) => players)).toEqual([2]);
});
