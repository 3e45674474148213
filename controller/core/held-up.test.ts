import type { Server } from "./resources";
import { servers } from "./testing/ask";
import { RegionDouble } from "./testing/region-double";
import { testExperience, testSettings } from "./testing/settings-double";

it("reads what waits after it stood still, before it calls anything late", () => {
  const r = new RegionDouble(testSettings([testExperience("arena", { scaling: { minServers: 3, maxServers: 3 } })]));
  r.autoReady = false;
  r.start().advance(1000);
  const ids = r.must<Server[]>(servers).map(({ id }) => id);
  r.nowMs += 25_000;
  for (const id of ids.slice(0, 2)) r.agent("n1").becomeReady(id, r.nowMs - 20_000);
  // Each is told by itself, and read before the clock's next beat.
  const told = r.agent("n1").events.splice(0);
  for (const event of told) r.give({ type: "agent", nodeId: "n1", message: { type: "report", events: [event] } });
  r.advance(1000);
  const states = r.must<Server[]>(servers).filter(({ id }) => ids.includes(id));
  expect(states.map(({ id, state }) => [id, state])).toEqual([
    [ids[0], "ready"],
    [ids[1], "ready"],
  ]);
  // The third was not ready in time.
  expect(r.stops.map(({ serverId }) => serverId)).toEqual([ids[2]]);
});
