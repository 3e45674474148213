import type { Placement, Server } from "./resources";
import { arena, join, servers } from "./testing/ask";

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
