import type { DecisionRecord, Placement, Server } from "./resources";
import { arena, code, join, servers } from "./testing/ask";
import type { RegionDouble } from "./testing/region-double";
import { put, steps, versions } from "./testing/rollouts";

/** Somebody who stays until they leave, and the server that they are on. */
function play(r: RegionDouble, player: string, more: Parameters<typeof join>[1] = {}): Server {
  const { session, server } = r.must<Placement>(join(player, more));
  r.agentOf(server.id).join(server.id, session.id, 1, r.nowMs);
  r.run();
  return r.must<Server>({ type: "getServer", serverId: server.id });
}

function leave(r: RegionDouble, player: string): void {
  const [session] = r.must<{ id: string }[]>({ type: "findSessions", playerId: player });
  r.must({ type: "endSession", sessionId: session?.id ?? "", reason: "left" });
  r.run();
}

const live = (r: RegionDouble): Server[] => r.must<Server[]>(servers).filter(({ state }) => state !== "terminated");
const why = (r: RegionDouble): string =>
  r.must<DecisionRecord>({ type: "getDecision", id: "arena" }).reasons.join("\n");

describe("a version that is taken in by a fleet of one at most", () => {
  it("waits for the server to be empty, which takes who comes until then, and is never beside it", () => {
    const r = arena({ scaling: { minServers: 1, maxServers: 1 } });
    play(r, "ann");
    r.must(put({ version: "2" }));
    r.advance(60_000);
    expect(play(r, "bob").version).toBe("1");
    expect(why(r)).toContain(
      "the maximum leaves no room for a server of 2: until one of 1 is empty these take who comes",
    );
    leave(r, "ann");
    r.advance(60_000);
    expect(versions(r)).toEqual({ 1: 1 });
    let most = 0;
    r.watch = () => (most = Math.max(most, r.engine.list().filter(({ state }) => state !== "exited").length));
    leave(r, "bob");
    r.advance(10_000);
    expect([versions(r), most]).toEqual([{ 2: 1 }, 1]);
    expect(play(r, "cyd").version).toBe("2");
    expect(steps(r)).toEqual(["started 2", "done 2"]);
  });

  it("has whoever comes between the two wait for the new one", () => {
    const r = arena({ scaling: { minServers: 1, maxServers: 1 } });
    r.autoReady = false;
    r.must(put({ version: "2" }));
    r.advance(1000);
    expect(live(r).map(({ version, state }) => [version, state])).toEqual([["2", "starting"]]);
    const asked = r.ask(join("ann"));
    r.run();
    expect(code(r.reply(asked))).toBe("ok");
    const [{ id } = { id: "" }] = live(r);
    r.agentOf(id).becomeReady(id, r.nowMs);
    r.run();
    expect(live(r).map(({ version, players }) => [version, players])).toEqual([["2", 1]]);
  });

  it("gives nobody to the old one who names the new", () => {
    const r = arena({ scaling: { minServers: 1, maxServers: 1 } });
    play(r, "ann");
    r.must(put({ version: "2" }));
    r.advance(5000);
    expect(code(r.call(join("bob", { version: "2", deadlineMs: 0 })))).toBe("noCapacity");
  });
});

it("has players of a full fleet that comes late fill the fullest of the old servers, so that the others are replaced", () => {
  const r = arena({
    maxPlayers: 4,
    routing: { strategy: "spread" },
    scaling: { minServers: 3, maxServers: 3, scaleDownCooldownSecs: 1 },
  });
  for (const player of ["a1", "b1", "c1", "a2", "b2"]) play(r, player);
  expect(
    live(r)
      .map(({ players }) => players)
      .sort(),
  ).toEqual([1, 2, 2]);
  r.must(put({ version: "2" }));
  r.advance(5000);
  const thinnest = live(r).find(({ players }) => players === 1)?.id;
  for (let i = 0; i < 4; i++) {
    const server = play(r, `late-${String(i)}`);
    expect([server.version, server.id === thinnest]).toEqual(["1", false]);
  }
  const [alone] = r.must<{ playerId: string }[]>({ type: "findSessions", serverId: thinnest ?? "" });
  leave(r, alone?.playerId ?? "");
  r.advance(5000);
  expect(versions(r)).toEqual({ 1: 2, 2: 1 });
  expect(play(r, "new").version).toBe("2");
});

it("has who comes wait for a server of the new version where there is room for one", () => {
  const r = arena({ scaling: { minServers: 1, maxServers: 2 } });
  play(r, "ann");
  r.autoReady = false;
  r.must(put({ version: "2" }));
  r.advance(1000);
  const asked = r.ask(join("bob"));
  r.run();
  expect(live(r).map(({ version, players }) => [version, players])).toEqual([
    ["1", 1],
    ["2", 0],
  ]);
  expect(code(r.reply(asked))).toBe("ok");
});
