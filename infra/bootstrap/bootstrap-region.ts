import { rmSync } from "node:fs";
import { stopAgent } from "../local/agent-process";
import { agentArguments, type LocalRegion } from "../local/agent-plan";
import type { LocalHost } from "../local/local-host";
import { regionClients } from "../local/region-clients";
import { readIfThere } from "../local/region-folder";
import { bringUp } from "../local/region-up";
import { CA_FILE } from "../tls/certificates";
import type { Bootstrap, StepReport } from "./bootstrap";
import { bootstrapConsul } from "./consul-acl";
import { bootstrapConsulAgent } from "./consul-agent-tokens";
import { bootstrapNomad } from "./nomad-acl";
import { bootstrapNomadNode } from "./nomad-node";
import { bootstrapVaultToken } from "./vault-deploy-token";
import { bootstrapVault } from "./vault-init";

const STEPS: readonly ((bootstrap: Bootstrap) => Promise<StepReport>)[] = [
  bootstrapNomad,
  bootstrapConsul,
  bootstrapConsulAgent,
  bootstrapVault,
  bootstrapVaultToken,
  bootstrapNomadNode,
];

const STOP_MS = 20_000;

/**
 * From agents that just run to a region that lets in who has a token: ACLs of Nomad and Consul, Vault's store, and a token
 * of each for deploying. Idempotent; after a kill at any point the next run comes to the same end. Secrets go to 0600
 * files of the region's folder, and nowhere else. The region must be up, and locked by the caller.
 *
 * @param reached see `Bootstrap.reached`
 * @returns what it did, a line a thing; nothing where all was done
 * @throws {InfraError} naming cause and next step
 */
export async function bootstrapRegion(
  region: LocalRegion,
  host: LocalHost,
  reached: (moment: string) => void = () => undefined,
): Promise<StepReport> {
  const { folder, ports } = region;
  const clients = regionClients(ports, readIfThere(folder.tls(CA_FILE)) ?? "");
  const bootstrap: Bootstrap = {
    region: region.name,
    folder,
    ...clients,
    host,
    reached,
    remakeVault: async () => {
      const spec = { pidFile: folder.run("vault.json"), args: agentArguments(folder, "vault") };
      await stopAgent(spec, STOP_MS);
      rmSync(folder.data("vault"), { recursive: true, force: true });
      await bringUp(region, host);
    },
  };
  try {
    const done: string[] = [];
    for (const step of STEPS) done.push(...(await step(bootstrap)));
    return done;
  } finally {
    await clients.close();
  }
}
