import { createServer, type Server } from "node:http";
import { z } from "zod";
import type { ArtifactStore } from "./artifact-store";

export const artifactConfigSchema = z.object({
  port: z.int().min(1).max(65_535),
  /** Folder with `bundles.json`. */
  dist: z.string().min(1),
  /** Folder that keeps what was given out. */
  kept: z.string().min(1),
});

export type ArtifactConfig = Readonly<z.output<typeof artifactConfigSchema>>;

/** Nobody sends this server anything, and a bundle is megabytes on loopback. */
const LIMITS = { requestTimeout: 30_000, headersTimeout: 5000, maxHeaderSize: 8192 };

/** Bundles over HTTP: `GET` and `HEAD` of the store's paths, and `/health`. Anything else is 404 or 405. */
export function artifactServer(store: ArtifactStore): Server {
  const server = createServer(LIMITS, (request, response) => {
    const path = (request.url ?? "/").split("?")[0] ?? "/";
    if (request.method !== "GET" && request.method !== "HEAD") return void response.writeHead(405).end();
    if (path === "/health") return void response.writeHead(200).end("{}");
    const bytes = store.read(path);
    if (bytes === undefined) return void response.writeHead(404).end("no such bundle\n");
    response.writeHead(200, { "content-type": "text/javascript", "content-length": bytes.length });
    response.end(request.method === "HEAD" ? undefined : bytes);
  });
  server.maxConnections = 256;
  return server;
}
