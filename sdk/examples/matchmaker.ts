import { ForgeApiError, type ForgeController } from "eustress-forge-sdk";

/** Gives a match a server of its own; the same match asked for again gets the same server. */
export async function startMatch(
  forge: ForgeController,
  matchId: string,
  playerIds: readonly string[],
): Promise<string | undefined> {
  try {
    const { connection, tickets } = await forge.allocate({
      experienceId: "arena",
      matchId,
      players: playerIds.map((playerId) => ({ playerId })),
      deadlineMs: 10_000,
    });
    for (const playerId of playerIds) console.log(`${playerId}: ${connection} with ${tickets[playerId]}`);
    return connection;
  } catch (error) {
    // Forge has decided that there is no room now: tell the players, or ask again later with the same matchId.
    if (error instanceof ForgeApiError && error.code === "noCapacity") return undefined;
    throw error;
  }
}

/** Tells the people who should know. Runs until the process ends. */
export function watch(forge: ForgeController, tell: (line: string) => void): void {
  forge.on("playerMoved", ({ playerId, serverId, reason }) => tell(`${playerId} plays on ${serverId}: ${reason}`));
  forge.on("failover", ({ step, serverId }) => tell(`${serverId}: ${step}`));
  forge.on("scaling", ({ experienceId, action, from, to }) => tell(`${experienceId} ${action}: ${from} to ${to}`));
  forge.on("reset", () => tell("events were missed: reading the state anew"));
}
