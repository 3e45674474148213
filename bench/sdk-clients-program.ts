/** Many game servers in one process, as far as Forge can see them: each with the SDK's stream, heartbeat and joins. */
import { GameServer } from "eustress-forge-sdk/server";
import { answerParent } from "./child-program";

export interface SdkAddress {
  readonly serverId: string;
  readonly url: string;
  readonly token: string;
}

export interface Entry {
  readonly serverId: string;
  readonly ticket: string;
}

const AT_ONCE = 50;
const servers = new Map<string, GameServer>();

async function connect(addresses: readonly SdkAddress[]): Promise<void> {
  await inTurn(addresses, async ({ serverId, url, token }) => {
    const server = await GameServer.connect({ env: { FORGE_SDK_URL: url, FORGE_SDK_TOKEN: token } });
    await server.ready();
    servers.set(serverId, server);
  });
}

async function join(entries: readonly Entry[]): Promise<void> {
  await inTurn(entries, async ({ serverId, ticket }) => {
    const admission = await servers.get(serverId)?.playerJoined(ticket);
    if (admission?.admitted !== true) throw new Error(`server ${serverId}: ${JSON.stringify(admission ?? "unknown")}`);
  });
}

/** A few at a time: a thousand connections at once would measure the backlog. */
async function inTurn<T>(items: readonly T[], each: (item: T) => Promise<void>): Promise<void> {
  const waiting = items[Symbol.iterator]();
  const worker = async (): Promise<void> => {
    for (const item of waiting) await each(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

answerParent({ connect, join }, () => {
  for (const server of servers.values()) server.close();
});
