import { arena, code, join } from "./testing/ask";
import type { Placement, Server } from "./resources";
import { testExperience, testSettings } from "./testing/settings-double";

/** A region of two servers with a player on the first, whose controller does not know whether it leads alone. */
function holding(): { readonly r: ReturnType<typeof arena>; readonly ann: Placement } {
  const r = arena({ maxPlayers: 2, scaling: { minServers: 2 } });
  const ann = r.must<Placement>(join("ann"));
  r.give({ type: "leadership", leader: true, epoch: r.epoch, holding: true });
  return { r, ann };
}

const sure = { type: "leadership" as const, leader: true, epoch: 1 };

it("grants seats and lets players go", () => {
  const { r, ann } = holding();
  expect(r.must<Placement>(join("bob")).session.state).toBe("reserved");
  expect(code(r.call({ type: "endSession", sessionId: ann.session.id, reason: "left" }))).toBe("ok");
});

it.each([
  [{ type: "spawnServer" as const, experienceId: "arena", waitReady: false }],
  [{ type: "putFleet" as const, experienceId: "arena", policy: { minServers: 3 } }],
  [{ type: "drainRegion" as const, on: true }],
])("refuses %p until the lock is sure", (command) => {
  const { r } = holding();
  expect(code(r.call(command))).toBe("unavailable");
  r.give(sure);
  expect(code(r.call(command))).toBe("ok");
});

it("moves players off a server that died, and replaces it only once the lock is sure", () => {
  const { r, ann } = holding();
  const { starts } = r.engine;
  r.kill(ann.server.id);
  r.run();
  const moved = r.must<{ readonly state: string; readonly serverId: string }>({
    type: "getSession",
    sessionId: ann.session.id,
  });
  expect(moved.state).toBe("reserved");
  expect(moved.serverId).not.toBe(ann.server.id);
  r.advance(20_000);
  expect(r.engine.starts).toBe(starts);
  r.give(sure);
  r.run();
  expect(r.engine.starts).toBe(starts + 1);
});

it("takes a changed forge.toml once the lock is sure", () => {
  const { r } = holding();
  const { starts } = r.engine;
  r.give({ type: "policy", settings: testSettings([testExperience("arena", { scaling: { minServers: 4 } })]) });
  r.run();
  expect(r.engine.starts).toBe(starts);
  r.give(sure);
  r.run();
  expect(r.engine.starts).toBe(starts + 2);
});

it("starts nothing of what waited once another leads", () => {
  const { r, ann } = holding();
  const { starts } = r.engine;
  r.kill(ann.server.id);
  r.run();
  r.give({ type: "leadership", leader: false, epoch: r.epoch });
  r.advance(20_000);
  expect(r.engine.starts).toBe(starts);
  r.lead();
  r.give({ type: "engineList", servers: r.engine.list() });
  r.advance(10_000);
  expect(r.must<Server[]>({ type: "listServers" }).filter(({ state }) => state === "ready")).toHaveLength(2);
});
