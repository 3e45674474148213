import { World } from "./world";

// As for the other tests of the virtual world: half a minute beside a handful of busy programs.
jest.setTimeout(600_000);

async function ran(seed: number, steps: number): Promise<World> {
  const world = new World(seed);
  world.start();
  await world.runSteps(steps);
  return world;
}

it("is the same for the same seed, and another for another", async () => {
  const [first, again, other] = [await ran(1, 1500), await ran(1, 1500), await ran(2, 1500)];
  expect(again.trace).toBe(first.trace);
  expect(again.schedule.nowMs).toBe(first.schedule.nowMs);
  expect(other.trace).not.toBe(first.trace);
});

it("has players on servers and breaks nothing where nothing goes wrong", async () => {
  const world = await ran(3, 3000);
  expect(world.violations).toEqual([]);
  expect(world.steps).toBe(3000);
  const states = world.regions.flatMap(({ players }) => players.map(({ state }) => state));
  expect(states).toContain("inside");
});
