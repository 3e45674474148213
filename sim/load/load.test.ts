import { Load, type LoadPlan } from "./load";
import { PLANS } from "./plans";

const CROWD: LoadPlan = {
  players: 3000,
  withinMs: 5000,
  playMs: 60_000,
  nodes: 4,
  seatsPerServer: 50,
  maxServers: 20,
  queueLimit: 400,
};
const HOUR_MS = 3_600_000;

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

it("goes up and down with a day's players, of whom each comes three times before it is over", () => {
  const players = 300;
  const result = new Load({ ...PLANS.day(players), withinMs: 3 * HOUR_MS }, 2).run();
  expect(result).toMatchObject({ over: 0, left: 0, gaveUp: 0, played: 3 * players });
  expect(result.virtualMs).toBeGreaterThan(2.5 * HOUR_MS);
  expect(result.virtualMs).toBeLessThan(5 * HOUR_MS);
});

it("keeps all on at once, on servers that are up before", () => {
  const players = 400;
  const minute = 60_000;
  const result = new Load(
    { ...PLANS.hour(players), withinMs: minute, playMs: 5 * minute, backUntilMs: 10 * minute },
    3,
  ).run();
  expect(result).toMatchObject({ over: 0, left: 0, gaveUp: 0 });
  expect(result.played).toBeGreaterThan(2 * players);
  expect(result.most.on).toBeGreaterThan(0.95 * players);
  expect(result.most.servers).toBe(7);
});

it("is the same for the same seed, and another for another", () => {
  const small = { ...CROWD, players: 600, maxServers: 4, queueLimit: 100 };
  const result = new Load(small, 4).run();
  expect(new Load(small, 4).run()).toEqual(result);
  expect(new Load(small, 5).run().digest).not.toBe(result.digest);
});
