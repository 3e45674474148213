import type { Command } from "./input";
import { beginEnding, tightenEnding } from "./drain";
import { mostOf, type Fleet } from "./fleet";
import { isPrimary, type GameServer } from "./game-server";
import { LABEL_BYTES } from "./launch";
import { problem } from "./outbox";
import { knownVersions, noVersion } from "./routing";
import { experienceNames } from "./session-commands";
import { spawn } from "./spawn";
import type { CoreState } from "./state";
import { serverView } from "./views";
import { roomFor } from "./priority";

type Of<T extends Command["type"]> = Extract<Command, { type: T }>;
type Refusal = ReturnType<typeof problem>;

/** A server may have at most so many seats. */
const SEATS_LIMIT = 100_000;

export function spawnServer(s: CoreState, requestId: number, command: Of<"spawnServer">): void {
  const known = command.serverId === undefined ? undefined : s.servers.get(command.serverId);
  if (known) return answerSpawn(s, requestId, known, command.waitReady);
  const other = ofSameKey(s, command.keyPrefix);
  if (other)
    return s.out.refuse(
      requestId,
      problem("idempotencyMismatch", `the key came with another body before, and that started ${other}`, {
        info: { serverId: other },
      }),
    );
  const fleet = s.fleets.get(command.experienceId);
  if (!fleet?.config)
    return s.out.refuse(
      requestId,
      problem(
        "unknownExperience",
        `experience "${command.experienceId}" is not in this region; it has ${experienceNames(s)}`,
      ),
    );
  const why = whyNotSpawn(s, fleet, command);
  if (why) return s.out.refuse(requestId, why);
  const { serverId: id, version, maxPlayers, labels, annotations } = command;
  const server = spawn(s, fleet, { id, version, maxPlayers, labels, annotations, asked: true, reason: "asked for" });
  answerSpawn(s, requestId, server, command.waitReady);
}

function ofSameKey(s: CoreState, keyPrefix: string | undefined): string | undefined {
  if (keyPrefix === undefined) return undefined;
  for (const id of s.servers.keys()) if (id.startsWith(keyPrefix)) return id;
  return undefined;
}

function whyNotSpawn(
  s: CoreState,
  fleet: Fleet,
  { version, maxPlayers, labels, annotations }: Of<"spawnServer">,
): Refusal | null {
  if (version !== undefined && version !== fleet.config?.version && !knownVersions(fleet).includes(version))
    return noVersion(fleet, version);
  if (maxPlayers !== undefined && !(Number.isInteger(maxPlayers) && maxPlayers >= 1 && maxPlayers <= SEATS_LIMIT)) {
    return problem(
      "invalid",
      `maxPlayers is a whole number from 1 to ${String(SEATS_LIMIT)}, not ${String(maxPlayers)}`,
    );
  }
  const bytes = JSON.stringify([labels ?? {}, annotations ?? {}]).length;
  if (bytes > LABEL_BYTES)
    return problem("invalid", `labels and annotations have ${String(bytes)} bytes; ${String(LABEL_BYTES)} are allowed`);
  if (s.rebuilding) return problem("unavailable", "the controller is learning what runs", { retryAfterSecs: 1 });
  if (roomFor(s, fleet) <= 0) {
    const maxServers = mostOf(fleet);
    const { maxServersPerRegion } = s.settings.scaling;
    return problem(
      "noCapacity",
      `${fleet.id} runs ${String(fleet.servers.size)} servers of at most ${String(maxServers)}, and the region may run ${String(maxServersPerRegion)} in all`,
      { info: { maxServers, maxServersPerRegion } },
    );
  }
  return null;
}

function answerSpawn(s: CoreState, requestId: number, server: GameServer, waitReady: boolean): void {
  const done = server.readyAtMs !== null || server.state === "terminated" || server.state === "unhealthy";
  if (!waitReady) s.out.reply(requestId, serverView(s, server));
  else if (!done) server.waitingReady.push(requestId);
  else if (server.readyAtMs !== null) s.out.reply(requestId, serverView(s, server));
  else
    s.out.refuse(
      requestId,
      problem("startFailed", `server ${server.id} did not come up: ${server.reason}`, {
        info: { serverId: server.id },
      }),
    );
}

