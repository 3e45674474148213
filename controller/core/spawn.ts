import { crashOf, type Fleet } from "./fleet";
import { isPrimary, newServer, type GameServer } from "./game-server";
import { graceOf, initialCounts, roleAddresses } from "./launch";
import { configOf, noteVersionFailed, noteVersionUp } from "./rollout";
import { addServer, setState } from "./servers";
import { startInTurn } from "./starting";
import type { CoreState } from "./state";
import { versionToStart } from "./versions";
import { askedFor, wantedAndReady } from "./wanted";

/** Launches of primaries wait so long for the fleet's roles to be up, in milliseconds. */
const ROLES_WAIT_MS = 5000;
/** A start that no node has taken on after so long, on top of the time to get ready, has failed. */
const PLACE_MS = 60_000;
/** A server that has been ready for so long shows that its experience can run. */
const PROVEN_MS = 10_000;
const BACKOFF_MAX_MS = 60_000;

export interface Spawn {
  readonly id?: string | undefined;
  readonly role?: string;
  readonly version?: string | undefined;
  readonly maxPlayers?: number | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly replaces?: string | undefined;
  /** Somebody asked for this one, so that scaling keeps it for them; see wanted.ts. */
  readonly asked?: boolean;
  readonly reason: string;
}

/** Starts a server, or holds its start while the roles it needs come up. */
export function spawn(s: CoreState, fleet: Fleet, of: Spawn): GameServer {
  const role = of.role ?? "server";
  const version = of.version ?? versionToStart(fleet, s.nowMs);
  const server = newServer({
    id: of.id ?? s.ids("server"),
    experienceId: fleet.id,
    version,
    mods: configOf(fleet, version)?.mods ?? [],
    role,
    maxPlayers: role === "server" ? (of.maxPlayers ?? fleet.config?.maxPlayers ?? 0) : 0,
    sdkToken: s.ids("token"),
    clients: configOf(fleet, version)?.clients ?? null,
    createdAtMs: s.nowMs,
    replaces: of.replaces,
    labels: of.labels,
    annotations: of.annotations,
    ...(role === "server" && fleet.config ? initialCounts(fleet.config) : {}),
    reason: of.reason,
  });
  addServer(s, server);
  if (of.asked) askedFor(s, fleet, server);
  s.out.server("server.spawned", server, of.reason, { role, version: server.version });
  if (isPrimary(server) && waitsForRoles(s, fleet)) fleet.held.add(server);
  else launch(s, fleet, server);
  return server;
}

function launch(s: CoreState, fleet: Fleet, server: GameServer): void {
  startInTurn(s, fleet, server);
  giveTimeToStart(s, server);
}

/** A server found starting gets as much time as one that was started now. */
export function giveTimeToStart(s: CoreState, server: GameServer): void {
  const { config } = s.fleet(server.experienceId);
  const placing = server.engine === "asked" ? PLACE_MS : 0;
  expectReadyBy(s, server, s.nowMs + placing + (config?.readyTimeoutSecs ?? 60) * 1000);
}

/** From now on it has so long to get ready. */
function expectReadyBy(s: CoreState, server: GameServer, deadlineMs: number): void {
  server.readyDeadlineMs = deadlineMs;
  s.timers.at(deadlineMs, () => {
    if (!s.deciding || server.state !== "starting" || server.readyDeadlineMs !== deadlineMs) return;
    const timeout = String(s.fleet(server.experienceId).config?.readyTimeoutSecs ?? 0);
    failStart(
      s,
      server,
      server.engine === "asked" ? `no node took it on: ${server.reason}` : `not ready after ${timeout} s`,
      false,
    );
  });
}

function waitsForRoles(s: CoreState, fleet: Fleet): boolean {
  if (rolesReady(fleet)) return false;
  if (fleet.rolesWaitUntilMs === null) {
    fleet.rolesWaitUntilMs = s.nowMs + ROLES_WAIT_MS;
    s.timers.at(fleet.rolesWaitUntilMs, () => releaseHeld(s, fleet));
  }
  return s.nowMs < fleet.rolesWaitUntilMs;
}

function rolesReady(fleet: Fleet): boolean {
  const roles = (fleet.config?.roles ?? []).filter(({ per }) => per === "fleet");
  return roles.every(
    ({ name, count }) =>
      [...fleet.roleServers].filter(({ role, state }) => role === name && state === "ready").length >= count,
  );
}

function releaseHeld(s: CoreState, fleet: Fleet): void {
  for (const server of fleet.held) launch(s, fleet, server);
  fleet.held.clear();
}

/** Starts what is missing of the fleet's roles. */
export function ensureRoles(s: CoreState, fleet: Fleet): void {
  for (const { name, per, count } of fleet.config?.roles ?? []) {
    if (per !== "fleet" || !mayStart(s, fleet)) continue;
    const there = [...fleet.roleServers].filter(
      (server) => server.role === name && server.state !== "unhealthy" && !server.ending,
    );
    for (let missing = count - there.length; missing > 0; missing--) {
      spawn(s, fleet, { role: name, reason: `role ${name} of ${fleet.id}` });
    }
  }
}

/** False while starts of this experience, of the version that would be started next, are held back because they failed. */
export function mayStart(s: CoreState, fleet: Fleet): boolean {
  return fleet.config !== null && s.nowMs >= crashOf(fleet, versionToStart(fleet, s.nowMs)).untilMs;
}

