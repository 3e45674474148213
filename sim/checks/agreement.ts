import type { CommandResult } from "../../controller/core/decision";
import type { Fleet, Server, Session } from "../../controller/core/resources";
import type { KeptFleets } from "../../controller/fleet-keeper";
import type { ControllerHost } from "../controller-host";
import type { TrueServer } from "../journal-truth";
import type { VirtualNode } from "../node";
import type { VirtualRegion } from "../region";
import type { World } from "../world";

/**
 * P5: once faults have stopped and time has passed, actual equals desired: one leads, it knows what agents and engine know,
 * sizes are within their bounds, nobody waits, everybody was told.
 */
export async function checkAgreement(world: World, region: VirtualRegion): Promise<void> {
  const broken = (check: string, evidence: string): void => world.broken("P5", check, `${region.name}: ${evidence}`);
  const leaders = region.controllers.filter(({ leads, process }) => leads && process?.alive);
  const [leader] = leaders;
  if (leaders.length !== 1 || !leader)
    return broken("one leads", `${String(leaders.length)} lead; Consul says ${region.consul.leader ?? "nobody"}`);
  const servers = await read<readonly Server[]>(leader, { type: "listServers" });
  const sessions = await read<readonly Session[]>(leader, { type: "findSessions" });
  checkServers(region, servers, broken);
  const fleets = await read<readonly Fleet[]>(leader, { type: "listFleets" });
  checkVersions(fleets, servers, broken);
  if (region.kind === "busy") checkKept(region, leader.epoch, fleets, broken);
  checkSessions(region, sessions, broken);
  for (const standby of region.controllers)
    if (standby !== leader && standby.process?.alive) await checkStandby(region, standby, broken);
  for (const player of region.players)
    if (player.state === "following" || player.state === "asking")
      broken(
        "everybody is told",
        `${player.id} is ${player.state} with ${player.sessionId ?? "no session"} since ${String(Math.round(world.schedule.nowMs - player.sinceMs))} ms`,
      );
}

/** Whether a leader still looks for a place for somebody who is to go on. */
export async function somebodyMoves(world: World): Promise<boolean> {
  for (const { controllers } of world.regions)
    for (const controller of controllers) {
      if (!controller.leads || !controller.process?.alive) continue;
      const sessions = await read<readonly Session[]>(controller, { type: "findSessions" });
      if (sessions.some(({ state }) => state === "migrating")) return true;
    }
  return false;
}

type Broken = (check: string, evidence: string) => void;

function checkServers(region: VirtualRegion, servers: readonly Server[], broken: Broken): void {
  const live = servers.filter(({ state }) => state !== "terminated");
  const known = new Map(live.map((server) => [server.id, server]));
  for (const { node, server } of region.servers())
    if (!known.has(server.server.serverId))
      broken("what runs is known", `${server.server.serverId} runs on ${node.nodeId} and the leader does not know it`);
  for (const server of live) {
    if (server.state === "suspect" || server.state === "unhealthy")
      broken("nothing is left in doubt", `${server.id} is ${server.state}: ${server.reason}`);
    if (!region.findServer(server.id))
      broken(
        "what is known runs",
        `the leader has ${server.id} as ${server.state} (${server.reason}), and no node runs it`,
      );
  }
  for (const [experienceId, { scaling }] of Object.entries(region.settings.experiences)) {
    const ready = live.filter((server) => server.experienceId === experienceId && server.state !== "draining").length;
    if (ready < Math.min(1, scaling.minServers) || ready > scaling.maxServers + 1)
      broken("sizes are kept", `${experienceId} has ${String(ready)} servers, at most ${String(scaling.maxServers)}`);
  }
}

function checkSessions(region: VirtualRegion, sessions: readonly Session[], broken: Broken): void {
  const known = new Map(sessions.map((session) => [session.id, session]));
  const seated = new Set<string>();
  for (const { node, server } of region.servers()) {
    const truth = node.truth.find(server.server.serverId, server.server.allocationId);
    if (!truth) {
      broken("agents know their servers", `${node.nodeId} has no ${server.server.serverId}`);
      continue;
    }
    if (truth.gone !== undefined) continue;
    checkSeats({ node, truth, known, seated }, "leader and agents agree", "the leader", broken);
    for (const [playerId, { sessionId, generation }] of server.inside) {
      const seat = truth.seats.get(sessionId);
      if (seat?.generation !== generation)
        broken("who is on has a seat", `${playerId} is on ${server.server.serverId} without a seat (${sessionId})`);
    }
  }
  for (const session of sessions) {
    if (session.state === "migrating") broken("nobody waits", `${session.id} is migrating: ${session.reason}`);
    else if (session.state !== "queued" && !seated.has(session.id))
      broken(
        "leader and agents agree",
        `the leader seats ${session.id} (${session.state}) on ${String(session.serverId)}; no agent does`,
      );
  }
}

