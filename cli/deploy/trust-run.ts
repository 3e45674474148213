import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { setGlobalDispatcher } from "undici";
import { trustingAgent } from "../../clients/authority";
import { readRunSecrets, runSecretsFile } from "../../infra/embedded/run-secrets-file";

/**
 * Has every call of this process trust the authorities of a run's regions, whose seal is made with a secret that lies
 * beside its forge.toml: of this folder or the nearest above it. Without one the system's own authorities decide, and
 * NODE_EXTRA_CA_CERTS.
 */
export function trustRun(from: string): void {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const file = runSecretsFile(folder);
    if (existsSync(file)) {
      setGlobalDispatcher(trustingAgent({ shared: () => [readRunSecrets(file)?.shared ?? ""] }));
      return;
    }
    if (dirname(folder) === folder) return;
  }
}
