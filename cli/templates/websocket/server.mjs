import { forgePort, GameServer } from "eustress-forge-sdk/server";
import { WebSocket, WebSocketServer } from "ws";

/**
 * A game to put yours in place of: everyone has a score, everyone sees all scores. A client sends its ticket first,
 * then numbers to add: `wscat -c ws://ADDRESS:PORT`, the ticket, `1`.
 */
const players = new Map(); // playerId -> { socket, score }

const forge = await GameServer.connect();
const server = new WebSocketServer({
  host: process.env.NOMAD_IP_game,
  port: forgePort(process.env, "game"),
  maxPayload: 4096,
});

server.on("connection", (socket) => {
  socket.on("error", () => socket.terminate());
  socket.once("message", (ticket) => void enter(socket, ticket.toString()));
});

/** Forge alone knows who has a seat here, and gives back what was saved of a player whose last server died. */
async function enter(socket, ticket) {
  const admission = await forge.playerJoined(ticket).catch((error) => ({ code: "unavailable", detail: error.message }));
  if (!admission.admitted) return socket.close(4003, admission.code);
  const { playerId, restore } = admission;
  players.set(playerId, { socket, score: restore ? JSON.parse(restore.data).score : 0 });
  socket.on("message", (number) => {
    const player = players.get(playerId);
    if (player && Number.isInteger(Number(number))) player.score += Number(number);
    tellAll();
  });
  const leave = () => {
    if (players.get(playerId)?.socket !== socket) return;
    players.delete(playerId);
    void forge.playerLeft(playerId).catch(console.error);
    tellAll();
  };
  socket.on("close", leave);
  // Who hung up while Forge was asked is gone already, and `close` will not come again.
  if (socket.readyState === WebSocket.OPEN) tellAll();
  else leave();
}

function tellAll() {
  const scores = Object.fromEntries([...players].map(([playerId, { score }]) => [playerId, score]));
  for (const { socket } of players.values()) socket.send(JSON.stringify({ scores }));
}

/** What each player has, every 5 seconds; at most 4 KB a player. */
forge.saveEvery({ player: (playerId) => JSON.stringify({ score: players.get(playerId)?.score ?? 0 }) });

/** These players sit on another server now: they ask Forge where. */
forge.on("moved", ({ playerIds }) => {
  for (const playerId of playerIds) {
    const player = players.get(playerId);
    players.delete(playerId);
    player?.socket.close(4001, "moved");
  }
});

process.on("SIGTERM", () => {
  server.close();
  forge.close();
  process.exit(0);
});

server.on("listening", () => void forge.ready());
