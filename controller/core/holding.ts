import type { CommandType } from "./input";
import { problem } from "./outbox";
import { takeSettings } from "./settings";
import type { CoreState } from "./state";

/**
 * Leading without the lock. Seats are safe with any number of leaders, because agents own them and refuse a lower epoch;
 * an engine knows no epoch. So while this controller does not know that it leads alone, joins, releases, moves and grants
 * go on, and starts, stops and changes of policy wait.
 *
 *     leading ── lock in doubt ──> holding ── lock sure ──> leading     what waited is carried out
 *                                     └── lock lost, or 30 s ──> not leading     what waited is dropped
 */
const WAITING: ReadonlySet<CommandType> = new Set<CommandType>([
  "spawnServer",
  "terminateServer",
  "putFleet",
  "drainRegion",
]);

export const HOLDING = problem(
  "unavailable",
  "this controller cannot reach the lock of its region: seats go on, but no server is started, stopped or changed",
  { retryAfterSecs: 1 },
);

/** Whether a command has to wait until it is sure that this controller leads alone. */
export function mustWait(s: CoreState, command: CommandType): boolean {
  return s.holding && WAITING.has(command);
}

export function setHolding(s: CoreState, holding: boolean): void {
  if (holding === s.holding) return;
  s.holding = holding;
  if (holding) return s.out.holdBack();
  s.out.letGo(true);
  for (const fleet of s.fleets.values()) s.dirty.add(fleet);
  for (const server of s.servers.values()) if (server.ending) s.ending.add(server);
  takeHeldSettings(s);
}

/** It leads no more. */
export function dropHeld(s: CoreState): void {
  s.holding = false;
  s.out.letGo(false);
  takeHeldSettings(s);
}

function takeHeldSettings(s: CoreState): void {
  const settings = s.settingsHeld;
  s.settingsHeld = null;
  if (settings) takeSettings(s, settings);
}
