import type { Session } from "./resources";
import { arena, sessions } from "./testing/ask";
import { happened, nodeStates, playing } from "./testing/failing-node";
import type { RegionDouble } from "./testing/region-double";

function unreachable(r: RegionDouble, nodeId: string): void {
  r.give({ type: "engine", event: { type: "nodeDown", nodeId, unreachable: true, reason: "no heartbeat" } });
}

it("says once that a node is down, however often the engine and its connections do", () => {
  const r = arena({}, ["n1", "n2"]);
  unreachable(r, "n2");
  r.cut("n2");
  r.advance(4000);
  // Its stream ends at last, and the engine lists what is down.
  r.give({ type: "agentSilent", nodeId: "n2", reason: "closed", heardMs: r.nowMs - 4000 });
  unreachable(r, "n2");
  expect(happened(r, "node.down")).toHaveLength(1);
  r.give({ type: "engine", event: { type: "nodeUp", nodeId: "n2" } });
  unreachable(r, "n2");
  expect(happened(r, "node.down")).toHaveLength(2);
});

it("knows of no node where nothing of the region runs", () => {
  const r = arena();
  unreachable(r, "of-somebody-else");
  r.give({ type: "engine", event: { type: "nodeUp", nodeId: "of-the-controllers" } });
  expect(nodeStates(r)).toEqual(["n1 connected"]);
  expect(happened(r, "node.down")).toEqual([]);
});

it("does not take an agent that starts anew for silent, where the engine has lost its node", () => {
  const r = arena();
  const { server, session } = playing(r, "ann");
  unreachable(r, "n1");
  r.advance(60_000);
  r.cut("n1");
  r.advance(2000);
  r.connect("n1");
  r.run().advance(10_000);
  expect(r.stops).toEqual([]);
  expect(r.must<Session[]>(sessions)).toMatchObject([
    { id: session.id, serverId: server.id, state: "active", generation: 1 },
  ]);
  // Silent for as long as makes its servers suspect, it is down.
  r.cut("n1");
  r.advance(3000);
  expect(nodeStates(r)).toEqual(["n1 down"]);
});

it("forgets a node that has been gone for a day, and knows it anew when it is back", () => {
  const r = arena({}, ["n1", "n2"]);
  r.cut("n2");
  unreachable(r, "n2");
  r.give({ type: "agentSilent", nodeId: "n2", reason: "closed", heardMs: r.nowMs });
  r.advance(10_000);
  const day = 86_400_000;
  r.nowMs += day - 60_000;
  r.advance(1000);
  expect(nodeStates(r)).toEqual(["n1 connected", "n2 down"]);
  r.nowMs += 60_000;
  r.advance(61_000);
  expect(nodeStates(r)).toEqual(["n1 connected"]);
  r.connect("n2");
  r.run();
  expect(nodeStates(r)).toEqual(["n1 connected", "n2 connected"]);
});
