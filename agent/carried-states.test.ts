import type { SavedState } from "../protocol/messages";
import { expectedServer, PATIENT, seatRequest, TestNode, type TestController } from "./test-node";

let node: TestNode;
beforeEach(async () => {
  node = await TestNode.start();
});
afterEach(() => node.stop());

const GIVEN = { data: "score 7", savedAtMs: 5 };
const server = expectedServer({ health: PATIENT, restore: { data: "round 2", savedAtMs: 4 } });
const carried = [
  { serverId: "s1", playerId: undefined, data: "round 2", atMs: 4 },
  { serverId: "s1", playerId: "player-x", data: "score 7", atMs: 5 },
];

/** The last of each player and of the server, as a controller keeps them. */
function kept({ events }: TestController): readonly SavedState[] {
  const last = new Map<string | undefined, SavedState>();
  for (const event of events) if (event.kind === "saved") last.set(event.state.playerId, event.state);
  return [...last.values()];
}

async function given(): Promise<void> {
  await node.controller.ask({ kind: "expect", server });
  await node.gate.call("POST", "/v1/ready");
  const seats = [seatRequest("x", { restore: GIVEN }), seatRequest("y")];
  await node.controller.ask({ kind: "grant", serverId: "s1", allocationId: "a1", seats, leaseMs: 30_000 });
}

it("tells what a server and a player who has not come yet brought along: they may be moved again", async () => {
  await given();
  expect(kept(node.controller)).toEqual(carried);
});

it("tells a new leader too, also after the agent was restarted", async () => {
  await given();
  expect(kept(await node.connect())).toEqual(carried);
  await node.restart();
  expect(kept(node.controller)).toEqual(carried);
});

it("tells of neither once the server has saved it anew, or the player has gone", async () => {
  await given();
  await node.gate.call("POST", "/v1/snapshot", { server: "round 3" });
  const seats = [{ sessionId: "x", generation: 1 }];
  await node.controller.ask({ kind: "release", serverId: "s1", allocationId: "a1", seats, reason: "left" });
  expect(kept(await node.connect()).map(({ data }) => data)).toEqual(["round 3"]);
});

it("tells a state's age from when it was taken, where the server says so, and keeps none that another has overtaken", async () => {
  await given();
  node.clock.advance(60_000);
  const at = (agoMs: number): string => new Date(node.clock.now() - agoMs).toISOString();
  await node.gate.call("POST", "/v1/snapshot", { server: "round 4", takenAt: at(10_000) });
  await node.gate.call("POST", "/v1/snapshot", { server: "round 3", takenAt: at(15_000) });
  expect(kept(await node.connect())).toContainEqual({
    serverId: "s1",
    playerId: undefined,
    data: "round 4",
    atMs: node.clock.now() - 10_000,
  });
  // A clock that is ahead makes nothing younger than it can be.
  await node.gate.call("POST", "/v1/snapshot", { server: "round 5", takenAt: at(-5_000) });
  expect(kept(await node.connect())).toContainEqual(
    expect.objectContaining({ data: "round 5", atMs: node.clock.now() }),
  );
  expect(await node.gate.call("POST", "/v1/snapshot", { takenAt: "yesterday" })).toMatchObject({ status: 400 });
});
