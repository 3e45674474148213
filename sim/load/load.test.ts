import { Load, type LoadPlan } from "./load";

const CROWD: LoadPlan = {
  players: 3000,
  withinMs: 5000,
  playMs: 60_000,
  nodes: 4,
  seatsPerServer: 50,
  maxServers: 20,
  queueLimit: 400,
};

it("seats a crowd that comes at once, in turn and within its bounds", () => {
  const result = new Load(CROWD, 1).run();
  expect(result).toMatchObject({ over: 0, left: 0 });
  expect(result.played + result.gaveUp).toBe(CROWD.players);
  expect(result.played).toBeGreaterThan(1000);
  expect(result.refused).toBeGreaterThan(0);
  expect(result.most.waiting).toBeLessThanOrEqual(CROWD.queueLimit);
  expect(result.most.on).toBeLessThanOrEqual(1000);
  expect(result.most.servers).toBeGreaterThanOrEqual(20);
});

it("goes up and down with a day's players, and is the same for the same seed", () => {
  const day = { ...CROWD, players: 1000, daily: true, withinMs: 7_200_000, playMs: 600_000, queueLimit: 1000 };
  const result = new Load(day, 2).run();
  expect(result).toMatchObject({ over: 0, left: 0, gaveUp: 0, played: 1000 });
  expect(new Load(day, 2).run()).toEqual(result);
});
