/**
 * The game server of the end-to-end tests, on Forge's SDK: players have a score, and a test is its client and its eyes
 * through plain HTTP on the port `game`.
 *
 *   POST /join {ticket, rejoin?}      the agent's answer
 *   POST /leave {playerId}            200
 *   POST /score {playerId, score}     200; saved by POST /save alone, so that a test knows what was saved
 *   POST /save                        200 once the agent has it
 *   POST /stats {…} · /labels {…} · /reserve {seconds} · /shutdown
 *   POST /ready                       once more: of a match server, the match is over
 *   POST /exit {code}                 ends the process at once
 *   POST /hang                        no heartbeat any more
 *   GET  /told?event=draining         the first such notice, once it came
 *   GET  /gameserver                  what the gate answers to it now
 *   GET  /state                       {pid, sdk: {url, token}, info, players: {ID: {score, restoredAgeMs}}}
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { forgePort } from "../../sdk/src/server/environment";
import { GameServer } from "../../sdk/src/server/game-server";
import type { Loose } from "./loose";

type Told = "draining" | "moved" | "stopping";

async function main(): Promise<void> {
  let hangs = false;
  const forge = await GameServer.connect({ heartbeatMs: 250, isHealthy: () => !hangs });
  const players = new Map<string, { score: number; restoredAgeMs: number | null }>();
  const told: Partial<Record<Told, unknown>> = {};
  const waiting = new Map<Told, ServerResponse[]>();
  const hear = (name: Told, value: unknown): void => {
    told[name] ??= value;
    for (const response of waiting.get(name)?.splice(0) ?? []) answer(response, 200, value);
  };
  for (const name of ["draining", "moved", "stopping"] as const) forge.on(name, (value) => hear(name, value));
  forge.on("moved", ({ playerIds }) => playerIds.forEach((playerId) => players.delete(playerId)));
  // An hour: nothing is saved behind a test's back.
  forge.saveEvery({ player: (playerId) => String(players.get(playerId)?.score ?? 0) }, 3_600_000);

  const calls: Readonly<Record<string, (body: Loose, response: ServerResponse, url: URL) => Promise<unknown>>> = {
    "POST /join": async ({ ticket, rejoin = false }) => {
      const admission = await forge.playerJoined(ticket, { rejoin });
      if (!admission.admitted) return admission;
      const { playerId, restore } = admission;
      players.set(playerId, { score: Number(restore?.data ?? 0), restoredAgeMs: restore?.ageMs ?? null });
      return admission;
    },
    "POST /leave": async ({ playerId }) => {
      players.delete(playerId);
      return forge.playerLeft(playerId);
    },
    "POST /score": async ({ playerId, score }) => {
      const player = players.get(playerId);
      if (player) player.score = score;
    },
    "POST /save": async () => {
      if (!(await forge.saveNow())) throw new Error("not saved");
    },
    "POST /stats": (stats) => forge.stats(stats),
    "POST /labels": (labels) => forge.setLabels(labels),
    "POST /reserve": ({ seconds }) => forge.reserve(seconds),
    "POST /ready": () => forge.ready(),
    "POST /shutdown": () => forge.shutdown(),
    "POST /exit": ({ code }) => process.exit(code),
    "POST /hang": async () => (hangs = true),
    "GET /told": async (_body, response, url) => {
      const name = url.searchParams.get("event") as Told;
      if (told[name] !== undefined) return told[name];
      waiting.set(name, [...(waiting.get(name) ?? []), response]);
      return LATER;
    },
    "GET /gameserver": async () => {
      const headers = { authorization: `Bearer ${process.env.FORGE_SDK_TOKEN}` };
      return (await fetch(`${process.env.FORGE_SDK_URL}/v1/gameserver`, { headers })).json();
    },
    "GET /state": async () => ({
      pid: process.pid,
      sdk: { url: process.env.FORGE_SDK_URL, token: process.env.FORGE_SDK_TOKEN },
      info: forge.info,
      players: Object.fromEntries(players),
    }),
  };

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://pocket");
    const call = calls[`${request.method} ${url.pathname}`];
    if (call === undefined) return answer(response, 404, {});
    void bodyOf(request)
      .then((body) => call(body, response, url))
      .then((result) => result === LATER || answer(response, 200, result ?? {}))
      .catch((error: Error) => answer(response, 500, { error: error.message }));
  });
  process.on("SIGTERM", () => {
    console.log("asked to stop");
    forge.close();
    process.exit(0);
  });
  server.listen(forgePort(process.env, "game"), process.env.NOMAD_IP_game, () => {
    console.log(`pocket game of ${process.env.FORGE_SERVER_ID} is up`);
    void forge.ready();
  });
}

const LATER = Symbol("answered later");

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return JSON.parse(text === "" ? "{}" : text);
}

void main();
