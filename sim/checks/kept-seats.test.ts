import { World } from "../world";
import { KeptSeats } from "./kept-seats";

function watched() {
  const world = new World(1);
  const checks = new KeptSeats(world);
  const region = world.regions[0]!;
  const node = region.nodes[0]!;
  const took = (epoch: number): string[] => {
    checks.onAck(
      region,
      node,
      { type: "request", id: 1, epoch, body: { kind: "epoch" } },
      { type: "ack", id: 1, ok: true, epoch },
    );
    return world.violations.map(({ check }) => check);
  };
  return { node, took };
}

it("finds an agent that follows a leader of the past, also where its journal has forgotten the newer one", () => {
  const { node, took } = watched();
  node.truth.epoch = 2;
  expect(took(2)).toEqual([]);
  node.truth.epoch = 1;
  expect(took(1)).toEqual(["a stale epoch is refused"]);
});

it("holds a machine that lost its power to the epoch that it still has in its journal", () => {
  const { node, took } = watched();
  node.truth.epoch = 3;
  expect(took(3)).toEqual([]);
  node.truth.epoch = 2;
  node.losePower();
  expect(took(2)).toEqual([]);
  expect(took(1)).toEqual(["a stale epoch is refused"]);
});
