import { InfraError } from "../failure";
import type { Bootstrap, StepReport } from "./bootstrap";
import { lostKey, readVaultKeys, writeVaultKeys } from "./vault-key-file";
import { sealStatus, unseal } from "./vault-unseal";

/**
 * Vault's store: initialised with one key share, opened.
 *
 * The key exists in Vault's one answer only. That the question was asked is on the disk before; where an answer got lost,
 * nobody can have opened that store, so it is empty and is made anew.
 *
 * @throws {InfraError} `lostSecret` where a store was opened once and its key is gone
 */
export async function bootstrapVault(bootstrap: Bootstrap): Promise<StepReport> {
  const { vault, folder, host } = bootstrap;
  const keys = readVaultKeys(folder);
  if (keys?.state === "kept") {
    if (!(await sealStatus(vault)).initialized) {
      throw new InfraError(
        "lostSecret",
        `${folder.secret("vault-init.json")} has the key of a store that is not there: Vault has lost its data`,
        "bring back data/vault, or remove the region with `infra down REGION --purge` and start anew",
      );
    }
    return (await unseal(vault, folder, host)) ? ["Vault's store is open"] : [];
  }
  if ((await sealStatus(vault)).initialized) {
    if (keys === undefined) throw lostKey(folder, "is not there");
    await bootstrap.remakeVault();
    bootstrap.reached("vault: remade");
  }
  writeVaultKeys(folder, { state: "asked" });
  bootstrap.reached("vault: question written");
  const body = { secret_shares: 1, secret_threshold: 1 };
  const answer = await vault.json<{ readonly keys_base64: readonly string[]; readonly root_token: string }>(
    "PUT",
    "/v1/sys/init",
    // It makes keys and a store, and a lost answer costs the store: a busy machine gets its time.
    { body, timeoutMs: 60_000 },
  );
  bootstrap.reached("vault: initialised");
  const [unsealKey = ""] = answer.keys_base64;
  writeVaultKeys(folder, { state: "kept", unsealKey, rootToken: answer.root_token });
  bootstrap.reached("vault: key written");
  await unseal(vault, folder, host);
  bootstrap.reached("vault: open");
  return ["Vault's store is initialised and open"];
}
