import * as fc from "fast-check";
import { FleetIndex } from "./fleet-index";
import { isEmpty, newServer, seatsHeld, type GameServer } from "./game-server";
import { Offers } from "./offers";
import type { Pool } from "./pool";

function server(id: number, maxPlayers: number): GameServer {
  const made = newServer({
    id: `s${String(id)}`,
    experienceId: "e",
    version: "1",
    mods: [],
    role: "server",
    maxPlayers,
    sdkToken: "",
    createdAtMs: 0,
    reason: "",
  });
  made.state = "ready";
  return made;
}

interface Change {
  readonly server: number;
  readonly inFlight: number;
  readonly walkIns: number;
  readonly open: boolean;
  readonly state: "ready" | "draining" | "suspect";
  readonly matched: boolean;
}

const change: fc.Arbitrary<Change> = fc.record({
  server: fc.nat(11),
  inFlight: fc.nat(8),
  walkIns: fc.nat(2),
  open: fc.boolean(),
  state: fc.constantFrom("ready", "ready", "ready", "draining", "suspect"),
  matched: fc.nat(9).map((n) => n === 0),
});

/** The most promising servers for so many players: the fullest (1) or the emptiest (-1), quality apart. */
function best(index: FleetIndex, seats: number, fullness: 1 | -1, most = 1): GameServer[] {
  const offers = new Offers();
  for (const pool of index.pools()) pool.offer(seats, fullness, 0, offers);
  const into: GameServer[] = [];
  offers.take(most, into);
  return into;
}

function only(index: FleetIndex): Pool | undefined {
  return [...index.pools()][0];
}

it("adds up to what a count of all servers gives, and finds the fullest and the emptiest that fit", () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), fc.integer({ min: 1, max: 8 }), (changes, seats) => {
      const servers = Array.from({ length: 12 }, (_, i) => server(i, 4 + (i % 5)));
      const open = new Set<GameServer>();
      const index = new FleetIndex();
      for (const of of changes) {
        const one = servers[of.server];
        if (!one) continue;
        Object.assign(one, {
          inFlight: of.inFlight,
          walkIns: of.walkIns,
          state: of.state,
          matchId: of.matched ? "m" : null,
        });
        if (of.open) open.add(one);
        else open.delete(one);
        index.update(one, of.open);
      }
      const touched = servers.filter((one) => one.counted);
      const free = (one: GameServer): number =>
        one.matchId === null ? Math.max(0, one.maxPlayers - seatsHeld(one)) : 0;
      const offered = touched.filter((one) => open.has(one) && free(one) > 0);
      expect(index.usable).toBe(touched.length);
      expect(index.seats).toBe(sum(touched.map(({ maxPlayers }) => maxPlayers)));
      expect(index.held).toBe(sum(touched.map((one) => one.maxPlayers - free(one))));
      expect(index.free).toBe(sum(offered.map(free)));
      expect(index.empty("1")).toBe(offered.filter(isEmpty).length);
      const fitting = offered.filter((one) => free(one) >= seats);
      const share = (one: GameServer): number => 1 - free(one) / one.maxPlayers;
      const pack = best(index, seats, 1);
      const spread = best(index, seats, -1);
      const emptiest = [...index.pools()].flatMap((pool) => pool.emptiest(seats) ?? []).map(free);
      expect(pack.map(share)).toEqual(fitting.length > 0 ? [Math.max(...fitting.map(share))] : []);
      expect(spread.map(share)).toEqual(fitting.length > 0 ? [Math.min(...fitting.map(share))] : []);
      expect(Math.max(0, ...emptiest)).toBe(Math.max(0, ...fitting.map(free)));
      expect([...index.pools()].some((pool) => pool.fits(seats))).toBe(fitting.length > 0);
    }),
  );
});

it("looks at a long shelf evenly", () => {
  const index = new FleetIndex();
  const servers = Array.from({ length: 100 }, (_, i) => server(i, 4));
  for (const one of servers) index.update(one, true);
  const seen = new Set<GameServer>();
  for (let i = 0; i < 100; i++) {
    const into = best(index, 1, 1, 8);
    expect(into).toHaveLength(8);
    into.forEach((one) => seen.add(one));
  }
  expect(seen.size).toBe(100);
});

it("finds servers with more free seats than it has buckets for", () => {
  const index = new FleetIndex();
  const large = server(1, 50_000);
  index.update(large, true);
  expect(best(index, 64, -1, 8)).toEqual([large]);
});

it("forgets versions that nothing runs any more", () => {
  const index = new FleetIndex();
  const one = server(1, 4);
  index.update(one, true);
  index.remove(one);
  index.prune();
  expect(only(index)).toBeUndefined();
});

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}
