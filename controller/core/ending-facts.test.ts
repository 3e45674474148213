import type { DecisionRecord, Placement } from "./resources";
import { arena, join } from "./testing/ask";

const ONE = { scaling: { minServers: 1, maxServers: 1 } };

it("says of a server on its way out until when its players may stay, and then what they wait for", () => {
  const r = arena(ONE);
  const { server } = r.must<Placement>(join("ann", { party: ["bob"] }));
  const now = (): readonly string[] =>
    r
      .must<DecisionRecord>({ type: "getDecision", id: server.id })
      .reasons.filter((reason) => reason.startsWith("now: "));
  r.must({ type: "terminateServer", serverId: server.id, drainSecs: 10, force: false, reason: "kernel patch" });
  r.run();
  expect(now()).toEqual([expect.stringMatching(/^now: 2 players on it may stay until \d{4}-.*Z$/)]);
  // Its fleet may have one server only: there is nowhere to go.
  r.advance(11_000);
  expect(now()).toEqual(["now: 2 players on it: wait for a place elsewhere: no server has room"]);
});

it("says that an agent is not heard, without which no server is stopped", () => {
  const r = arena(ONE);
  const { server } = r.must<Placement>(join("ann"));
  r.cut("n1");
  r.advance(5_000);
  r.must({ type: "terminateServer", serverId: server.id, drainSecs: 0, force: false, reason: "kernel patch" });
  r.run();
  expect(r.must<DecisionRecord>({ type: "getDecision", id: server.id }).reasons).toContain(
    "now: its agent is not heard: until it is, nobody can be sure that nobody comes on",
  );
});

it("says nothing of a server that stays, or has ended", () => {
  const r = arena({ scaling: { minServers: 2 } });
  const { server } = r.must<Placement>(join("ann"));
  r.must({ type: "terminateServer", serverId: server.id, drainSecs: 0, force: true, reason: "kernel patch" });
  r.run();
  expect(r.must<DecisionRecord>({ type: "getDecision", id: server.id }).reasons).toEqual([
    "kernel patch",
    "1 players on it",
  ]);
});