export function listServers(s: CoreState, requestId: number, { experienceId, state }: Of<"listServers">): void {
  const found = [...s.servers.values()].filter(
    (server) =>
      (experienceId === undefined || server.experienceId === experienceId) &&
      (state === undefined ? server.state !== "terminated" : server.state === state),
  );
  s.out.reply(
    requestId,
    found.map((server) => serverView(s, server)),
  );
}

export function getServer(s: CoreState, requestId: number, { serverId }: Of<"getServer">): void {
  const server = s.servers.get(serverId);
  if (server) s.out.reply(requestId, serverView(s, server));
  else s.out.refuse(requestId, unknownServer(serverId));
}

export function labelServer(
  s: CoreState,
  requestId: number,
  { serverId, labels = {}, annotations = {} }: Of<"labelServer">,
): void {
  const server = s.servers.get(serverId);
  if (!server) return s.out.refuse(requestId, unknownServer(serverId));
  if (server.state === "terminated")
    return s.out.refuse(requestId, problem("alreadyTerminated", `server ${serverId} has ended: ${server.reason}`));
  const next = { labels: merge(server.labels, labels), annotations: merge(server.annotations, annotations) };
  const bytes = JSON.stringify(next).length;
  if (bytes > LABEL_BYTES)
    return s.out.refuse(
      requestId,
      problem(
        "invalid",
        `labels and annotations would have ${String(bytes)} bytes; ${String(LABEL_BYTES)} are allowed`,
      ),
    );
  mark(s, server, labels, annotations);
  s.out.reply(requestId, serverView(s, server));
}

type Marks = Readonly<Record<string, string | null>>;

/** Sets labels and annotations, and takes those off that are null; its agent is told. */
export function mark(s: CoreState, server: GameServer, labels: Marks, annotations: Marks): void {
  server.labels = merge(server.labels, labels);
  server.annotations = merge(server.annotations, annotations);
  s.reindex(server);
  const { id: serverId, nodeId, allocationId } = server;
  if (s.usable(nodeId) && nodeId !== null && allocationId !== null)
    s.send(nodeId, { kind: "labels", serverId, allocationId, labels, annotations }, { kind: "told" });
}

function merge(before: Readonly<Record<string, string>>, change: Marks): Record<string, string> {
  const entries = Object.entries({ ...before, ...change }).filter(
    (entry): entry is [string, string] => entry[1] !== null,
  );
  return Object.fromEntries(entries);
}

export function terminateServer(
  s: CoreState,
  requestId: number,
  { serverId, drainSecs, force, reason }: Of<"terminateServer">,
): void {
  const server = s.servers.get(serverId);
  if (!server) return s.out.refuse(requestId, unknownServer(serverId));
  const moveAtMs = s.nowMs + Math.max(0, drainSecs) * 1000;
  const { ending } = server;
  const stricter =
    ending !== null && server.stopAskedAtMs === null && ((force && !ending.force) || moveAtMs < ending.moveAtMs);
  if (server.state === "terminated" || server.state === "unhealthy" || (ending && !stricter)) {
    return s.out.refuse(
      requestId,
      problem("alreadyTerminated", `server ${serverId} is ${server.state} already: ${server.reason}`, {
        info: { serverId, state: server.state },
      }),
    );
  }
  // A close that only an empty server would have taken is replaced by the operator's.
  if (ending && ending.kind !== "scaleDown" && ending.kind !== "rollout") tightenEnding(s, server, moveAtMs, force);
  else beginEnding(s, server, { kind: "terminate", moveAtMs, force, moving: false, reason });
  s.out.push({
    type: "record",
    record: s.records.make(s.nowMs, {
      kind: force ? "stop" : "drain",
      subject: serverId,
      outcome: force ? "stopped with players on" : `drained within ${String(drainSecs)} s`,
      reasons: [reason, `${String(server.seats.size)} players on it`],
    }),
  });
  if (isPrimary(server)) s.dirty.add(s.fleet(server.experienceId));
  s.out.reply(requestId, serverView(s, server));
}

function unknownServer(serverId: string): Refusal {
  return problem(
    "unknownServer",
    `there is no server "${serverId}" in this region; ended ones are forgotten after a minute`,
  );
}
