import { arena, join } from "./testing/ask";
import type { Placement } from "./resources";

const only = (r: ReturnType<typeof arena>) => {
  const [numbers, ...others] = r.core.numbers(r.nowMs).experiences;
  expect(others).toEqual([]);
  return numbers;
};

it("counts servers by state, seats, and players on all of them", () => {
  const r = arena({ maxPlayers: 4, scaling: { minServers: 2, maxServers: 5 } });
  const { server } = r.must<Placement>(join("ann", { party: ["bob"] }));
  expect(only(r)).toEqual({
    experienceId: "arena",
    servers: { starting: 0, ready: 2, reserved: 0, allocated: 0, draining: 0, suspect: 0, unhealthy: 0 },
    desired: 2,
    most: 5,
    seats: { taken: 2, free: 6, closed: 0 },
    players: 2,
    waiting: { players: 0, groups: 0, oldestMs: 0 },
  });
  r.must({ type: "terminateServer", serverId: server.id, drainSecs: 60, force: false, reason: "asked" });
  const numbers = only(r);
  expect(numbers?.servers).toMatchObject({ draining: 1 });
  // Those who are still on it play; its seats are nobody's to have.
  expect([numbers?.players, numbers?.seats.taken]).toEqual([2, 0]);
});

it("tells how many wait, in how many groups, and how long the first of them has", () => {
  const r = arena({ maxPlayers: 2, scaling: { minServers: 1, maxServers: 1 } });
  r.must(join("ann", { party: ["bob"] }));
  r.must(join("cyd"));
  r.advance(4000);
  r.must(join("dan", { party: ["eve"] }));
  r.advance(1000);
  expect(only(r)?.waiting).toEqual({ players: 3, groups: 2, oldestMs: 5000 });
  expect(only(r)?.seats).toEqual({ taken: 2, free: 0, closed: 0 });
});

it("counts nodes by state, and the servers and seats of a silent one as such", () => {
  const r = arena({ maxPlayers: 4, scaling: { minServers: 2 } }, ["n1", "n2"]);
  r.cut("n1");
  r.run();
  expect(r.core.numbers(r.nowMs).nodes).toEqual({ connected: 1, isolated: 0, suspect: 1, down: 0 });
  expect(only(r)?.servers).toMatchObject({ ready: 1, suspect: 1 });
  expect(only(r)?.seats).toEqual({ taken: 0, free: 4, closed: 0 });
});

it("tells of a standby what its agents told it", () => {
  const r = arena({ scaling: { minServers: 3 } });
  r.give({ type: "leadership", leader: false, epoch: r.epoch });
  expect(only(r)?.servers).toMatchObject({ ready: 3 });
});
