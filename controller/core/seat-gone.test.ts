import type { Placement, Session } from "./resources";
import { arena, code, join, sessions } from "./testing/ask";
import { playing } from "./testing/failing-node";
import type { RegionDouble } from "./testing/region-double";

/**
 * What a controller says of a session whose seat was given back at another leader's word. That one may have ended it, or moved
 * its player to another region.
 */

/** It stands by, with a player in a seat. */
function standby() {
  const r = arena();
  const placed = playing(r, "ann");
  r.give({ type: "leadership", leader: false, epoch: r.epoch });
  return { r, ...placed, sessionId: placed.session.id };
}

/** The seat is given back, as by a leader that has moved its player to another region, and is gone before it told anyone. */
function giveBack(r: RegionDouble, { server, sessionId }: ReturnType<typeof standby>): void {
  const { id: serverId } = server;
  const agent = r.agentOf(serverId);
  const allocationId = agent.servers.get(serverId)?.expect.allocationId ?? "";
  const seats = [{ sessionId, generation: 1 }];
  const body = { kind: "release", serverId, allocationId, seats, reason: "moved to another server" } as const;
  agent.request({ type: "request", id: 1, epoch: r.epoch + 1, body }, r.nowMs);
  r.usurp([]);
}

function lead(r: RegionDouble): void {
  r.lead();
  r.give({ type: "engineList", servers: r.engine.list() });
}

const asked = (r: RegionDouble, sessionId: string): string[] =>
  (
    [
      { type: "getSession", sessionId },
      { type: "followSession", sessionId, afterGeneration: 1, untilMs: r.nowMs },
      { type: "updateSession", sessionId, latencyMs: 20 },
      { type: "endSession", sessionId, reason: "left" },
    ] as const
  ).map((command) => code(r.call(command)));

const UNKNOWN = ["unknownSession", "unknownSession", "unknownSession", "unknownSession"];

it.each([
  ["as it happens", false],
  ["when the node is back", true],
])("one that stood by and hears of it %s knows no such session, and gives its player a place anew", (_when, away) => {
  const of = standby();
  const { r, sessionId } = of;
  if (away) r.cut("n1");
  giveBack(r, of);
  if (away) r.connect("n1");
  r.run();
  lead(r);
  r.run();
  expect(asked(r, sessionId)).toEqual(UNKNOWN);
  expect(r.must<Placement>(join("ann")).session.id).not.toBe(sessionId);
});

it("one that leads already, and hears of it with the node's first word, tells whoever follows the same", () => {
  const of = standby();
  const { r, sessionId } = of;
  r.cut("n1");
  giveBack(r, of);
  lead(r);
  const follows = r.ask({ type: "followSession", sessionId, afterGeneration: 1, untilMs: r.nowMs + 60_000 });
  r.connect("n1");
  r.run();
  expect(code(r.reply(follows))).toBe("unknownSession");
  expect(asked(r, sessionId)).toEqual(UNKNOWN);
});

it("knows the end of one whose player left, though another led then", () => {
  const { r, server, sessionId } = standby();
  r.agentOf(server.id).leave(server.id, sessionId, r.nowMs);
  r.run();
  lead(r);
  r.run();
  expect(r.must<Session>({ type: "getSession", sessionId })).toMatchObject({
    state: "ended",
    reason: "the player left",
  });
});

it("knows the end of one whose seat was gone when the node came back, where that has followed nobody else", () => {
  const { r, server, sessionId } = standby();
  lead(r);
  r.run().cut("n1");
  r.agentOf(server.id).leave(server.id, sessionId, r.nowMs);
  r.connect("n1");
  r.run();
  expect(r.must<Session>({ type: "getSession", sessionId })).toMatchObject({ state: "ended" });
});

it("keeps nobody whom it was moving when it fell, once another has settled their server", () => {
  const r = arena({ scaling: { minServers: 1, maxServers: 1 } });
  const { server, session } = playing(r, "ann");
  r.autoReady = false;
  r.kill(server.id);
  r.run();
  expect(r.must<Session>({ type: "getSession", sessionId: session.id })).toMatchObject({ state: "migrating" });
  r.give({ type: "leadership", leader: false, epoch: r.epoch });
  r.cut("n1");
  r.agent("n1").servers.delete(server.id);
  r.connect("n1");
  r.run();
  expect(r.must<Session[]>(sessions)).toEqual([]);
});
