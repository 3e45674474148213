import { GameServer, forgePort } from "eustress-forge-sdk/server";
import { WebSocketServer, type WebSocket } from "ws";

/** A whole game server: everyone has a score, and keeps it when the server dies. */
export async function main(): Promise<void> {
  const forge = await GameServer.connect();
  const players = new Map<string, { socket: WebSocket; score: number }>();

  async function enter(socket: WebSocket, ticket: string): Promise<void> {
    const admission = await forge.playerJoined(ticket);
    if (!admission.admitted) return socket.close(4003, admission.code);
    const { playerId, restore } = admission;
    players.set(playerId, { socket, score: restore ? Number(restore.data) : 0 });
    const leave = (): void => {
      if (players.get(playerId)?.socket !== socket) return;
      players.delete(playerId);
      forge.playerLeft(playerId).catch((error: Error) => console.error(`${playerId} left untold: ${error.message}`));
    };
    socket.on("close", leave);
    // Who hung up while Forge was asked is gone already, and `close` will not come again.
    if (socket.readyState !== socket.OPEN) leave();
  }

  const sockets = new WebSocketServer({ port: forgePort(process.env, "game"), maxPayload: 4096 });
  sockets.on("connection", (socket) => {
    socket.on("error", () => socket.terminate());
    socket.once("message", (ticket: Buffer) => {
      enter(socket, ticket.toString("utf8")).catch(() => socket.close(1013, "Forge does not answer"));
    });
  });

  forge.saveEvery({ player: (playerId) => String(players.get(playerId)?.score ?? 0) });
  forge.on("moved", ({ playerIds }) => {
    for (const playerId of playerIds) {
      const player = players.get(playerId);
      players.delete(playerId); // Forge knows: this player sits elsewhere now.
      player?.socket.close(4001, "moved");
    }
  });
  forge.on("problem", (error) => console.error(error.message));
  forge.on("draining", () => void forge.saveNow()); // Never rejects: what it cannot save is a problem, told above.
  await forge.ready();
}
