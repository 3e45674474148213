import type { ForgeEvent } from "../../controller/core/resources";
import { percentile } from "./percentile";
import { RunTally } from "./run-summary";

const server = (type: "server.spawned" | "server.ready", serverId: string, at: string): ForgeEvent => ({
  type,
  serverId,
  experienceId: "arena",
  region: "us-east",
  at,
  reason: "",
});
const session = (
  type: "session.reserved" | "session.moved" | "session.lost",
  detail: Record<string, unknown> = {},
): ForgeEvent => ({
  type,
  sessionId: "ses-1",
  playerId: "p",
  experienceId: "arena",
  serverId: null,
  region: "us-east",
  at: "2026-01-01T00:00:00.000Z",
  reason: "",
  detail,
});

describe("RunTally", () => {
  it("adds a run up from its events", () => {
    const tally = new RunTally(["us-east"]);
    tally.event(server("server.spawned", "a", "2026-01-01T00:00:00.000Z"));
    tally.event(server("server.spawned", "b", "2026-01-01T00:00:00.000Z"));
    tally.event(server("server.ready", "a", "2026-01-01T00:00:00.300Z"));
    tally.event(server("server.ready", "b", "2026-01-01T00:00:00.500Z"));
    // Ready again after a match is no spawn.
    tally.event(server("server.ready", "a", "2026-01-01T00:10:00.000Z"));
    tally.event(session("session.reserved"));
    tally.event(session("session.moved", { restoredAgeMs: 4000 }));
    tally.event(session("session.moved", { restoredAgeMs: 100 }));
    tally.event({
      type: "scaling",
      action: "up",
      experienceId: "arena",
      from: 1,
      to: 2,
      region: "us-east",
      at: "",
      reason: "",
    });
    tally.event({
      type: "scaling",
      action: "down",
      experienceId: "arena",
      from: 2,
      to: 1,
      region: "us-east",
      at: "",
      reason: "",
    });
    tally.killed();
    expect(tally.result()).toEqual({
      regions: ["us-east"],
      serversSpawned: 2,
      scaleUps: 1,
      scaleDowns: 1,
      serversKilled: 1,
      playersRouted: 1,
      playersMoved: 2,
      playersLost: 0,
      maxSeatsOver: 0,
      spawnMs: { p50: 300, p99: 500 },
      routeMs: { p50: null, p99: null },
      maxRestoredAgeMs: 4000,
      bots: 0,
    });
  });

  it("takes the worse of what the events and the bots say of losses and overfull servers", () => {
    const tally = new RunTally([]);
    tally.event(session("session.lost"));
    tally.servers([{ players: 26, maxPlayers: 24, role: "server" }]);
    tally.botsEnded({ players: 9, lost: 3, routeMs: { p50: 1, p99: 2 } });
    expect(tally.result()).toMatchObject({ playersLost: 3, maxSeatsOver: 2, bots: 9, routeMs: { p50: 1, p99: 2 } });
  });
});

describe("percentile", () => {
  it.each([
    [[], 50, null],
    [[7], 99, 7],
    [[4, 1, 3, 2], 50, 2],
    [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 99, 10],
  ])("of %j at %d is %p", (values, p, expected) => {
    expect(percentile(values, p)).toBe(expected);
  });
});