/** It says that it is up. */
export function becameReady(s: CoreState, fleet: Fleet, server: GameServer, reason: string): void {
  const first = server.readyAtMs === null;
  setState(s, server, "ready", reason);
  if (!first) return;
  wantedAndReady(s, server);
  noteVersionUp(s, fleet, server);
  crashOf(fleet, server.version).final = null;
  s.timers.at(s.nowMs + PROVEN_MS, () => {
    if (server.endedAtMs === null && server.state !== "unhealthy") crashOf(fleet, server.version).failures = 0;
  });
  if (server.replaces !== undefined) {
    const old = s.servers.get(server.replaces);
    if (old)
      s.out.server("server.replaced", old, `${server.id} took its place`, {
        replacementId: server.id,
        tookMs: s.nowMs - (old.endedAtMs ?? s.nowMs),
      });
  }
  if (!isPrimary(server) && rolesReady(fleet)) releaseHeld(s, fleet);
  tellPeers(s, fleet, isPrimary(server) ? server : undefined);
}

/** Tells the servers of an experience where its roles are, whenever that has changed; a fresh one in any case. */
export function tellPeers(s: CoreState, fleet: Fleet, fresh?: GameServer): void {
  for (const [role, addresses] of roleAddresses(fleet)) {
    const text = addresses.join(",");
    const changed = fleet.peers.get(role) !== text;
    fleet.peers.set(role, text);
    for (const server of changed ? fleet.servers : fresh ? [fresh] : []) {
      const { id: serverId, nodeId, allocationId } = server;
      if (!s.usable(nodeId) || nodeId === null || allocationId === null || !server.expected) continue;
      s.send(
        nodeId,
        { kind: "notice", serverId, allocationId, notice: { kind: "peers", role, addresses } },
        { kind: "told" },
      );
    }
  }
}

/** A server that did not come up. The next start waits longer each time: 1 s, doubled up to a minute. */
export function failStart(s: CoreState, server: GameServer, reason: string, final: boolean): void {
  const fleet = s.fleet(server.experienceId);
  const crash = crashOf(fleet, server.version);
  noteFailure(s, fleet, reason, { version: server.version, final });
  const next = `next start of ${fleet.id} in ${String((crash.untilMs - s.nowMs) / 1000)} s`;
  const reasons = [
    reason,
    `${crash.failures === 1 ? "1 failure" : `${String(crash.failures)} failures in a row`}; ${next}`,
  ];
  const record = { kind: "spawn", outcome: "failed", reasons } as const;
  // Of the fleet too: the server is soon gone, and who looks for one that does not come asks for the experience.
  for (const subject of [server.id, fleet.id])
    s.out.push({ type: "record", record: s.records.make(s.nowMs, { ...record, subject }) });
  // After its failure, which it may lead to a decision about. That no node had room says nothing of the version.
  if (server.engine !== "asked") noteVersionFailed(s, fleet, server, reason);
  if (server.engine === "held" || server.engine === "exited") setState(s, server, "terminated", reason);
  else {
    setState(s, server, "unhealthy", reason);
    stop(s, server, reason);
  }
}

/** Counts a failure in a row. One that had been up (`wasUp`) may be bad luck: its first replacement does not wait. */
export function noteFailure(
  s: CoreState,
  fleet: Fleet,
  reason: string,
  {
    version,
    final = false,
    wasUp = false,
  }: { readonly version: string; readonly final?: boolean; readonly wasUp?: boolean },
): void {
  const crash = crashOf(fleet, version);
  crash.failures++;
  if (final) crash.final = reason;
  const doublings = crash.failures - (wasUp ? 2 : 1);
  const delayMs = final
    ? BACKOFF_MAX_MS
    : doublings < 0
      ? 0
      : Math.min(BACKOFF_MAX_MS, 1000 * 2 ** Math.min(doublings, 10));
  crash.untilMs = s.nowMs + delayMs;
  s.timers.at(crash.untilMs, () => s.dirty.add(fleet));
  s.dirty.add(fleet);
}

/** Whether an end this soon after ready is one more turn of a crash loop. */
export function diedYoung(s: CoreState, server: GameServer): boolean {
  return server.readyAtMs === null || s.nowMs - server.readyAtMs < PROVEN_MS;
}

/** Stops its process. Only for what its agent has closed, what was never ready, and what has failed or is forced. */
export function stop(s: CoreState, server: GameServer, reason: string): void {
  if (server.stopAskedAtMs !== null || server.state === "terminated") return;
  const { id: serverId, nodeId, allocationId } = server;
  server.stopAskedAtMs = s.nowMs;
  if (server.engine === "held") {
    setState(s, server, "terminated", reason);
    return;
  }
  const graceSecs = graceOf(s.fleet(server.experienceId));
  if (s.usable(nodeId) && nodeId !== null && allocationId !== null && server.expected) {
    s.send(
      nodeId,
      { kind: "notice", serverId, allocationId, notice: { kind: "stopping", graceMs: graceSecs * 1000 } },
      { kind: "told" },
    );
  }
  s.out.push({ type: "stop", serverId, graceSecs, reason });
  // An operator's force is told as such: whoever reads the events must not take it for an orderly end.
  const forced = server.ending?.force ? { force: true, players: server.seats.size } : undefined;
  s.out.server("server.stopping", server, reason, forced);
  s.stopping.add(server);
}
