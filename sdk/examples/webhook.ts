import { createServer } from "node:http";
import { verifyWebhook, type ForgeEvent } from "eustress-forge-sdk";

/** Receives Forge's webhooks. Answer quickly: after 5 s Forge takes it as failed and tries again. */
export function receiver(secret: string, onEvent: (event: ForgeEvent) => void) {
  // In a real backend a table with a unique key: the same event may come again, also after a restart.
  const seen = new Set<string>();
  return createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const check = verifyWebhook(secret, { body: Buffer.concat(chunks), headers: request.headers });
      response.writeHead(check.ok ? 204 : 401).end();
      if (!check.ok || seen.has(check.eventId)) return;
      seen.add(check.eventId);
      onEvent(check.event);
    });
  });
}
