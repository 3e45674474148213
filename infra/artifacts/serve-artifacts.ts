import { readFileSync } from "node:fs";
import { artifactConfigSchema, artifactServer } from "./artifact-server";
import { ArtifactStore } from "./artifact-store";

/**
 * The artifact server's own process: what `infra up` starts and Nomad's nodes ask long after the command has ended. Runs
 * until it is ended.
 */
export async function serveArtifacts(configFile: string): Promise<void> {
  const { port, dist, kept } = artifactConfigSchema.parse(JSON.parse(readFileSync(configFile, "utf8")));
  const server = artifactServer(new ArtifactStore(dist, kept));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  process.stdout.write(`serving ${dist} on 127.0.0.1:${String(port)}\n`);
}
