import * as fc from "fast-check";
import type { ScalingPolicy } from "../../config/config";
import type { Session } from "./resources";
import { arena, join } from "./testing/ask";
import { RegionDouble } from "./testing/region-double";
import { put } from "./testing/rollouts";
import { testExperience, testSettings } from "./testing/settings-double";

/** Whoever has a seat comes to it. */
function arrive(r: RegionDouble): void {
  for (const { id, serverId, state, generation } of r.must<Session[]>({ type: "findSessions" }))
    if (state === "reserved" && serverId !== null) r.agentOf(serverId).join(serverId, id, generation, r.nowMs);
  r.run();
}

/** A version is taken in while some play on: whoever plays stays, and nobody comes. */
const scenes = fc.record({
  seats: fc.constantFrom("reported" as const, "match" as const),
  players: fc.nat(4),
  minServers: fc.nat(3),
  more: fc.nat(4),
  buffer: fc.constantFrom<ScalingPolicy["buffer"]>(
    { kind: "servers", servers: 0 },
    { kind: "servers", servers: 1 },
    { kind: "share", share: 0.5 },
  ),
  chain: fc.constantFrom<ScalingPolicy["chain"]>(
    [],
    [{ buffer: { bufferSize: 1, maxReplicas: 2 } }],
    [{ buffer: { bufferSize: "30%" } }],
  ),
  strategy: fc.constantFrom("rolling" as const, "recreate" as const),
  maxUnavailable: fc.nat(1),
  canary: fc.constantFrom(undefined, undefined, 0.1, 0.5),
  then: fc.constantFrom("nothing" as const, "promote" as const, "pause" as const, "rollback" as const),
});

it("starts and stops nothing more once nothing changes, however a version is taken in", () => {
  fc.assert(
    fc.property(scenes, (scene) => {
      const { seats, players, minServers, more, buffer, chain, canary, then } = scene;
      const { rollout } = testExperience("arena");
      const r = arena({
        seats,
        maxPlayers: 2,
        rollout: {
          ...rollout,
          strategy: scene.strategy,
          maxUnavailable: { kind: "servers", servers: scene.maxUnavailable },
        },
        scaling: {
          minServers,
          maxServers: Math.max(1, minServers + more),
          buffer,
          chain,
          scaleUpCooldownSecs: 2,
          scaleDownCooldownSecs: 5,
        },
      });
      for (let i = 0; i < players; i++) {
        r.ask(join(`p${String(i)}`));
        r.run().advance(1000);
        arrive(r);
      }
      r.call(put({ version: "2", ...(canary !== undefined && { canary }) }));
      r.advance(3000);
      if (then !== "nothing") r.call(put({ rollout: then }));
      // Whoever waits has given up by then.
      r.advance(90_000);
      const before = r.events.length;
      r.advance(120_000);
      const after = r.events.slice(before).map(({ type }) => type);
      expect(after.filter((type) => type === "server.spawned" || type === "server.terminated")).toEqual([]);
    }),
    { numRuns: 200 },
  );
});

const experiences = fc.array(
  fc.record({
    priority: fc.constantFrom(10, 50, 90),
    maxPlayers: fc.constantFrom(1, 2, 4),
    seats: fc.constantFrom("reported" as const, "match" as const),
    strategy: fc.constantFrom("pack" as const, "spread" as const),
    players: fc.nat(6),
    minServers: fc.nat(3),
    more: fc.nat(5),
    target: fc.constantFrom(1, 2, 4),
    buffer: fc.constantFrom<ScalingPolicy["buffer"]>(
      { kind: "servers", servers: 0 },
      { kind: "servers", servers: 2 },
      { kind: "share", share: 0.5 },
    ),
    defragment: fc.constantFrom("off" as const, "wait" as const, "move" as const),
  }),
  { minLength: 1, maxLength: 3 },
);

it("starts no server and moves nobody once nothing changes, however several experiences share a region", () => {
  fc.assert(
    fc.property(experiences, fc.nat(3), fc.integer({ min: 1, max: 9 }), (all, regionMin, regionMax) => {
      const list = all.map(
        ({ priority, maxPlayers, seats, strategy, minServers, more, target, buffer, defragment }, i) =>
          testExperience(`e${String(i)}`, {
            priority,
            maxPlayers,
            seats,
            routing: { strategy },
            scaling: {
              minServers,
              maxServers: Math.max(1, minServers + more),
              buffer,
              targetPlayers: Math.min(target, maxPlayers),
              scaleUpCooldownSecs: 2,
              scaleDownCooldownSecs: 5,
              defragment: seats === "match" ? "off" : defragment,
              defragmentIntervalSecs: 5,
            },
          }),
      );
      const settings = testSettings(list);
      const bounds = { minServersPerRegion: Math.min(regionMin, regionMax), maxServersPerRegion: regionMax };
      const r = new RegionDouble({ ...settings, scaling: { ...settings.scaling, ...bounds } }, ["n1", "n2"]).start();
      all.forEach(({ players }, i) => {
        for (let player = 0; player < players; player++) {
          const experienceId = `e${String(i)}`;
          r.ask({ type: "createSession", experienceId, playerId: `${experienceId}-${String(player)}` });
          r.run().advance(500);
        }
      });
      const pass = (secs: number): void => {
        for (let passed = 0; passed < secs; passed += 5) {
          arrive(r);
          r.advance(5000);
        }
      };
      pass(300);
      const before = r.events.length;
      pass(120);
      const after = r.events.slice(before).map(({ type }) => type);
      expect(after.filter((type) => type === "server.spawned" || type === "session.moved")).toEqual([]);
    }),
    { numRuns: 100 },
  );
});
