import { InfraError } from "../failure";
import { tokenOf } from "../local/token-files";
import { TOKEN_HEADER, type Bootstrap, type StepReport } from "./bootstrap";

/** A client fingerprints its machine before its first heartbeat counts. */
const READY_WITHIN_MS = 120_000;
const ASK_EVERY_MS = 200;

/**
 * Waits until a node can be given work: what deploys next makes volumes, which Nomad places at once or not at all.
 *
 * @throws {InfraError} `agentSilent` where none is ready after two minutes
 */
export async function bootstrapNomadNode({ nomad, folder, host }: Bootstrap): Promise<StepReport> {
  const headers = { [TOKEN_HEADER.nomad]: tokenOf(folder, "nomad") ?? "" };
  const deadlineMs = host.now() + READY_WITHIN_MS;
  for (;;) {
    const nodes = await nomad.json<readonly { readonly Status: string }[]>("GET", "/v1/nodes", { headers });
    if (nodes.some(({ Status }) => Status === "ready")) return [];
    if (host.now() > deadlineMs) {
      const states = nodes.map(({ Status }) => Status).join(", ");
      const message = `Nomad has no node that is ready after ${String(READY_WITHIN_MS / 1000)} s (${states || "none"})`;
      throw new InfraError("agentSilent", message, `read ${folder.log("nomad-client")}; then run the same again`);
    }
    await host.pause(ASK_EVERY_MS);
  }
}