interface Seated {
  readonly node: VirtualNode;
  readonly truth: TrueServer;
  /** What the controller knows, by session. */
  readonly known: ReadonlyMap<string, Session>;
  /** Takes whoever has a seat there. */
  readonly seated: Set<string>;
}

/** The controller has each seat of the server where the journal has it. */
function checkSeats({ node, truth, known, seated }: Seated, check: string, who: string, broken: Broken): void {
  const { serverId } = truth.expect;
  for (const { sessionId, generation } of truth.seats.values()) {
    seated.add(sessionId);
    const session = known.get(sessionId);
    if (session?.serverId === serverId && session.generation === generation) continue;
    const has = session
      ? `it ${session.state} on ${String(session.serverId)} with ${String(session.generation)}`
      : "nothing of it";
    broken(
      check,
      `${node.nodeId} seats ${sessionId} generation ${String(generation)} on ${serverId}; ${who} has ${has}`,
    );
  }
}

/** Whoever leads next knows the seats, even if their node is lost in the same moment as the leader. */
async function checkStandby(region: VirtualRegion, standby: ControllerHost, broken: Broken): Promise<void> {
  const sessions = await read<readonly Session[]>(standby, { type: "findSessions" });
  const known = new Map(sessions.map((session) => [session.id, session]));
  const seated = new Set<string>();
  for (const { node, server } of region.servers()) {
    const truth = node.truth.find(server.server.serverId, server.server.allocationId);
    if (!truth || truth.gone !== undefined) continue;
    checkSeats({ node, truth, known, seated }, "standbys know the seats", standby.host, broken);
  }
  for (const session of sessions)
    if (session.serverId !== null && session.state !== "ended" && !seated.has(session.id))
      broken(
        "standbys know the seats",
        `${standby.host} seats ${session.id} (${session.state}) on ${session.serverId}; no agent does`,
      );
}

/** But for servers that somebody asked for by name, which are kept for who is to come, and those whose match goes on. */
function checkVersions(fleets: readonly Fleet[], servers: readonly Server[], broken: Broken): void {
  const mayGo = servers.filter(
    ({ id, state, players }) => state === "ready" && players === 0 && !id.includes("-asked-"),
  );
  for (const { experienceId, version, rollout } of fleets) {
    const old = servers.filter(
      (server) => server.experienceId === experienceId && server.version !== version && server.state !== "terminated",
    );
    if (rollout && old.every((server) => mayGo.includes(server)))
      broken("a rollout ends", `${experienceId} still goes from ${rollout.fromVersion} to ${rollout.toVersion}`);
    for (const server of old)
      if (mayGo.includes(server))
        broken("old versions go", `${server.id} of ${experienceId} runs ${server.version}, which is not ${version}`);
  }
}

/** What the next leader would begin with is what this one has. */
function checkKept({ consul }: VirtualRegion, epoch: number, fleets: readonly Fleet[], broken: Broken): void {
  const kept = consul.kept === undefined ? undefined : (JSON.parse(consul.kept) as KeptFleets);
  if (kept?.epoch !== epoch)
    return broken("what is decided is kept", `of epoch ${String(kept?.epoch)}, and ${String(epoch)} leads`);
  for (const { experienceId, version, rollout } of fleets) {
    const record = kept.fleets[experienceId];
    if (record?.version !== version || record.rollout?.to !== rollout?.toVersion)
      broken(
        "what is decided is kept",
        `${experienceId} runs ${version}, takes in ${rollout?.toVersion ?? "none"}; kept: ${JSON.stringify(record)}`,
      );
  }
}

async function read<T>(leader: ControllerHost, command: Parameters<ControllerHost["command"]>[0]): Promise<T> {
  const result: CommandResult = await leader.command(command);
  if (!result.ok) throw new Error(`${command.type}: ${result.problem.detail}`);
  return result.value as T;
}
