import type { RolloutPolicy } from "../../config/config";
import { isCanary, keepLastOpen } from "./canary";
import type { Fleet } from "./fleet";
import type { GameServer } from "./game-server";
import { roomFor, comesBefore } from "./priority";
import { ALL, NONE, planRollout, type RolloutLimits } from "./rollout-plan";
import { closeEmpty, emptyServers } from "./scale-down";
import { mayStart, spawn } from "./spawn";
import type { CoreState } from "./state";
import { isCurrent } from "./versions";

/** Takes a fleet one step nearer to the versions that it shall run, as `planRollout` plans. */
export function rollOut(s: CoreState, fleet: Fleet): void {
  const fallsBack = step(s, fleet);
  if (fallsBack === fleet.fallsBack) return;
  fleet.fallsBack = fallsBack;
  if (fallsBack) s.dirty.add(fleet);
}

/** Whether it can do nothing but wait for an old server to empty, and no server of the version that comes is on its way. */
function step(s: CoreState, fleet: Fleet): boolean {
  const { versions, version, rollout, config } = fleet;
  if (!config || versions.size === 0 || rollout?.paused) return false;
  const canary = rollout !== null && isCanary(fleet);
  if (!canary && versions.size === 1 && versions.has(version)) {
    forgetPlaces(fleet);
    return false;
  }
  const comes = rollout?.to ?? version;
  const goes = (server: GameServer): boolean => (canary ? server.version !== comes : !isCurrent(fleet, server.version));
  // What others have a right to is not started in the place of what was given up for them.
  const room = Math.min(roomFor(s, fleet), Math.max(0, fleet.share - fleet.servers.size));
  const stuck = room <= 0;
  const empties = emptyServers(s, fleet, { wanted: stuck }).filter(goes);
  const old = canary ? keepLastOpen(fleet, empties, rollout.from) : empties;
  const ahead = settle(fleet);
  const going = [...fleet.servers].filter(({ ending }) => ending !== null);
  const up = ahead.filter(({ state }) => state !== "starting");
  const limits = limitsOf(config.rollout, canary ? rollout.share : 1);
  const plan = planRollout(
    {
      size: fleet.servers.size - going.length,
      fresh: (versions.get(comes) ?? 0) - going.filter((server) => server.version === comes).length,
      oldEmpty: old.length,
      closing: going.filter(({ ending }) => ending?.kind === "rollout").length,
      aheadStarting: ahead.length - up.length,
      aheadUp: up.length,
      behind: fleet.behind.size,
      room,
    },
    limits,
  );
  const startable = mayStart(s, fleet) && !comesBefore(s, fleet);
  if (startable && !canary && config.rollout.strategy === "recreate") dropStarting(s, fleet, goes, comes);
  if (startable) for (let i = 0; i < plan.start; i++) fleet.ahead.add(start(s, fleet, comes));
  const swap = startable ? plan.swap : 0;
  for (const server of old.slice(0, plan.close + swap)) {
    const paired = up.pop();
    if (paired) fleet.ahead.delete(paired);
    closeEmpty(s, server, "rollout", `version ${server.version} is replaced by ${comes}`);
  }
  for (let i = 0; i < swap; i++) fleet.behind.add(start(s, fleet, comes));
  return rollout !== null && !canary && stuck && plan.close === 0 && going.length === 0 && fleet.starting === 0;
}

/** To recreate a fleet is to allow for any number at once. */
function limitsOf({ strategy, maxSurge, maxUnavailable }: RolloutPolicy, share: number): RolloutLimits {
  if (strategy === "recreate") return { share, maxSurge: NONE, maxUnavailable: ALL };
  return { share, maxSurge, maxUnavailable: maxUnavailable ?? NONE };
}

function start(s: CoreState, fleet: Fleet, version: string): GameServer {
  const first = !fleet.versions.has(version);
  const reason = first ? `the first server of version ${version}` : `version ${version} takes the place of another`;
  return spawn(s, fleet, { version, reason });
}

/** Nobody has come to know of a server that is not up: it need not come up to go, where another can be started instead. */
function dropStarting(s: CoreState, fleet: Fleet, goes: (server: GameServer) => boolean, comes: string): void {
  for (const server of fleet.servers) {
    if (server.state !== "starting" || server.ending || !goes(server) || !s.usable(server.nodeId)) continue;
    closeEmpty(s, server, "rollout", `version ${server.version} is replaced by ${comes}`);
  }
}

/** Those that are still ahead: what has failed or goes itself is not, and nothing is where one version is all there is. */
function settle(fleet: Fleet): GameServer[] {
  const lost = ({ ending, state }: GameServer): boolean => ending !== null || state === "unhealthy";
  for (const server of fleet.ahead) if (lost(server)) fleet.ahead.delete(server);
  for (const server of fleet.behind) if (server.state !== "starting" || lost(server)) fleet.behind.delete(server);
  if (fleet.versions.size <= 1) fleet.ahead.clear();
  return [...fleet.ahead];
}

function forgetPlaces(fleet: Fleet): void {
  if (fleet.ahead.size > 0) fleet.ahead.clear();
  if (fleet.behind.size > 0) fleet.behind.clear();
}
