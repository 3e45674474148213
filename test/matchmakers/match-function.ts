import { createServer, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";

/** A ticket as Open Match's REST has it. */
export interface OpenMatchTicket {
  readonly id: string;
  readonly searchFields?: object;
}

/** Open Match's match function, over its REST: all tickets of the query service, two to a match in the order of their ids. */
export class MatchFunction {
  private constructor(private readonly server: Server) {}

  /** @param queryUrl of Open Match's query service */
  static async start(queryUrl: string): Promise<MatchFunction> {
    const server = createServer((request, response) => {
      void (async () => {
        await text(request);
        const tickets = await waiting(queryUrl);
        for (let at = 0; at + 1 < tickets.length; at += 2) {
          const pair = tickets.slice(at, at + 2);
          const matchId = `om-${pair.map(({ id }) => id).join("-")}`;
          const proposal = { matchId, matchProfile: "pairs", matchFunction: "pairs", tickets: pair };
          response.write(`${JSON.stringify({ result: { proposal } })}\n`);
        }
        response.end();
      })().catch(() => response.destroy());
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new MatchFunction(server);
  }

  /** As a director names it to Open Match. */
  get config(): string {
    return JSON.stringify({ host: "127.0.0.1", port: (this.server.address() as AddressInfo).port, type: "REST" });
  }

  async close(): Promise<void> {
    const closed = once(this.server.close(), "close");
    this.server.closeAllConnections();
    await closed;
  }
}

async function waiting(queryUrl: string): Promise<readonly OpenMatchTicket[]> {
  const asked = { method: "POST", body: JSON.stringify({ pool: { name: "everyone" } }) };
  const answer = await fetch(`${queryUrl}/v1/queryservice/tickets:query`, asked);
  const lines = (await text(Readable.fromWeb(answer.body as never))).trim();
  if (lines === "") return [];
  return lines
    .split("\n")
    .flatMap((line) => (JSON.parse(line) as { result?: { tickets?: OpenMatchTicket[] } }).result?.tickets ?? [])
    .sort((one, other) => (one.id < other.id ? -1 : 1));
}
