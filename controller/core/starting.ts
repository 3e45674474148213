import type { Fleet } from "./fleet";
import type { GameServer } from "./game-server";
import { launchOf } from "./launch";
import { comesBefore, isUrgent, triedAfter } from "./priority";
import { configOf } from "./rollout";
import type { CoreState } from "./state";

/** How long before a start that the engine could not take on is tried again, in milliseconds. */
const START_AGAIN_MS = 2000;

/** Asks the engine for it; asking again for the same server is harmless. */
export function askStart(s: CoreState, fleet: Fleet, server: GameServer): void {
  const config = configOf(fleet, server.version);
  if (!config || !fleet.config) return;
  server.engine = "asked";
  s.out.push({ type: "start", launch: launchOf(s, fleet, config, server), reason: server.reason });
}

/** The same, but where players who are moved wait for room elsewhere: then when they have found some. */
export function startInTurn(s: CoreState, fleet: Fleet, server: GameServer): void {
  const before = comesBefore(s, fleet);
  if (!before || isUrgent(fleet) || !isUrgent(before)) return askStart(s, fleet, server);
  server.engine = "asked";
  startAgain(s, server);
}

export function startAgain(s: CoreState, server: GameServer): void {
  // Whether the engine keeps the order or dropped it, asking again starts nothing twice.
  s.timers.at(s.nowMs + START_AGAIN_MS, () => {
    if (!s.leader || server.state !== "starting" || server.engine !== "asked") return;
    const fleet = s.fleet(server.experienceId);
    // Room that has become free is not for it while one that comes first waits for some.
    if (triedAfter(s, fleet, server)) startAgain(s, server);
    else askStart(s, fleet, server);
  });
}
