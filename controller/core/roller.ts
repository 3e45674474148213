import type { Fleet } from "./fleet";
import type { GameServer } from "./game-server";
import { planRollout } from "./rollout-plan";
import { closeEmpty, emptyServers, roomFor } from "./scaler";
import { mayStart, spawn } from "./spawn";
import type { CoreState } from "./state";
import { isCurrent } from "./versions";

/** Takes a fleet one step nearer to the versions that it shall run, as `planRollout` plans. */
export function rollOut(s: CoreState, fleet: Fleet): void {
  const { versions, version, rollout, config } = fleet;
  if (!config || versions.size === 0 || rollout?.paused) return;
  const canary = rollout !== null && rollout.share < 1;
  if (!canary && versions.size === 1 && versions.has(version)) return fleet.ahead.clear();
  const comes = rollout?.to ?? version;
  const goes = (server: GameServer): boolean => (canary ? server.version !== comes : !isCurrent(fleet, server.version));
  const stuck = roomFor(s, fleet) <= 0;
  const old = emptyServers(s, fleet, { wanted: stuck }).filter(goes);
  const ahead = settle(fleet);
  const going = [...fleet.servers].filter(({ ending }) => ending !== null);
  const step = planRollout(
    {
      size: fleet.servers.size - going.length,
      fresh: versions.get(comes) ?? 0,
      oldEmpty: old.length,
      closing: going.filter(({ ending }) => ending?.kind === "rollout").length,
      aheadStarting: ahead.filter(({ state }) => state === "starting").length,
      aheadUp: ahead.filter(({ state }) => state !== "starting").length,
      room: roomFor(s, fleet),
    },
    { share: canary ? rollout.share : 1, maxSurge: config.rollout.maxSurge },
  );
  if (mayStart(s, fleet)) for (let i = 0; i < step.start; i++) startAhead(s, fleet, comes);
  const up = ahead.filter(({ state }) => state !== "starting");
  for (const server of old.slice(0, step.close)) {
    const paired = up.pop();
    if (paired) fleet.ahead.delete(paired);
    closeEmpty(s, server, "rollout", `version ${server.version} is replaced by ${comes}`);
  }
}

function startAhead(s: CoreState, fleet: Fleet, version: string): void {
  const first = !fleet.versions.has(version);
  const reason = first ? `the first server of version ${version}` : `version ${version} takes the place of another`;
  fleet.ahead.add(spawn(s, fleet, { version, reason }));
}

/** Those that are still ahead: what has failed or goes itself is not, and nothing is where one version is all there is. */
function settle(fleet: Fleet): GameServer[] {
  for (const server of fleet.ahead) if (server.ending || server.state === "unhealthy") fleet.ahead.delete(server);
  if (fleet.versions.size <= 1) fleet.ahead.clear();
  return [...fleet.ahead];
}
