import type { Placement, Server, Session } from "./resources";
import { arena, join, servers, sessions } from "./testing/ask";

it("forgets on a standby what is gone, saying nothing, but keeps players whom nobody may have moved yet", () => {
  const r = arena({ scaling: { minServers: 3, maxServers: 3 } });
  const { server, session } = r.must<Placement>(join("ann"));
  r.agentOf(server.id).join(server.id, session.id, 1, r.nowMs);
  r.run();
  const other = r.must<Server[]>(servers).find(({ id }) => id !== server.id)?.id ?? "";
  r.give({ type: "leadership", leader: false, epoch: r.epoch });
  const decided: string[] = [];
  r.watch = ({ type }) => void (type === "wake" || decided.push(type));
  r.kill(other);
  r.advance(30_000);
  expect(r.core.counts().servers).toBe(3);
  r.kill(server.id);
  r.advance(45_000);
  expect(r.core.counts().servers).toBe(2);
  r.advance(60_000);
  expect(r.core.counts()).toMatchObject({ servers: 2, sessions: 1 });
  expect(decided).toEqual([]);

  r.lead();
  r.give({ type: "engineList", servers: r.engine.list() });
  r.run();
  r.advance(10_000);
  const after = r.must<Server[]>(servers).filter(({ state }) => state === "ready");
  expect(after.map(({ id }) => id)).not.toContain(other);
  expect(after).toHaveLength(3);
  expect(r.must<Placement["session"]>({ type: "getSession", sessionId: session.id })).toMatchObject({
    generation: 2,
    serverId: expect.not.stringContaining(server.id) as string,
  });
});

it("leads without waiting for a node that it has heard, and not for so long that its servers are suspect", () => {
  const r = arena({ maxPlayers: 4, scaling: { minServers: 2 } }, ["n1", "n2"]);
  r.give({ type: "leadership", leader: false, epoch: r.epoch });
  r.cut("n2");
  r.advance(1000);
  r.lead();
  r.give({ type: "engineList", servers: r.engine.list() });
  r.run();
  r.ask(join("early"));
  const state = () => r.must<Session[]>(sessions)[0]?.state;
  // It may be on its way back: its agent was heard a second ago.
  expect(r.advance(1900) && state()).toBe("queued");
  expect(r.advance(200) && state()).toBe("reserved");
  const states = r.must<Server[]>(servers).map(({ nodeId, state }) => [nodeId, state]);
  expect(states).toContainEqual(["n2", "suspect"]);
});
