import type { MatchAllocation, Placement } from "./resources";
import { arena, join, servers } from "./testing/ask";
import type { RegionDouble } from "./testing/region-double";
import type { Server } from "./resources";

/** Seats as the node's agent has them: session and generation. */
const seats = (r: RegionDouble, nodeId: string): string[] =>
  r
    .agent(nodeId)
    .snapshot()
    .servers.flatMap((server) => server.seats.map((seat) => `${seat.sessionId} ${String(seat.generation)}`));

/** It leads no more, and the node is within reach again. */
function fall(r: RegionDouble, nodeId: string): void {
  r.give({ type: "leadership", leader: false, epoch: r.epoch });
  r.connect(nodeId);
  r.run();
}

describe("a leader that falls with a grant unanswered, and leads again", () => {
  it.each([
    ["never arrived", false],
    ["arrived", true],
  ])("keeps the seat to which another has moved the player meanwhile, where its own move %s", (_what, arrives) => {
    const r = arena({ scaling: { minServers: 2, maxServers: 2 } }, ["n1", "n2"]);
    const { server, session } = r.must<Placement>(join("ann"));
    const from = r.agentOf(server.id);
    from.join(server.id, session.id, 1, r.nowMs);
    r.run();
    const to = r.must<Server[]>(servers).find(({ id }) => id !== server.id);
    const there = r.agentOf(to?.id ?? "").nodeId;
    const end = { type: "terminateServer", serverId: server.id, drainSecs: 0, force: false, reason: "a test" } as const;
    r.ask(end);
    while (!r.link(there).toAgent.some(({ body }) => body.kind === "grant"))
      if (!r.deliver(`toAgent ${from.nodeId}`) && !r.deliver(`toCore ${from.nodeId}`))
        throw new Error("nobody is moved");
    if (arrives) while (r.deliver(`toAgent ${there}`));
    r.cut(there);
    fall(r, there);
    r.usurp([end]);
    expect(seats(r, there)).toEqual([`${session.id} 2`]);
    r.lead();
    r.run();
    expect(seats(r, there)).toEqual([`${session.id} 2`]);
    expect(seats(r, from.nodeId)).toEqual([]);
  });

  it.each([
    ["was never told that it is given back", true],
    ["was told so too late", false],
  ])(
    "keeps the seat of an ended session, of which another has told the player meanwhile: its agent %s",
    (_what, away) => {
      const r = arena({ scaling: { minServers: 1, maxServers: 1 } });
      const { session, server } = r.must<Placement>(join("ann"));
      if (away) r.cut("n1");
      r.ask({ type: "endSession", sessionId: session.id, reason: "left" });
      if (!away) {
        expect(r.link("n1").toAgent.map(({ body }) => body.kind)).toContain("release");
        r.cut("n1");
      }
      fall(r, "n1");
      r.usurp([join("ann")]);
      expect(seats(r, "n1")).toEqual([`${session.id} 1`]);
      r.lead();
      r.run();
      expect(seats(r, "n1")).toEqual([`${session.id} 1`]);
      const again = r.must<Placement>(join("ann"));
      expect([again.session.id, again.server.id]).toEqual([session.id, server.id]);
    },
  );

  it("keeps the seat of an ended session, of which another has told the player meanwhile: its agent could not journal it", () => {
    const r = arena({ scaling: { minServers: 1, maxServers: 1 } });
    const { session, server } = r.must<Placement>(join("ann"));
    const agent = r.agentOf(server.id);
    agent.diskFull = true;
    r.must({ type: "endSession", sessionId: session.id, reason: "left" });
    agent.diskFull = false;
    r.give({ type: "leadership", leader: false, epoch: r.epoch });
    // By now it would have said so once more.
    r.advance(2000);
    r.usurp([join("ann")]);
    expect(seats(r, "n1")).toEqual([`${session.id} 1`]);
    r.lead();
    r.run().advance(2000);
    expect(seats(r, "n1")).toEqual([`${session.id} 1`]);
  });

  it("keeps the match that another has found on its server, and told", () => {
    const r = arena({ seats: "match", scaling: { minServers: 1, maxServers: 1 } });
    const match = {
      type: "allocateMatch",
      experienceId: "arena",
      matchId: "m1",
      players: [{ playerId: "ann" }, { playerId: "bob" }],
    } as const;
    r.ask(match);
    while (r.deliver("toAgent n1"));
    r.cut("n1");
    const given = seats(r, "n1");
    expect(given).toHaveLength(2);
    fall(r, "n1");
    r.usurp([match]);
    r.lead();
    r.run();
    expect(seats(r, "n1")).toEqual(given);
    expect(Object.keys(r.must<MatchAllocation>(match).tickets)).toEqual(["ann", "bob"]);
  });
});

it("asks elsewhere with a higher generation where a server refuses, which may have given the seat all the same", () => {
  const r = arena({ maxPlayers: 1, scaling: { minServers: 2, maxServers: 2 } }, ["n1", "n2"]);
  const asked = r.ask(join("ann"));
  const [liar] = ["n1", "n2"].filter((nodeId) => r.link(nodeId).toAgent.length > 0);
  if (liar === undefined) throw new Error("nobody was asked");
  while (r.deliver(`toAgent ${liar}`));
  const { toCore } = r.link(liar);
  const truth = toCore.findLast((message) => message.type === "ack");
  if (truth?.type !== "ack") throw new Error("there is no answer");
  toCore.splice(toCore.indexOf(truth), 1, {
    type: "ack",
    id: truth.id,
    ok: false,
    epoch: truth.epoch,
    code: "full",
    detail: "a lie",
  });
  r.run();
  const reply = r.reply(asked);
  if (!reply.ok) throw new Error(reply.problem.detail);
  const { server, session } = reply.value as Placement;
  expect(session.generation).toBe(2);
  r.cut(liar);
  r.restart();
  r.run();
  expect(seats(r, liar)).toEqual([]);
  expect(r.must<Server>({ type: "getServer", serverId: server.id }).players).toBe(1);
});
