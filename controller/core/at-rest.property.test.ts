import * as fc from "fast-check";
import type { ScalingPolicy } from "../../config/config";
import type { Session } from "./resources";
import { arena, join } from "./testing/ask";
import { put } from "./testing/rollouts";
import { testExperience } from "./testing/settings-double";

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
        for (const { id, serverId, state, generation } of r.must<Session[]>({ type: "findSessions" }))
          if (state === "reserved" && serverId !== null) r.agentOf(serverId).join(serverId, id, generation, r.nowMs);
        r.run();
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
